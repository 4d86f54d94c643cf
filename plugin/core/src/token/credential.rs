//! Finds the single credential of a request (RFC 6750 §2.1) in all headers that may carry one.

use crate::header_names;
use crate::message::Headers;
use crate::rules::{Refusal, token as rules};

/// Maximum length of a token in bytes; longer than any sensible opaque token or signed JWT.
const MAX_LENGTH: usize = 8192;

/// A token as sent in the request.
pub(super) struct Credential<'r> {
    /// The name and value of the header that carries it.
    pub(super) header: (&'r str, &'r [u8]),
    /// The token itself, without a scheme.
    pub(super) token: &'r str,
}

/// Explains where the provider's administrators enter a token.
fn entered(provider: &str) -> String {
    match provider.to_lowercase().as_str() {
        "okta" => "in Okta, choose HTTP Header as authentication mode".to_owned(),
        "entra" => "in Microsoft Entra ID, enter it as the Secret Token".to_owned(),
        _ => format!("in {provider}, enter the token that the guard issued"),
    }
}

/// Finds the credential of a client of this provider, or of an operator.
pub(super) fn credential<'r>(
    headers: &'r Headers,
    carriers: &[String],
    provider: &str,
) -> Result<Credential<'r>, Refusal> {
    let mut found = headers.iter().filter(|(name, _)| {
        carriers
            .iter()
            .any(|carrier| header_names::same(name, carrier))
    });
    let Some((name, value)) = found.next() else {
        return Err(rules::MISSING.because(format!(
            "The request carries no credential. Send Authorization: Bearer TOKEN; {}.",
            entered(provider)
        )));
    };
    let is_spelt = |carrier: &String| name.eq_ignore_ascii_case(carrier);
    if found.next().is_some() || !carriers.iter().any(is_spelt) {
        return Err(malformed());
    }
    let text = std::str::from_utf8(value).map_err(|_| malformed())?.trim();
    let token = if name.eq_ignore_ascii_case("authorization") {
        let (scheme, token) = text.split_once(' ').ok_or_else(malformed)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(malformed());
        }
        token.trim_start_matches(' ')
    } else {
        text
    };
    let is_token = (1..=MAX_LENGTH).contains(&token.len())
        && token
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte));
    if !is_token {
        return Err(malformed());
    }
    Ok(Credential {
        header: (name, value),
        token,
    })
}

/// Uses the same text whatever is wrong with the credential.
pub(super) fn malformed() -> Refusal {
    rules::MALFORMED.because(
        "The request must carry exactly one Bearer or API-key token; one that is a JWT must be signed.",
    )
}
