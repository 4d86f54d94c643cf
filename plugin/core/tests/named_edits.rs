//! The names of requests in logs.

use scimguard_core::{Body, Guard, NamedEdit, Request, never_returned};

fn request(method: &str, path: &str, body: &str) -> Request {
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: Vec::new(),
        body: match body {
            "" => Body::None,
            body => Body::Bytes(body.into()),
        },
        annotate: false,
    }
}

#[test]
fn an_edit_has_its_name_and_its_user_or_group() {
    let guard = Guard::configure("").expect("the default policy");
    let groups = "/gateway/ng/api/user-groups";
    let edit = |edit: &str, group: Option<&str>, user: Option<&str>| {
        Some(NamedEdit {
            edit: edit.to_owned(),
            group: group.map(str::to_owned),
            user: user.map(str::to_owned),
        })
    };
    let query = "?accountIdentifier=ACC1";
    #[rustfmt::skip]
    let cases = [
        (request("PUT", &format!("{groups}{query}"), r#"{"identifier": "g1", "name": "a name", "users": ["u1"]}"#),
            edit("group.update", Some("g1"), None)),
        (request("DELETE", &format!("{groups}/g1{query}"), ""),
            edit("group.delete", Some("g1"), None)),
        (request("DELETE", &format!("/gateway/ng/api/user/u1{query}"), ""),
            edit("user.delete", None, Some("u1"))),
        (request("GET", &format!("{groups}/g1{query}"), ""), None),
        (request("POST", "/gateway/ng/api/scim/account/ACC1/Groups", "{}"), None),
        (request("POST", "/elsewhere", "{}"), None),
    ];
    for (request, expected) in cases {
        assert_eq!(guard.named_edit(&request), expected, "{}", request.path);
        let scim = request.path.contains("/scim/") || request.path == "/elsewhere";
        assert_eq!(guard.is_scim(&request), scim, "{}", request.path);
    }
}

#[test]
fn passwords_are_never_returned() {
    assert!(never_returned().contains("password"));
    assert!(!never_returned().contains("username"));
}
