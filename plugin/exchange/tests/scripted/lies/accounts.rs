//! The account that a policy names.

use serde_json::json;

use super::*;

/// The account is named in every place where a policy names one.
#[track_caller]
fn assert_named(client: &Client, account: &str, case: impl Debug) {
    for says in Claim::new(Some(account), None).everywhere(&client.request) {
        assert_true(client, &says, (&case, account, &says));
    }
}

#[track_caller]
fn assert_unnamed(client: &Client, account: &str, case: impl Debug) {
    for says in Claim::new(Some(account), None).everywhere(&client.request) {
        assert_lie(client, &says, OTHER_ACCOUNT, (&case, account, &says));
    }
}

#[track_caller]
fn assert_names(client: &Client, account: &str, names: bool, case: impl Debug) {
    match names {
        true => assert_named(client, account, case),
        false => assert_unnamed(client, account, case),
    }
}

#[test]
fn the_account_of_a_scim_path_is_the_only_one() {
    let client = Client::own("/scim/%41CC1/Users?account=ACC2").with("x-account", "ACC2");
    for account in ["ACC2", "acc1", "%41CC1", "ACC", "ACC11", ""] {
        assert_unnamed(&client, account, "SCIM");
    }
    assert_named(&client, "ACC1", "SCIM");
}

#[test]
fn no_account_is_named_outside_scim_without_a_reason() {
    let client = Client::at(UNNAMED);
    assert_unnamed(&client, "ACC1", "unnamed");
    assert_named(&client, "", "no account");
    assert_named(&Client::at("manage"), "", "no account, without a slash");
    assert_unnamed(&Client::at("manage"), "ACC1", "without a slash");
}

#[test]
fn an_account_is_a_whole_segment_of_the_path() {
    for (path, names) in [
        ("/manage/ACC1/groups", true),
        ("/ACC1", true),
        ("/manage/%41CC1", true),
        ("/manage/ACC1?x=y", true),
        ("/manage/ACC12/groups", false),
        ("/manage/ACC/groups", false),
        ("/manage/acc1/groups", false),
        ("/manage/%2541CC1", false),
        ("/manage/x%2FACC1", false),
        ("/manage/ACC2/groups", false),
        ("/manage?/ACC1/", false),
    ] {
        assert_names(&Client::at(path), "ACC1", names, path);
    }
    let spaced = Client::at("/manage/A+1/groups");
    assert_named(&spaced, "A+1", "plus");
    // Only a form has a plus for a space.
    assert_unnamed(&spaced, "A 1", "plus");
}

#[test]
fn an_account_is_a_whole_value_of_the_query() {
    for (query, account, names) in [
        ("any=ACC1", "ACC1", true),
        ("x=1&any=ACC1&y=2", "ACC1", true),
        ("any=%41CC1", "ACC1", true),
        ("any=A+1", "A 1", true),
        ("any=A+1", "A+1", true),
        ("any=A%2B1", "A+1", true),
        ("any=A%201", "A 1", true),
        ("any=A+%31", "A 1", true),
        ("any=A+%31", "A+1", true),
        ("any=A%2B1", "A 1", false),
        ("any=A%201", "A+1", false),
        ("any=ACC12", "ACC1", false),
        ("any=acc1", "ACC1", false),
        ("any=%2541CC1", "ACC1", false),
        ("any=b=ACC1", "ACC1", false),
        ("any=ACC2", "ACC1", false),
        ("ACC1=any", "ACC1", false),
        ("ACC1", "ACC1", false),
        ("any", "ACC1", false),
    ] {
        let client = Client::at(&format!("/manage?{query}"));
        assert_names(&client, account, names, query);
    }
}

#[test]
fn an_account_is_a_whole_header() {
    for (value, names) in [
        ("ACC1", true),
        (" ACC1\t", true),
        ("ACC12", false),
        ("acc1", false),
        ("%41CC1", false),
        ("Bearer ACC1", false),
        ("ACC2", false),
        ("", false),
    ] {
        let client = Client::at(UNNAMED).with("x-noise", [0xff]);
        let client = client.with("x-any", value);
        assert_names(&client, "ACC1", names, value);
    }
    assert_unnamed(&Client::at(UNNAMED).with("acc1", "x"), "acc1", "a name");
}

#[test]
fn an_account_is_a_text_in_the_body() {
    for (body, names) in [
        (json!({"any": "ACC1"}), true),
        (
            json!({"x": 1, "y": {"any": [null, {"deep": "ACC1"}]}}),
            true,
        ),
        (json!(["x", "ACC1"]), true),
        (json!("ACC1"), true),
        (json!({"any": "ACC12"}), false),
        (json!({"any": "acc1"}), false),
        (json!({"any": " ACC1"}), false),
        (json!({"ACC1": "any"}), false),
        (json!({"any": "ACC2", "more": ["ACC3"]}), false),
        (json!([null, true, 1, [], {}]), false),
        (json!({}), false),
    ] {
        let client = Client::at(UNNAMED).json(&body);
        assert_names(&client, "ACC1", names, &body);
    }
    let number = Client::at(UNNAMED).json(&json!({"any": 1, "more": true}));
    assert_unnamed(&number, "1", "a number");
    assert_unnamed(&number, "true", "a truth value");
    for body in [
        Body::Unread,
        Body::None,
        Body::OverLimit,
        Body::Bytes(Vec::new()),
        Body::Bytes(b"ACC1".to_vec()),
        Body::Bytes(br#"{"any": "ACC1"#.to_vec()),
    ] {
        let client = Client::at(UNNAMED).sending(body.clone());
        assert_unnamed(&client, "ACC1", body);
    }
}

#[test]
fn a_stored_token_of_the_request_names_its_account() {
    let client = || Client::at(UNNAMED).bearing(OWN);
    let mut worthless = own();
    worthless.revoked = true;
    worthless.principal = None;
    let absent = |answer| Fact {
        key: token_key(OWN),
        answer,
    };
    let claims = r#"{"account":"ACC1"}"#.to_owned();
    for (name, client, names) in [
        ("its own", client().knowing(stored(OWN, own())), true),
        ("no good", client().knowing(stored(OWN, worthless)), true),
        (
            "the second",
            client()
                .knowing(stored(OTHERS, other()))
                .knowing(stored(OWN, own())),
            true,
        ),
        ("unsent", client().knowing(stored(OTHERS, own())), false),
        ("another's", client().knowing(stored(OWN, other())), false),
        ("none", client().knowing(absent(Answer::Absent)), false),
        (
            "claims",
            client().knowing(absent(Answer::Claims(claims))),
            false,
        ),
        ("not looked up", client(), false),
    ] {
        assert_names(&client, "ACC1", names, name);
    }
}

#[test]
fn a_vouched_token_of_the_request_names_the_accounts_in_its_claims() {
    let client = || Client::at(UNNAMED).bearing("jwt");
    let by = |claims: &str| client().knowing(vouched("ACC1", "jwt", claims));
    let unsent = vouched("ACC1", "another", r#"{"account":"ACC1"}"#);
    let stored = Fact {
        key: verified_key("ACC1", "jwt"),
        answer: Answer::Token(own()),
    };
    let broken = by("{").knowing(vouched("", "jwt", r#"{"account":"ACC1"}"#));
    for (name, client, names) in [
        ("named", by(r#"{"account":"ACC1"}"#), true),
        ("deep", by(r#"{"x":{"accounts":["ACC2","ACC1"]}}"#), true),
        ("expired", by(r#"{"account":"ACC1","exp":1}"#), true),
        ("beside a broken one", broken, true),
        // The account of the key is the policy's own word.
        ("unnamed", by(r#"{"account":"ACC2"}"#), false),
        ("a name", by(r#"{"ACC1":"account"}"#), false),
        ("broken", by("ACC1"), false),
        ("unsent", client().knowing(unsent), false),
        ("a token", client().knowing(stored), false),
    ] {
        assert_names(&client, "ACC1", names, name);
    }
}
