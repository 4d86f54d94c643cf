//! A gateway's own look at paths: whatever a policy says, a request stays in its account and under
//! its base.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use scimguard_core::{ErrorForm, Forward, Request, Settings};

/// Where SCIM is, for clients and at the backend.
pub struct ScimPaths {
    base: Vec<String>,
    upstream: Vec<String>,
    /// The one account of a backend whose base names none.
    account: Option<String>,
}

/// Stands for the account in a base.
const ACCOUNT: &str = "{account}";

/// All but what RFC 3986 §2.3 reserves nowhere.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl ScimPaths {
    /// As the policy's settings say.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self {
            base: template(&settings.scim_base),
            upstream: template(&settings.upstream_base),
            account: settings.scim_account.clone(),
        }
    }

    /// The errors that a client of this path expects: SCIM's under the literal part of the base, in
    /// any case.
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

    /// Why the policy may not forward this, if so.
    #[must_use]
    pub fn fault(&self, request: &Request, forward: &Forward) -> Option<&'static str> {
        let Some(account) = account_in(&self.base, &request.path) else {
            let unchanged = forward.method == request.method && forward.path == request.path;
            return (!unchanged).then_some("it changed the target of a request that is not SCIM");
        };
        let names_account = |base: &[String]| base.iter().any(|part| part == ACCOUNT);
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
        let leaves = segments(&forward.path).into_iter().any(|segment| {
            let segment = decoded(segment);
            segment == "." || segment == ".." || segment.contains(['/', '\\'])
        });
        leaves.then_some("its path holds dot segments or encoded slashes")
    }

    /// The path of a group as the identity provider sees it.
    #[must_use]
    pub fn client_group(&self, account: &str, id: &str) -> String {
        format!("{}/Groups/{}", filled(&self.base, account), encoded(id))
    }

    /// The path of a resource at the backend, if an id can stand in one.
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
        // A JSON string is what a filter takes (RFC 7644 §3.4.2.2).
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

    /// Whether the backend has this account: one whose base names none has a single one.
    #[must_use]
    pub fn has(&self, account: &str) -> bool {
        self.account.as_deref().is_none_or(|only| only == account)
    }

    fn collection(&self, account: &str, collection: &str) -> String {
        format!("{}/{collection}", filled(&self.upstream, account))
    }
}

/// A base with its account.
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

/// The account of a path under a base, decoded; empty if the base has none. `None`: not under it.
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

fn decoded(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use scimguard_core::Body;
    use scimguard_core::message::{AnswerHandling, ForwardBody};

    use super::*;

    fn paths(upstream: &str, account: Option<&str>) -> ScimPaths {
        ScimPaths::new(&Settings {
            body_limit: 0,
            answer_limit: 0,
            rounds: 3,
            passes: 3,
            scim_base: "/api/scim/account/{account}".to_owned(),
            upstream_base: upstream.to_owned(),
            scim_account: account.map(str::to_owned),
        })
    }

    fn fault(paths: &ScimPaths, from: &str, to: &str) -> bool {
        let request = Request {
            method: "GET".to_owned(),
            path: from.to_owned(),
            headers: Vec::new(),
            body: Body::None,
            annotate: false,
        };
        let forward = Forward {
            method: "GET".to_owned(),
            path: to.to_owned(),
            headers: Vec::new(),
            body: ForwardBody::None,
            answer: AnswerHandling::Pass,
            continuation: Vec::new(),
            changes: Vec::new(),
            records: Vec::new(),
            account: None,
            verified_token: None,
            rule: None,
        };
        paths.fault(&request, &forward).is_some()
    }

    #[test]
    fn a_forward_stays_in_its_account_and_base() {
        let users = "/api/scim/account/A/Users/u1?x=1";
        let same = paths("/api/scim/account/{account}", None);
        assert!(!fault(&same, users, users));
        assert!(!fault(
            &same,
            "/api/scim/account/A%2D/Users",
            "/api/scim/account/A-/Users"
        ));
        assert!(fault(&same, users, "/api/scim/account/B/Users/u1"));
        assert!(fault(&same, users, "/api/scim/account/A/../B/Users/u1"));
        assert!(fault(&same, users, "/api/scim/account/A/Users/..%2f..%2fB"));
        assert!(fault(&same, users, "/api/users/u1"));
        let moved = paths("/t/{account}/scim", None);
        assert!(!fault(&moved, users, "/t/A/scim/Users/u1"));
        assert!(fault(&moved, users, "/t/B/scim/Users/u1"));
        let single = paths("/", Some("A"));
        assert!(!fault(&single, users, "/Users/u1"));
        assert!(fault(&single, "/api/scim/account/B/Users/u1", "/Users/u1"));
    }

    #[test]
    fn what_is_not_scim_is_forwarded_unchanged() {
        let same = paths("/api/scim/account/{account}", None);
        assert!(!fault(
            &same,
            "/api/user-groups/g?a=A",
            "/api/user-groups/g?a=A"
        ));
        assert!(fault(
            &same,
            "/api/user-groups/g?a=A",
            "/api/user-groups/g?a=B"
        ));
        assert!(fault(
            &same,
            "/api/user-groups/g",
            "/api/scim/account/A/Groups/g"
        ));
    }

    #[test]
    fn lookups_are_encoded() {
        let moved = paths("/t/{account}", None);
        assert_eq!(
            moved.resource("A", "Users", "a/b c").unwrap(),
            "/t/A/Users/a%2Fb%20c"
        );
        assert_eq!(moved.resource("A", "Users", ".."), None);
        assert_eq!(
            moved.users_named("A", "a\"b"),
            "/t/A/Users?filter=userName%20eq%20%22a%5C%22b%22"
        );
        assert_eq!(moved.error_form("/API/scim/account"), ErrorForm::Scim);
        assert_eq!(moved.error_form("/api/user"), ErrorForm::Problem);
    }
}
