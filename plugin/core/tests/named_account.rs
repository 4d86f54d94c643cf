//! The account that a path names is the account of the decision, however the path is written.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use proptest::prelude::*;
use scimguard_core::{Body, Guard, NamedAccount, Request, Verdict};

fn harness() -> Guard {
    Guard::configure("").unwrap()
}

fn one(account: &str) -> NamedAccount {
    NamedAccount::One(account.to_owned())
}

#[test]
fn paths_name_the_account_that_their_route_reads() {
    const SCIM: &str = "/gateway/ng/api/scim/account";
    let guard = harness();
    #[rustfmt::skip]
    let cases = [
        ("GET", format!("{SCIM}/ACC1/Users"), one("ACC1")),
        ("GET", format!("{SCIM}/ACC1"), one("ACC1")),
        ("GET", format!("{SCIM}/ACC1/Nothing/at/all"), one("ACC1")),
        ("BREW", format!("{SCIM}/ACC1/Users"), one("ACC1")),
        ("GET", format!("{SCIM}/%41CC1/Users?filter=x"), one("ACC1")),
        ("GET", format!("{SCIM}/acc1/Users"), one("acc1")),
        ("GET", SCIM.to_owned(), NamedAccount::Unclear),
        ("GET", format!("{SCIM}//Users"), NamedAccount::Unclear),
        ("GET", format!("{SCIM}/ACC1/../ACC2/Users"), NamedAccount::Unclear),
        ("GET", format!("{SCIM}/ACC1%2f..%2fACC2/Users"), NamedAccount::Unclear),
        ("GET", format!("{SCIM}/ACC1;x/Users"), NamedAccount::Unclear),
        ("GET", format!("{SCIM}/%2541CC1/Users"), NamedAccount::Unclear),
        ("GET", format!("{SCIM}/ACC1%20/Users"), NamedAccount::Unclear),
        ("GET", "/GATEWAY/ng/api/scim/account/ACC1/Users".to_owned(), NamedAccount::Unclear),
        ("GET", "/gateway/ng/api/%73cim/account/ACC1/Users".to_owned(), one("ACC1")),
        ("GET", "no-path".to_owned(), NamedAccount::Unclear),
        ("GET", "/gateway/%zz".to_owned(), NamedAccount::Unclear),
        ("GET", "/elsewhere".to_owned(), NamedAccount::None),
        ("PUT", "/gateway/ng/api/user-groups".to_owned(), NamedAccount::None),
        ("PUT", "/gateway/ng/api/user-groups?accountIdentifier=ACC1".to_owned(), one("ACC1")),
        ("PUT", "/gateway/ng/api/user-groups?account%49dentifier=%41CC1".to_owned(), one("ACC1")),
        ("GET", "/gateway/ng/api/whatever?accountIdentifier=ACC1".to_owned(), one("ACC1")),
        ("PUT",
            "/gateway/ng/api/user-groups?accountIdentifier=ACC1&accountIdentifier=ACC2".to_owned(),
            NamedAccount::Unclear),
    ];
    for (method, path, expected) in cases {
        assert_eq!(
            guard.named_account(method, &path),
            expected,
            "{method} {path}"
        );
    }
}

proptest! {
    /// If the path names an account, the decision is about that account.
    #[test]
    fn the_decision_is_about_no_other_account(
        method in prop::sample::select(vec!["GET", "POST", "PUT", "PATCH", "DELETE"]),
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "gateway", "ng", "api", "scim", "account", "ACC1", "ACC2", "%41CC2", "Users", "Groups",
                "user-groups", "user", "..", ".", "", "a%2fb", "ACC1;x", "Scim",
            ]),
            0..8,
        ),
        lead in any::<bool>(),
        query in prop::collection::vec(
            prop::sample::select(vec![
                "accountIdentifier=ACC1", "accountIdentifier=ACC2", "accountidentifier=ACC2", "a=b",
                "accountIdentifier=", "account%49dentifier=ACC2", "accountIdentifier[]=ACC2",
            ]),
            0..3,
        ),
    ) {
        let guard = harness();
        let lead = if lead { "/gateway/ng/api/scim/account/" } else { "/gateway/ng/api/" };
        let path = format!("{lead}{}?{}", parts.join("/"), query.join("&"));
        let request = Request {
            method: method.to_owned(),
            path: path.clone(),
            headers: Vec::new(),
            body: Body::Unread,
            annotate: false,
        };
        let account = match guard.evaluate(&request, &[], 0) {
            Verdict::Reject(reject) => reject.account,
            Verdict::Forward(forward) => forward.account,
            Verdict::Proceed(proceed) => proceed.account,
            Verdict::Need(_) => None,
        };
        if let (Some(account), NamedAccount::One(named)) = (&account, guard.named_account(method, &path)) {
            prop_assert_eq!(account, &named, "{}", path);
        }
        if account.is_some() {
            prop_assert_ne!(guard.named_account(method, &path), NamedAccount::Unclear, "{}", path);
        }
    }
}
