//! No path leads out of a request's account and base.

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
    for tail in [
        "Users/%2e%2e/%2E./B",
        "Users/..;x/..",
        "Users/.;x=1",
        "Users/..%3bx",
        "Users/%252e%252e",
        "Users/%25252e%25252e%25252fB",
        "Users/..%255cB",
        "Users/..\\..\\B",
        "Users/%5c..",
        "Users/..%20",
        "Users/..%00",
        "Users/%c0%ae%c0%ae",
        "Users/%ff",
        "Users/%2525252525252541",
        "Users/u1#/../..",
    ] {
        let path = format!("/api/scim/account/A/{tail}");
        assert!(fault(&same, users, &path), "{path}");
    }
    for tail in [
        "Users/u%201",
        "Users/a;b",
        "Users/50%25",
        "Users/...",
        "Users/a%C3%A9",
    ] {
        let path = format!("/api/scim/account/A/{tail}?filter=a%2Fb%5C..");
        assert!(!fault(&same, users, &path), "{path}");
    }
    for account in ["A%2541", "A;x", "A%3bx", "%2e%2e", "A%2fB", "A%5cB"] {
        let path = format!("/api/scim/account/{account}/Users/u1");
        assert!(fault(&same, &path, &path), "{path}");
    }
    for other in ["a", "%61", "A;x", "A%2F..", "A%3Bx", "%2541"] {
        let path = format!("/api/scim/account/{other}/Users/u1");
        assert!(fault(&same, users, &path), "{path}");
    }
    assert!(fault(&same, users, "/api/SCIM/account/A/Users/u1"));
    assert!(fault(&same, users, "//api/scim/account/A/Users/u1"));
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
fn no_other_path_leads_to_scim() {
    let same = paths("/api/scim/account/{account}", None);
    let moved = paths("/t/{account}/scim", None);
    let single = paths("/t/scim", Some("A"));
    for path in [
        "/API/scim/account/B/Users",
        "/api/scim%2Faccount/B/Users",
        "/api/scim%252faccount/B/Users",
        "/api/x/..;y/scim/account/B/Users",
        "/api//scim/./account/B/Users",
        "/api/x\\..\\scim\\account\\B\\Users",
        "/api/%2573cim/account/B/Users",
    ] {
        for paths in [&same, &moved, &single] {
            assert!(fault(paths, path, path), "{path}");
        }
    }
    for path in ["/t/B/scim/Users/u1", "/T/B/%53cim/Users", "/t/B/x/../scim"] {
        assert!(fault(&moved, path, path), "{path}");
    }
    for path in ["/t/scim/Users/u1", "/t/SCIM/users", "/t/x/../scim/Bulk"] {
        assert!(fault(&single, path, path), "{path}");
    }
    for path in [
        "/api/scims/x",
        "/api/user-groups/g",
        "/t/B/scims",
        "/t/scim/else",
    ] {
        for paths in [&same, &single] {
            assert!(!fault(paths, path, path), "{path}");
        }
    }
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
