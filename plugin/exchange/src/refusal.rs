//! What does a gateway refuse by itself, and in which words? A request that two parsers could read
//! differently, a policy that breaks off, facts and answers that cannot be had.

use std::convert::Infallible;

use scimguard_core::message::ResponseBody;
use scimguard_core::{ErrorForm, Response, refusal};

/// A refusal by the gateway itself: a rule and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The rule's id.
    pub rule: &'static str,
    /// For the client.
    pub detail: String,
    /// Seconds, where the rule alone does not tell them.
    pub retry_after: Option<u64>,
}

impl From<Infallible> for Refused {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl Refused {
    /// By this rule, for this reason.
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
            "The policy broke off at this request. Tell the operator of the guard; its log says more.",
        )
    }

    /// The record cannot be asked, or not be written.
    #[must_use]
    pub fn no_record() -> Self {
        Self::new(
            "facts.unavailable",
            "The guard's record cannot be used now. Repeat the request later.",
        )
    }

    /// The guard's own credential would go where the client's token may not.
    #[must_use]
    pub fn of_other_account() -> Self {
        Self::new(
            "token.wrong-account",
            "The token is not for the account that the request names. Name the token's own account.",
        )
    }

    /// The body is larger than what is kept of one while facts are asked for.
    #[must_use]
    pub fn too_large(limit: u64) -> Self {
        Self::new(
            "body.too-large",
            format!(
                "The body is larger than {limit} bytes. Send fewer members or operations at once."
            ),
        )
    }

    /// What would be forwarded is larger than what the gateway can hold of it.
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

    /// The body did not arrive in the time that there is for it.
    #[must_use]
    pub fn too_slow() -> Self {
        Self::new(
            "body.syntax",
            "The body did not arrive in time. Send it faster, or less of it.",
        )
    }

    /// The token is not looked up, after too many wrong ones from the same address.
    #[must_use]
    pub fn not_asked(seconds: u64) -> Self {
        Self {
            retry_after: Some(seconds),
            ..Self::new(
                "rate.limited",
                "Too many wrong tokens come from this address, so that nobody is asked about this one now. \
                 Repeat the request after the time in Retry-After.",
            )
        }
    }

    /// There are too many unfinished requests.
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
            "The application gave no answer; it may or may not have acted. Repeat the request later.",
        )
    }

    /// The application switched protocols.
    #[must_use]
    pub fn upgrade() -> Self {
        Self::new(
            "upstream.invalid",
            "The application answered with another protocol.",
        )
    }

    /// The answer to the client, in the form that its path expects.
    #[must_use]
    pub fn response(&self, form: ErrorForm) -> Response {
        // Only an unknown rule has no form.
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
