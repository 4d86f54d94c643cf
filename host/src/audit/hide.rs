//! A request as it may be logged: credentials are replaced by placeholders of the same form, and
//! asterisks replace values that no answer ever has, such as a password, and everything else that
//! looks like a secret.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use scimguard_core::{HIDDEN, Headers, Json, hide_secrets, never_returned};
use serde_json::{Value, json};

/// Replaces a credential. It has the form of one, so that the explanation only judges the record.
pub(super) const TOKEN: &str = "hidden.by.the.log";

/// Replaces every other secret; no token has asterisks.
pub(super) const VALUE: &str = HIDDEN;

/// Headers whose values are recorded.
const SHOWN: &[&str] = &[
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "content-encoding",
    "content-language",
    "content-length",
    "content-type",
    "expect",
    "host",
    "if-match",
    "if-none-match",
    "prefer",
    "user-agent",
];

/// Query parameters of SCIM (RFC 7644 §3.4.2), whose values are recorded.
const PARAMETERS: &[&str] = &[
    "attributes",
    "count",
    "cursor",
    "excludedattributes",
    "filter",
    "sortby",
    "sortorder",
    "startindex",
];

/// Parts of names that indicate a secret in any schema.
const SECRET_PARTS: &[&str] = &[
    "apikey",
    "credential",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "token",
];

/// Parts of names of headers that carry a credential.
const CARRIERS: &[&str] = &[
    "auth",
    "cookie",
    "credential",
    "key",
    "password",
    "secret",
    "session",
    "token",
];

/// Shorter tokens are not searched for in the rest of a request.
const SHORTEST: usize = 8;

/// Names of secret attributes.
pub(super) struct Names(BTreeSet<String>);

/// The credentials of one request, which may occur anywhere in it.
pub(super) struct Hidden<'a> {
    names: &'a Names,
    /// Each with its placeholder.
    credentials: Vec<(String, String)>,
}

impl Names {
    pub(super) fn new() -> Self {
        Self(never_returned())
    }

    /// Whether this names a secret, alone or after a URN or a dot.
    fn has(&self, name: &str) -> bool {
        let last = name.rsplit([':', '.']).next().unwrap_or(name);
        let plain: String = last
            .chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect();
        self.0.contains(&plain) || SECRET_PARTS.iter().any(|part| plain.contains(part))
    }

    /// Whether a path or filter mentions a secret.
    fn mentioned(&self, text: &str) -> bool {
        text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '$')))
            .any(|name| self.has(name))
    }
}

impl<'a> Hidden<'a> {
    /// Finds the credentials of a request.
    pub(super) fn of(headers: &Headers, names: &'a Names) -> Self {
        let hidden = headers.iter().filter(|(name, _)| is_carrier(name));
        let mut credentials = Vec::new();
        for (_, value) in hidden {
            let value = String::from_utf8_lossy(value);
            let credential = credential(&value).1.to_owned();
            if credential.len() < SHORTEST {
                continue;
            }
            let stand_in = stand_in(&credential);
            // Of an opaque token, also its secret part.
            let secret = credential.rsplit('.').next().unwrap_or_default();
            if secret.len() >= SHORTEST && secret.len() < credential.len() {
                credentials.push((secret.to_owned(), VALUE.to_owned()));
            }
            credentials.push((credential, stand_in));
        }
        // The whole token before its part.
        credentials.sort_by_key(|(credential, _)| std::cmp::Reverse(credential.len()));
        Self { names, credentials }
    }

    /// The placeholder of the credential with this property.
    pub(super) fn stand_in_of(&self, is: impl Fn(&str) -> bool) -> Option<&str> {
        let found = self
            .credentials
            .iter()
            .find(|(credential, _)| is(credential));
        found.map(|(_, stand_in)| stand_in.as_str())
    }

    /// The value of a header.
    pub(super) fn header(&self, name: &str, value: &[u8]) -> String {
        let value = String::from_utf8_lossy(value);
        if is_shown(name) {
            return self.text(&value);
        }
        if !is_carrier(name) {
            return VALUE.to_owned();
        }
        let (scheme, token) = credential(&value);
        format!("{scheme}{}", stand_in(token))
    }

    /// Path and query of a SCIM call.
    pub(super) fn target(&self, target: &str) -> String {
        let (path, query) = match target.split_once('?') {
            None => return self.text(target),
            Some(parts) => parts,
        };
        let shown: Vec<String> = query
            .split('&')
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                let known = PARAMETERS.contains(&decoded(name).to_lowercase().as_str());
                if value.is_empty() || (known && !self.names.mentioned(&decoded(value))) {
                    pair.to_owned()
                } else {
                    format!("{name}={VALUE}")
                }
            })
            .collect();
        self.text(&format!("{path}?{}", shown.join("&")))
    }

    /// A body. `None`: it cannot be parsed, so its secrets cannot be found.
    pub(super) fn body(&self, body: &[u8]) -> Option<String> {
        let mut json = Json::parse(body)?;
        self.value(&mut json);
        Some(json.to_string())
    }

    fn value(&self, json: &mut Json) {
        match json {
            Json::String(text) => *text = self.text(text),
            Json::Array(elements) => elements.iter_mut().for_each(|it| self.value(it)),
            Json::Object(members) => {
                // PATCH names an attribute in `path`, others in `type` or `name`; its value is beside it.
                let beside = members.iter().any(|member| match &member.value {
                    Json::String(text) if is_naming(&member.name) => self.names.mentioned(text),
                    _ => false,
                });
                for member in members {
                    let name = member.name.to_ascii_lowercase();
                    if self.names.has(&name) || (beside && name == "value") {
                        hide(&mut member.value);
                    } else if let Json::String(text) = &mut member.value
                        && matches!(name.as_str(), "path" | "filter")
                        && self.names.mentioned(text)
                    {
                        *text = without_quoted(text);
                    } else {
                        self.value(&mut member.value);
                    }
                    member.name = self.text(&member.name);
                }
            }
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
    }

    /// A text without the request's credentials or anything that looks like one.
    pub(super) fn text(&self, text: &str) -> String {
        without(text, &self.credentials)
    }

    /// Applies this to every text in a value.
    pub(super) fn texts(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(elements) => elements.iter_mut().for_each(|it| self.texts(it)),
            Value::Object(members) => members.values_mut().for_each(|it| self.texts(it)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// Placeholders have the form of a credential, and stay.
fn without(text: &str, credentials: &[(String, String)]) -> String {
    match credentials {
        [] => hide_secrets(text).into_owned(),
        [(credential, stand_in), others @ ..] => {
            let parts = text.split(credential.as_str());
            let shown: Vec<String> = parts.map(|part| without(part, others)).collect();
            shown.join(stand_in)
        }
    }
}

fn is_shown(header: &str) -> bool {
    SHOWN.contains(&header)
}

fn is_carrier(header: &str) -> bool {
    !is_shown(header) && CARRIERS.iter().any(|part| header.contains(part))
}

fn is_naming(member: &str) -> bool {
    ["path", "type", "name", "key", "display"]
        .iter()
        .any(|name| member.eq_ignore_ascii_case(name))
}

/// Splits a header's value into scheme and credential; the scheme includes the space after it.
fn credential(value: &str) -> (&str, &str) {
    let scheme = value
        .find(' ')
        .filter(|end| *end <= 20 && value[..*end].bytes().all(|b| b.is_ascii_alphabetic()));
    match scheme {
        Some(end) => {
            let token = value[end..].trim();
            (&value[..=end], token)
        }
        None => ("", value.trim()),
    }
}

/// The placeholder of a credential: a token of its form, or no token if it was none.
fn stand_in(credential: &str) -> String {
    let is_token = !credential.is_empty()
        && credential
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte));
    if !is_token {
        return VALUE.to_owned();
    }
    jwt_stand_in(credential).unwrap_or_else(|| TOKEN.to_owned())
}

/// A JWT with the original's header, the issuer as its only claim, and no valid signature.
fn jwt_stand_in(token: &str) -> Option<String> {
    let mut parts = token.split('.');
    let (header, payload, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next())
    else {
        return None;
    };
    let object = |part: &str| {
        let text = URL_SAFE_NO_PAD.decode(part).ok()?;
        serde_json::from_slice::<serde_json::Map<_, _>>(&text).ok()
    };
    let (shown, claims) = (object(header)?, object(payload)?);
    shown.get("alg")?;
    let payload = URL_SAFE_NO_PAD.encode(json!({"iss": claims.get("iss")}).to_string());
    let signature = URL_SAFE_NO_PAD.encode(TOKEN);
    Some(format!("{header}.{payload}.{signature}"))
}

/// Replaces every value by asterisks, but keeps nulls.
fn hide(json: &mut Json) {
    match json {
        Json::Null => {}
        Json::Array(elements) => elements.iter_mut().for_each(hide),
        Json::Object(members) => members.iter_mut().for_each(|it| hide(&mut it.value)),
        Json::Bool(_) | Json::Number(_) | Json::String(_) => *json = Json::String(VALUE.into()),
    }
}

/// A path or filter with every string in it hidden; an unterminated string ends with the text.
fn without_quoted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('"') {
        shown.push_str(&rest[..open]);
        shown.push_str(&format!("\"{VALUE}\""));
        let inner = &rest[open + 1..];
        let mut escaped = false;
        let end = inner.char_indices().find(|(_, c)| {
            let ends = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        });
        rest = end.map_or("", |(at, _)| &inner[at + 1..]);
    }
    shown.push_str(rest);
    shown
}

fn decoded(text: &str) -> String {
    let spaces = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaces)
        .decode_utf8_lossy()
        .into_owned()
}
