//! Refusals that do not come from the policy: for requests that two parsers could read differently, for a
//! policy that fails, and for facts and answers that are unavailable.

use std::convert::Infallible;

use scimguard_core::message::ResponseBody;
use scimguard_core::{ErrorForm, Response, refusal};

/// A refusal by the host itself: a rule and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The rule's id.
    pub rule: &'static str,
    /// The explanation for the client.
    pub detail: String,
    /// Seconds for Retry-After, if they differ from the rule's.
    pub retry_after: Option<u64>,
}

impl From<Infallible> for Refused {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl Refused {
    /// A refusal by this rule, with this explanation.
    #[must_use]
    pub fn new(rule: &'static str, detail: impl Into<String>) -> Self {
        Self {
            rule,
            detail: detail.into(),
            retry_after: None,
        }
    }

    /// The policy broke the protocol, or failed.
    #[must_use]
    pub fn trapped() -> Self {
        Self::new(
            "plugin.trapped",
            "The policy plugin failed on this request. The guard's operator can find the cause in its log.",
        )
    }

    /// The record cannot be read or written.
    #[must_use]
    pub fn no_record() -> Self {
        Self::new(
            "facts.unavailable",
            "The guard's record is not available at the moment. Repeat the request later.",
        )
    }

    /// The guard's own credential would reach an account that the client's token is not for.
    #[must_use]
    pub fn of_other_account() -> Self {
        Self::new(
            "token.wrong-account",
            "The token is not for the account that the request names. Name the token's own account.",
        )
    }

    /// The body is too large to be kept while facts are looked up.
    #[must_use]
    pub fn too_large(limit: u64) -> Self {
        Self::new(
            "body.too-large",
            format!(
                "The body is larger than {limit} bytes. Send fewer members or operations at once."
            ),
        )
    }

    /// The forwarded body would not fit into the gateway's buffer.
    #[must_use]
    pub fn no_room(room: u64) -> Self {
        Self::new(
            "body.too-large",
            format!(
                "The gateway forwards bodies of at most {room} bytes, and this one would be larger. Send \
                 less at once."
            ),
        )
    }

    /// The body did not arrive within the time limit.
    #[must_use]
    pub fn too_slow() -> Self {
        Self::new(
            "body.syntax",
            "The request body did not arrive in time. Send it faster, or send less.",
        )
    }

    /// The token is not looked up because the address has sent too many wrong ones.
    #[must_use]
    pub fn not_asked(seconds: u64) -> Self {
        Self {
            retry_after: Some(seconds),
            ..Self::new(
                "rate.limited",
                "Too many wrong tokens come from this address, so this one is not checked now. \
                 Repeat the request after the time in Retry-After.",
            )
        }
    }

    /// Too many requests are unfinished.
    #[must_use]
    pub fn too_busy() -> Self {
        Self::new(
            "facts.unavailable",
            "The gateway has too many unfinished requests. Repeat the request later.",
        )
    }

    /// The application did not answer.
    #[must_use]
    pub fn no_answer() -> Self {
        Self::new(
            "upstream.unavailable",
            "The application did not answer. It may or may not have acted; repeat the request later.",
        )
    }

    /// The application switched protocols.
    #[must_use]
    pub fn upgrade() -> Self {
        Self::new(
            "upstream.invalid",
            "The application switched to another protocol.",
        )
    }

    /// The answer to the client, in the form that its path expects.
    #[must_use]
    pub fn response(&self, form: ErrorForm) -> Response {
        // Only an unknown rule has no response.
        let mut response = refusal(self.rule, &self.detail, form).unwrap_or(Response {
            status: 500,
            headers: Vec::new(),
            body: ResponseBody::None,
        });
        if let Some(seconds) = self.retry_after {
            response.headers.retain(|(name, _)| name != "retry-after");
            let value = seconds.to_string().into_bytes();
            response.headers.push(("retry-after".to_owned(), value));
        }
        response
    }
}
