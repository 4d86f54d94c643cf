//! No path leads out of a request's account and base.

use scimguard_core::Body;
use scimguard_core::message::{AnswerHandling, ForwardBody};

use super::*;

fn settings(base: &str, upstream: &str, account: Option<&str>) -> Settings {
    Settings {
        body_limit: 0,
        answer_limit: 0,
        rounds: 3,
        passes: 3,
        scim_base: base.to_owned(),
        upstream_base: upstream.to_owned(),
        scim_account: account.map(str::to_owned),
    }
}

fn paths(upstream: &str, account: Option<&str>) -> ScimPaths {
    ScimPaths::new(&settings("/api/scim/account/{account}", upstream, account))
}

fn request(path: &str) -> Request {
    Request {
        method: "GET".to_owned(),
        path: path.to_owned(),
        headers: Vec::new(),
        body: Body::None,
        annotate: false,
    }
}

fn forward(path: &str) -> Forward {
    Forward {
        method: "GET".to_owned(),
        path: path.to_owned(),
        headers: Vec::new(),
        body: ForwardBody::None,
        answer: AnswerHandling::Pass,
        continuation: Vec::new(),
        changes: Vec::new(),
        records: Vec::new(),
        account: None,
        verified_token: None,
        rule: None,
    }
}

fn fault(paths: &ScimPaths, from: &str, to: &str) -> bool {
    paths.fault(&request(from), &forward(to)).is_some()
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

#[test]
fn the_account_of_a_scim_path_is_the_one_that_it_names() {
    let named = paths("/api/scim/account/{account}", None);
    let inner = ScimPaths::new(&settings("/{account}/scim", "/t/{account}", None));
    for (paths, path, expected) in [
        (&named, "/api/scim/account/A/Users", Some("A")),
        (&named, "/api/scim/account/A", Some("A")),
        (&named, "/api/scim/account/A?count=1", Some("A")),
        (&named, "/api/scim/account/%41%2FB/Users", Some("A/B")),
        (&named, "/api/scim/account", None),
        (&named, "/api/scim", None),
        (&named, "/", None),
        (&named, "/API/scim/account/A/Users", None),
        (&named, "/api/scim/accounts/A/Users", None),
        (&named, "//api/scim/account/A/Users", None),
        (&inner, "/A/scim/Users", Some("A")),
        (&inner, "/A/users", None),
        (&inner, "/A", None),
    ] {
        let found = paths.account(path);
        assert_eq!(found.as_deref(), expected, "{path}");
        assert_eq!(paths.is_scim(path), expected.is_some(), "{path}");
    }
}

#[test]
fn a_backend_whose_base_names_no_account_has_one_or_any() {
    let any = paths("/api/scim/account/{account}", None);
    let only = paths("/t/scim", Some("A"));
    for (paths, account, has) in [
        (&any, "A", true),
        (&any, "B", true),
        (&only, "A", true),
        (&only, "B", false),
        (&only, "", false),
    ] {
        assert_eq!(paths.has(account), has, "{account}");
    }
}

#[test]
fn a_client_under_the_literal_part_of_the_base_expects_scims_errors() {
    let inner = ScimPaths::new(&settings("/{account}/scim", "/t/{account}", None));
    let named = paths("/", Some("A"));
    for (paths, path, expected) in [
        (&named, "/api/scim/account", ErrorForm::Scim),
        (&named, "/api/scim/account/", ErrorForm::Scim),
        (&named, "/Api/%53cim/ACCOUNT/A/Users?x", ErrorForm::Scim),
        (&named, "/api/scim", ErrorForm::Problem),
        (&named, "/api", ErrorForm::Problem),
        (&named, "/", ErrorForm::Problem),
        (&named, "/api/users/account/A", ErrorForm::Problem),
        (&named, "/x/api/scim/account/A", ErrorForm::Problem),
        // Anything may be an account.
        (&inner, "/", ErrorForm::Scim),
        (&inner, "/A/users", ErrorForm::Scim),
    ] {
        assert_eq!(paths.error_form(path), expected, "{path}");
    }
}

#[test]
fn a_request_keeps_its_method_outside_scim_and_its_account_inside() {
    let same = paths("/api/scim/account/{account}", None);
    let user = "/api/scim/account/A/Users/u1";
    let group = "/api/user-groups/g";
    for (from, method, to, account, allowed) in [
        (group, "GET", group, None, true),
        (group, "GET", group, Some("B"), true),
        (group, "POST", group, None, false),
        (group, "GET", "/api/user-groups/h", None, false),
        (user, "GET", user, Some("A"), true),
        (user, "POST", user, Some("A"), true),
        (user, "GET", user, None, true),
        (user, "GET", user, Some("B"), false),
        (user, "GET", user, Some(""), false),
        (user, "GET", "/api/scim/account/A", None, true),
        (user, "GET", "/api/scim/account/A/Users#x", None, false),
        (user, "GET", "/api/scim/account/A/Users/x%2Fy", None, false),
        (user, "GET", "/api/scim/account/A/Users/x%0Ay", None, false),
        (
            user,
            "GET",
            "/api/scim/account/A/Users/x%00%2Fy",
            None,
            false,
        ),
    ] {
        let forward = Forward {
            method: method.to_owned(),
            account: account.map(str::to_owned),
            ..forward(to)
        };
        let fault = same.fault(&request(from), &forward);
        assert_eq!(
            fault.is_none(),
            allowed,
            "{from}: {method} {to} {account:?}"
        );
        // The operator reads it in the log.
        assert!(fault.is_none_or(|why| why.contains(' ')), "{fault:?}");
    }
}

#[test]
fn only_an_account_that_is_read_in_one_way_is_forwarded() {
    let same = paths("/api/scim/account/{account}", None);
    let moved = paths("/t/{account}/scim", None);
    for (account, allowed) in [
        ("A", true),
        ("a-b_c.d~e", true),
        ("A%20B", true),
        ("%C3%A9", true),
        ("...", true),
        (".", false),
        ("..", false),
        ("%2e", false),
        ("%25", false),
        ("A%3F", false),
        ("A%23", false),
        ("A%3B", false),
        ("A%2F", false),
        ("A%5C", false),
        ("A%0A", false),
        ("A%7F", false),
    ] {
        let from = format!("/api/scim/account/{account}/Users/u1");
        for (paths, to) in [
            (&same, &from),
            (&moved, &format!("/t/{account}/scim/Users/u1")),
        ] {
            assert_eq!(!fault(paths, &from, to), allowed, "{to}");
        }
    }
}

#[test]
fn a_path_is_outside_scim_only_as_far_as_it_shares_no_base() {
    let same = paths("/api/scim/account/{account}", None);
    let moved = paths("/t/{account}/scim", None);
    let single = paths("/t/scim", Some("A"));
    let inner = ScimPaths::new(&settings("/{account}/scim", "/t/{account}", None));
    let root = paths("/", Some("A"));
    for (paths, path, allowed) in [
        (&same, "/", true),
        (&same, "/api", true),
        (&same, "/api/scim", true),
        (&same, "/api/scim/account", false),
        (&same, "/x/api/scim/account/A/Users", true),
        (&moved, "/t", true),
        (&moved, "/t/B", true),
        (&moved, "/t/B/else", true),
        (&moved, "/t/B/scim", false),
        (&moved, "/u/B/scim", true),
        (&single, "/t/scim", true),
        (&single, "/t/else/users", true),
        (&single, "/t/scim/Users", false),
        (&single, "/t/scim/%67roups/g", false),
        (&single, "/t/scim/ServiceProviderConfig", false),
        (&root, "/users/u1", false),
        (&root, "/%42ulk", false),
        (&root, "/else/users", true),
        (&same, "/%252525252541", true),
        (&same, "/%25252525252541", false),
        (&inner, "/users/u1", true),
        (&inner, "/T/B/Users", false),
    ] {
        assert_eq!(!fault(paths, path, path), allowed, "{path}");
    }
}

#[test]
fn a_base_without_an_account_is_that_of_the_only_one() {
    let all = ScimPaths::new(&settings("/scim", "/t/{account}/scim", Some("A")));
    assert!(!fault(&all, "/scim/Users", "/t/A/scim/Users"));
    assert!(fault(&all, "/scim/Users", "/t/B/scim/Users"));
    let both = ScimPaths::new(&settings("/scim", "/v2", Some("A")));
    assert!(!fault(&both, "/scim/Users", "/v2/Users"));
}

#[test]
fn paths_are_built_from_the_base_the_account_and_an_id_that_is_one_segment() {
    let named = paths("/t/{account}/v2", None);
    let only = paths("/", Some("A"));
    assert_eq!(
        named.client_group("A/B", "a b"),
        "/api/scim/account/A%2FB/Groups/a%20b"
    );
    assert_eq!(only.client_group("A", "g"), "/api/scim/account/A/Groups/g");
    for (paths, id, expected) in [
        (&named, "u-1_2.3~4", Some("/t/A%2FB/v2/Users/u-1_2.3~4")),
        (&named, "..a", Some("/t/A%2FB/v2/Users/..a")),
        (&named, "?#%", Some("/t/A%2FB/v2/Users/%3F%23%25")),
        (&named, "", None),
        (&named, ".", None),
        (&named, "..", None),
        (&only, "u1", Some("/Users/u1")),
    ] {
        assert_eq!(
            paths.resource("A/B", "Users", id).as_deref(),
            expected,
            "{id}"
        );
    }
    assert_eq!(
        named.groups_named("A", "a&b"),
        "/t/A/v2/Groups?filter=displayName%20eq%20%22a%26b%22"
    );
    assert_eq!(
        only.users_named("A", "x"),
        "/Users?filter=userName%20eq%20%22x%22"
    );
    let query = [("startIndex", "1".to_owned()), ("filter", "a=b".to_owned())];
    assert_eq!(
        named.list("A", "Users", &query),
        "/t/A/v2/Users?startIndex=1&filter=a%3Db"
    );
}
