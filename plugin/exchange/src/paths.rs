//! Checks paths independently of the policy, so that a request stays in its account and under its
//! base.

#[cfg(test)]
mod tests;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use scimguard_core::{ErrorForm, Forward, Request, Settings, fold};

/// The base paths of SCIM, for clients and at the backend.
pub struct ScimPaths {
    base: Vec<String>,
    upstream: Vec<String>,
    /// The only account, if the application has no other.
    account: Option<String>,
}

/// The placeholder for the account in a base.
const ACCOUNT: &str = "{account}";

/// Levels of encoding that are decoded; no legitimate segment has more.
const DECODINGS: usize = 6;

/// The end points of SCIM (RFC 7644 §3.2), in the form used for comparison.
const END_POINTS: [&str; 7] = [
    "users",
    "groups",
    "bulk",
    "me",
    "schemas",
    "resourcetypes",
    "serviceproviderconfig",
];

/// All characters except the unreserved ones of RFC 3986 §2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl ScimPaths {
    /// Takes the bases from the policy's settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self {
            base: template(&settings.scim_base),
            upstream: template(&settings.upstream_base),
            account: settings.scim_account.clone(),
        }
    }

    /// The form of errors that a client of this path expects: SCIM's under the literal part of the base,
    /// ignoring case.
    #[must_use]
    pub fn error_form(&self, path: &str) -> ErrorForm {
        let literal: Vec<&String> = self
            .base
            .iter()
            .take_while(|part| *part != ACCOUNT)
            .collect();
        let segments = segments(path);
        let is_scim = segments.len() >= literal.len()
            && literal
                .iter()
                .zip(&segments)
                .all(|(part, segment)| decoded(segment).eq_ignore_ascii_case(part));
        if is_scim {
            ErrorForm::Scim
        } else {
            ErrorForm::Problem
        }
    }

    /// Whether a path is under the SCIM base, exactly.
    #[must_use]
    pub fn is_scim(&self, path: &str) -> bool {
        account_in(&self.base, path).is_some()
    }

    /// The account of a path under the SCIM base; `None` for any other path.
    #[must_use]
    pub fn account(&self, path: &str) -> Option<String> {
        let account = account_in(&self.base, path)?;
        Some(match names_account(&self.base) {
            true => account,
            false => self.account.clone().unwrap_or_default(),
        })
    }

    /// Whether this is the only account of the application, which requests need not name.
    pub(crate) fn is_only_account(&self, account: &str) -> bool {
        self.account.as_deref() == Some(account)
    }

    /// Why the policy must not forward this, if there is a reason.
    #[must_use]
    pub fn fault(&self, request: &Request, forward: &Forward) -> Option<&'static str> {
        let Some(account) = self.account(&request.path) else {
            let unchanged = forward.method == request.method && forward.path == request.path;
            if !unchanged {
                return Some("it changed the target of a request that is not SCIM");
            }
            let leads = self.leads_to_scim(&forward.path);
            return leads.then_some("its path could lead to SCIM past the SCIM base");
        };
        if names_account(&self.base) && forward.account.as_ref().is_some_and(|it| *it != account) {
            return Some("it names another account than the request's path");
        }
        match account_in(&self.upstream, &forward.path) {
            None => return Some("it leaves the SCIM base of the backend"),
            Some(upstream) if names_account(&self.upstream) => {
                if upstream != account {
                    return Some("it forwards to another account than the request's");
                }
            }
            Some(_) => {
                if self.account.as_ref().is_some_and(|only| *only != account) {
                    return Some("the backend has another account than the request's");
                }
            }
        }
        if !is_plain(&account) {
            return Some("its account can be read in several ways");
        }
        let path = forward.path.split('?').next().unwrap_or_default();
        let leaves = path.contains('#') || !segments(path).into_iter().all(stays);
        leaves.then_some("its path could lead out of the account")
    }

    /// Whether a path outside the SCIM base could be mistaken for one inside it, or inside the backend's
    /// base, by a server that decodes it more than once, drops parameters, reads `\` as `/`, resolves
    /// dots, or ignores case.
    fn leads_to_scim(&self, path: &str) -> bool {
        let Some(read) = lenient(path) else {
            return true;
        };
        let base: Vec<&String> = self
            .base
            .iter()
            .take_while(|part| *part != ACCOUNT)
            .collect();
        let under_base = !base.is_empty()
            && read.len() >= base.len()
            && base
                .iter()
                .zip(&read)
                .all(|(part, segment)| fold(part) == *segment);
        under_base || self.is_upstream(&read)
    }

    /// Whether this is under the backend's base. A base without an account may contain other paths, so
    /// only its end points count.
    fn is_upstream(&self, read: &[String]) -> bool {
        if read.len() < self.upstream.len() {
            return false;
        }
        let (base, tail) = read.split_at(self.upstream.len());
        let mut parts = self.upstream.iter().zip(base);
        let matches = parts.all(|(part, segment)| part == ACCOUNT || fold(part) == *segment);
        let is_end_point = || {
            let first = tail.first().map(String::as_str).unwrap_or_default();
            END_POINTS.contains(&first)
        };
        matches && (names_account(&self.upstream) || is_end_point())
    }

    /// The path of a group for clients.
    #[must_use]
    pub fn client_group(&self, account: &str, id: &str) -> String {
        format!("{}/Groups/{}", filled(&self.base, account), encoded(id))
    }

    /// The path of a resource at the backend, if its id can be part of a path.
    #[must_use]
    pub fn resource(&self, account: &str, collection: &str, id: &str) -> Option<String> {
        let dots = matches!(id, "" | "." | "..");
        (!dots).then(|| format!("{}/{}", self.collection(account, collection), encoded(id)))
    }

    /// The path of a search by userName at the backend.
    #[must_use]
    pub fn users_named(&self, account: &str, name: &str) -> String {
        self.search(account, "Users", "userName", name)
    }

    /// The path of a search by a group's displayName at the backend.
    #[must_use]
    pub fn groups_named(&self, account: &str, name: &str) -> String {
        self.search(account, "Groups", "displayName", name)
    }

    fn search(&self, account: &str, collection: &str, attribute: &str, value: &str) -> String {
        // Filters take JSON strings (RFC 7644 §3.4.2.2).
        let filter = format!("{attribute} eq {}", serde_json::Value::from(value));
        self.list(account, collection, &[("filter", filter)])
    }

    /// The path of a collection at the backend, with query parameters.
    #[must_use]
    pub fn list(&self, account: &str, collection: &str, query: &[(&str, String)]) -> String {
        let parameters: Vec<String> = query
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        let collection = self.collection(account, collection);
        format!("{collection}?{}", parameters.join("&"))
    }

    /// Whether the backend has this account. A backend whose base names none has only one.
    #[must_use]
    pub fn has(&self, account: &str) -> bool {
        self.account.as_deref().is_none_or(|only| only == account)
    }

    fn collection(&self, account: &str, collection: &str) -> String {
        format!("{}/{collection}", filled(&self.upstream, account))
    }
}

/// Fills the account into a base.
fn filled(base: &[String], account: &str) -> String {
    let mut path = String::new();
    for part in base {
        path.push('/');
        match part.as_str() {
            ACCOUNT => path.push_str(&encoded(account)),
            literal => path.push_str(literal),
        }
    }
    path
}

fn template(base: &str) -> Vec<String> {
    let parts = base.split('/').filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

fn segments(path: &str) -> Vec<&str> {
    let path = path.split('?').next().unwrap_or_default();
    path.strip_prefix('/').unwrap_or(path).split('/').collect()
}

/// The decoded account of a path under a base, empty if the base has none; `None` for other paths.
fn account_in(base: &[String], path: &str) -> Option<String> {
    let mut account = String::new();
    let segments = segments(path);
    if segments.len() < base.len() {
        return None;
    }
    for (part, segment) in base.iter().zip(segments) {
        match part.as_str() {
            ACCOUNT => account = decoded(segment),
            literal if literal == segment => {}
            _ => return None,
        }
    }
    Some(account)
}

fn names_account(base: &[String]) -> bool {
    base.iter().any(|part| part == ACCOUNT)
}

/// Whether an account has no parameters and decodes to itself.
fn is_plain(account: &str) -> bool {
    !account.contains(['%', ';', '/', '\\', '?', '#'])
        && !matches!(account, "." | "..")
        && !account.chars().any(char::is_control)
}

/// Whether a segment stays below its parent, even if the backend decodes it repeatedly, drops parameters
/// (`..;a=b`) or reads `\` as `/`.
fn stays(segment: &str) -> bool {
    let mut text = segment.to_owned();
    for _ in 0..DECODINGS {
        let name = text.split(';').next().unwrap_or_default().trim();
        if matches!(name, "." | "..")
            || text.contains(['/', '\\'])
            || text.chars().any(char::is_control)
        {
            return false;
        }
        let Ok(next) = percent_decode_str(&text).decode_utf8() else {
            return false;
        };
        if next == text {
            return true;
        }
        text = next.into_owned();
    }
    false
}

/// The segments of a path as the most lenient backend would read them; `None` for a path that is encoded
/// too often.
fn lenient(path: &str) -> Option<Vec<String>> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut text = path.to_owned();
    let mut left = DECODINGS;
    loop {
        let next = decoded(&text);
        if next == text {
            break;
        }
        left = left.checked_sub(1)?;
        text = next;
    }
    let mut read: Vec<String> = Vec::new();
    for segment in text.split(['/', '\\']) {
        match segment.split(';').next().unwrap_or_default().trim() {
            "" | "." => {}
            ".." => {
                read.pop();
            }
            name => read.push(fold(name)),
        }
    }
    Some(read)
}

fn decoded(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}
