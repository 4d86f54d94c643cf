//! Which requests the guard sends with its own credential.

use serde_json::json;

use super::*;

/// Forwards with this token, at once and in a later part.
fn sends(client: &Client, account: Option<&str>, token: Option<&str>) -> [Vec<Says>; 2] {
    let forward = Claim::new(account, token).forward(&client.request);
    [
        vec![Says::Looks, Verdict::Forward(forward.clone()).into()],
        vec![proceeds(), Says::Looks, Outcome::Forward(forward).into()],
    ]
}

#[track_caller]
fn assert_lent(client: Client, account: Option<&str>, token: &str, case: impl Debug) {
    let client = client.lent();
    for says in sends(&client, account, Some(token)) {
        let end = assert_true(&client, &says, &case);
        let [send] = &end.sent[..] else {
            panic!("{case:?}: {end:?}");
        };
        assert!(send.own_credential, "{case:?}");
        let has_clients = |name: &str| matches!(name, "authorization" | "x-api-key");
        assert!(!send.headers.iter().any(|(name, _)| has_clients(name)));
    }
}

#[track_caller]
fn assert_unlent(client: Client, account: Option<&str>, token: &str, case: impl Debug) {
    let client = client.lent();
    for says in sends(&client, account, Some(token)) {
        let end = run(&client, &says);
        let refused = (end.status, end.rule.as_deref(), end.why.as_deref());
        let expected = (403, Some("token.wrong-account"), None);
        assert_eq!(refused, expected, "{case:?}: {end:?}");
        assert!(end.sent.is_empty() && end.stored.is_empty(), "{case:?}");
    }
}

/// `own` is accepted of a management request that may name something else besides.
#[track_caller]
fn assert_own(client: &Client, is_lent: bool, case: impl Debug) {
    for account in [None, Some("ACC1")] {
        match is_lent {
            true => assert_lent(client.clone(), account, "own", &case),
            false => assert_unlent(client.clone(), account, "own", &case),
        }
    }
}

#[test]
fn only_a_request_with_an_accepted_token_gets_it() {
    let client = || {
        Client::own(MANAGED)
            .with("x-api-key", OTHERS)
            .with("x-any", "y")
    };
    assert_lent(client(), Some("ACC1"), "own", "accepted");
    let unaccepted = client().lent();
    let unlending = client();
    for (client, token) in [(unaccepted, None), (unlending, Some("own"))] {
        for says in sends(&client, Some("ACC1"), token) {
            let end = assert_true(&client, &says, token);
            assert!(!end.sent[0].own_credential, "{token:?}");
            assert_eq!(end.sent[0].headers, client.request.headers);
        }
    }
    for says in sends(&client().lent(), Some("ACC1"), Some("other")) {
        assert_lie(&client().lent(), &says, NO_SUCH_TOKEN, "not looked up");
    }
}

#[test]
fn it_goes_to_no_other_account_than_the_tokens() {
    let others = |path: &str| {
        Client::at(path)
            .bearing(OTHERS)
            .knowing(stored(OTHERS, other()))
    };
    for (path, account, is_lent) in [
        (MANAGED, None, false),
        ("/manage?account=ACC2&x=ACC1", None, true),
        ("/manage?account=ACC2&x=ACC1", Some("ACC2"), true),
        (MANAGED, Some("ACC2"), false),
        (UNNAMED, None, true),
        (UNNAMED, Some("ACC2"), true),
    ] {
        match is_lent {
            true => assert_lent(others(path), account, "other", (path, account)),
            false => assert_unlent(others(path), account, "other", (path, account)),
        }
    }
}

#[test]
fn a_vouched_token_is_for_the_account_that_it_was_accepted_for() {
    let by = |path: &str, account: &str| {
        let claims = r#"{"sub":"svc","accounts":["ACC1","ACC2"]}"#;
        let client = Client::at(path).bearing("jwt");
        client.knowing(vouched(account, "jwt", claims))
    };
    let acc1 = Some("ACC1");
    assert_lent(by(MANAGED, "ACC1"), acc1, "sub:svc", "its own");
    assert_lent(by(UNNAMED, "ACC1"), acc1, "sub:svc", "unnamed");
    assert_lent(by(UNNAMED, ""), None, "sub:svc", "no account");
    assert_unlent(by(MANAGED, "ACC2"), Some("ACC2"), "sub:svc", "another");
    // Nobody has said which account it is for.
    assert_unlent(by(MANAGED, "ACC1"), None, "sub:svc", "no account");
}

#[test]
fn a_scim_path_has_only_its_own_account() {
    let elsewhere = json!({"accountId": "ACC2"});
    let client = Client::own("/scim/ACC1/Users?accountId=ACC2");
    let client = client.with("x-account", "ACC2").json(&elsewhere);
    for account in [None, Some("ACC1")] {
        assert_lent(client.clone(), account, "own", account);
    }
}

#[test]
fn no_field_of_the_query_names_another_account() {
    for (query, is_lent) in [
        ("", true),
        ("accountIdentifier=ACC1", true),
        ("accountId=%41CC1", true),
        ("account=", true),
        ("account", true),
        ("other=ACC2", true),
        ("serviceaccount=ACC2", true),
        ("accounts=ACC2", true),
        ("accountName=ACC2", true),
        ("routing=ACC2", true),
        ("myharnessaccount=ACC2", true),
        ("x-account=ACC2", false),
        ("account=ACC2", false),
        ("accountId=ACC2", false),
        ("accountIdentifier=ACC2", false),
        ("routingId=ACC2", false),
        ("harnessAccount=ACC2", false),
        ("harness-account=ACC2", false),
        ("harness-routing-id=ACC2", false),
        ("ACCOUNTID=ACC2", false),
        ("Account_Id=ACC2", false),
        ("account.identifier=ACC2", false),
        ("%61ccountId=ACC2", false),
        ("accountId%5B%5D=ACC2", false),
        ("accountId=acc1", false),
        ("accountId=ACC12", false),
        ("accountId=ACC1+", false),
        ("accountId=%2541CC1", false),
        ("x=ACC1&routingId=ACC2", false),
        ("accountId=ACC1&accountId=ACC2", false),
        ("accountId=ACC2&accountId=ACC1", false),
    ] {
        assert_own(&Client::own(&format!("/manage?{query}")), is_lent, query);
    }
    assert_own(&Client::own("/manage/ACC2"), true, "only fields count");
}

#[test]
fn no_header_names_another_account() {
    for (name, value, is_lent) in [
        ("account", "ACC1", true),
        ("x-account", "  ACC1 ", true),
        ("x-account-id", "", true),
        ("account", "  ", true),
        ("x-other", "ACC2", true),
        ("x-service-account", "ACC2", true),
        ("x-accounts", "ACC2", true),
        ("x-x-account", "ACC2", true),
        ("x_account", "ACC2", false),
        ("account", "ACC2", false),
        ("accountid", "ACC2", false),
        ("account-identifier", "ACC2", false),
        ("routing-id", "ACC2", false),
        ("harness-account", "ACC2", false),
        ("x-account", "ACC2", false),
        ("x-harness-account-id", "ACC2", false),
        ("x-routingid", "ACC2", false),
        ("account", "acc1", false),
        ("account", "%41CC1", false),
        ("account", "ACC1, ACC2", false),
    ] {
        assert_own(&Client::own("/manage").with(name, value), is_lent, name);
    }
    let unreadable = Client::own("/manage").with("account", [0xff]);
    assert_own(&unreadable, false, "unreadable");
    let second = Client::own("/manage").with("account", "ACC1");
    assert_own(&second.with("account", "ACC2"), false, "the second");
}

#[test]
fn no_member_of_the_body_names_another_account() {
    for (body, is_lent) in [
        (json!({"accountId": "ACC1"}), true),
        (json!({"accountId": ""}), true),
        (json!({"accountId": null}), true),
        (json!({"accountId": true}), true),
        (json!({"accountId": {"name": "ACC2"}}), true),
        (json!({"a": [{"accountId": ["ACC1", ""]}]}), true),
        (json!({"name": "ACC2", "names": ["ACC2", 2]}), true),
        (json!({"accountId": 2}), false),
        (json!({"accountId": ["ACC1", "ACC2"]}), false),
        (json!({"accountId": {"accountId": "ACC2"}}), false),
        (json!({"x-account": "ACC2"}), false),
        (json!([{"accountId": "ACC2"}]), false),
        (json!({"a": {"b": [1, {"accountId": "ACC2"}]}}), false),
        (json!("accountId"), true),
        (json!(null), true),
        (json!({"account": "ACC2"}), false),
        (json!({"accountId": "ACC2"}), false),
        (json!({"accountIdentifier": "ACC2"}), false),
        (json!({"routing_id": "ACC2"}), false),
        (json!({"HARNESS_ACCOUNT": "ACC2"}), false),
        (json!({"accountId": "acc1"}), false),
        (json!({"accountId": " ACC1"}), false),
        (
            json!({"a": "ACC1", "accountId": "ACC1", "z_account": 1, "account": "ACC2"}),
            false,
        ),
    ] {
        assert_own(&Client::own("/manage").json(&body), is_lent, &body);
    }
    let bodiless = Client::own("/manage").sending(Body::None);
    assert_own(&bodiless, true, "no body");
}
