//! The token that a policy accepts: the request carries it, and the facts show that it is good for the
//! account it is used for.

use serde_json::json;

use super::goodness::GOODNESS;
use super::*;

#[track_caller]
fn assert_unaccepted(client: &Client, account: Option<&str>, token: &str, case: impl Debug) {
    for says in Claim::new(account, Some(token)).everywhere(&client.request) {
        assert_lie(client, &says, NO_SUCH_TOKEN, (&case, &says));
    }
}

#[track_caller]
fn assert_accepted(client: &Client, account: Option<&str>, token: &str, case: impl Debug) {
    for says in Claim::new(account, Some(token)).everywhere(&client.request) {
        assert_true(client, &says, (&case, &says));
    }
}

fn answering(key: Key, answer: Answer) -> Client {
    Client::at(USERS).bearing(OWN).knowing(Fact { key, answer })
}

#[test]
fn a_token_is_the_requests_own_and_for_its_account() {
    let both = |path: &str| Client::own(path).knowing(stored(OTHERS, other()));
    let others = |path: &str| {
        Client::at(path)
            .bearing(OTHERS)
            .knowing(stored(OTHERS, other()))
    };
    let acc1 = Some("ACC1");
    #[rustfmt::skip]
    let lies = [
        ("unsent", both(USERS), acc1, "other"),
        ("unsent, unnamed", both(UNNAMED), None, "other"),
        ("nobody's", both(USERS), acc1, "nobody"),
        ("no id", both(USERS), acc1, ""),
        ("not looked up", Client::at(USERS).bearing(OWN), acc1, "own"),
        ("of another account", others(USERS), acc1, "other"),
        ("of another account, unnamed", others(USERS), None, "other"),
        ("of another account, managed", others(MANAGED), acc1, "other"),
        ("of no account", both(UNNAMED), Some(""), "own"),
    ];
    for (name, client, account, token) in lies {
        assert_unaccepted(&client, account, token, name);
    }
    #[rustfmt::skip]
    let truths = [
        ("named", both(USERS), acc1, "own"),
        ("by the path alone", both(USERS), None, "own"),
        ("managed", both(MANAGED), acc1, "own"),
        ("managed, unnamed", both(MANAGED), None, "own"),
        ("named by the token alone", both(UNNAMED), acc1, "own"),
        ("of another account alone", others(UNNAMED), None, "other"),
        ("of another account, named", others(UNNAMED), Some("ACC2"), "other"),
        ("the second", others(USERS).bearing(OWN).knowing(stored(OWN, own())), acc1, "own"),
    ];
    for (name, client, account, token) in truths {
        assert_accepted(&client, account, token, name);
    }
}

#[test]
fn a_token_is_good() {
    for (name, change, is_good) in GOODNESS {
        let mut token = own();
        change(&mut token);
        for (path, account) in [(USERS, Some("ACC1")), (UNNAMED, None)] {
            let client = Client::at(path).bearing(OWN);
            let client = client.knowing(stored(OWN, token.clone()));
            match is_good {
                true => assert_accepted(&client, account, "own", name),
                false => assert_unaccepted(&client, account, "own", name),
            }
        }
    }
}

#[test]
fn a_token_without_an_id_has_the_empty_one() {
    let mut token = own();
    token.id = None;
    let client = Client::at(USERS).bearing(OWN).knowing(stored(OWN, token));
    assert_unaccepted(&client, None, "own", "nameless");
    assert_accepted(&client, None, "", "nameless");
}

#[test]
fn only_the_answer_to_the_question_about_a_token_shows_it() {
    let hash = || token_key(OWN);
    let verified = || verified_key("ACC1", OWN);
    let claims = || Answer::Claims(r#"{"sub":"svc","jti":"own"}"#.to_owned());
    for (key, answer) in [
        (hash(), Answer::Absent),
        (hash(), Answer::Unavailable),
        (hash(), claims()),
        (verified(), Answer::Absent),
        (verified(), Answer::Unavailable),
        (verified(), Answer::Token(own())),
        (user_key("u1"), Answer::Token(own())),
        (user_key("u1"), claims()),
    ] {
        let client = answering(key, answer);
        for token in ["own", "jti:own", "sub:svc", ""] {
            assert_unaccepted(&client, None, token, &client.facts);
        }
    }
    assert_accepted(
        &answering(hash(), Answer::Token(own())),
        None,
        "own",
        "hash",
    );
    assert_accepted(&answering(verified(), claims()), None, "sub:svc", "claims");
}

#[test]
fn a_vouched_token_is_the_requests_own_and_for_its_account() {
    let claims = r#"{"sub":"svc","account":"ACC1"}"#;
    let by = |path: &str, account: &str| {
        let client = Client::at(path).bearing("jwt");
        client.knowing(vouched(account, "jwt", claims))
    };
    let unsent = Client::at(USERS)
        .bearing("jwt")
        .knowing(vouched("ACC1", "another", claims));
    let broken = Client::at(USERS)
        .bearing("jwt")
        .knowing(vouched("ACC1", "jwt", "svc"));
    let acc1 = Some("ACC1");
    #[rustfmt::skip]
    let lies = [
        ("unsent", unsent, acc1),
        ("broken", broken.clone(), acc1),
        ("for another account", by(USERS, "ACC2"), acc1),
        ("for another account, unnamed", by(USERS, "ACC2"), None),
        ("for no account", by(USERS, ""), acc1),
        ("for another account, managed", by(MANAGED, "ACC2"), acc1),
        ("for no account, managed", by(MANAGED, ""), acc1),
        ("named as none", by(UNNAMED, "ACC1"), Some("")),
    ];
    for (name, client, account) in lies {
        assert_unaccepted(&client, account, "sub:svc", name);
    }
    let second = broken.knowing(vouched("ACC1", "jwt", claims));
    #[rustfmt::skip]
    let truths = [
        ("named", by(USERS, "ACC1"), acc1),
        ("by the path alone", by(USERS, "ACC1"), None),
        ("managed", by(MANAGED, "ACC1"), acc1),
        ("managed, unnamed", by(MANAGED, "ACC1"), None),
        ("of no account", by(UNNAMED, ""), None),
        ("of no account, named so", by(UNNAMED, ""), Some("")),
        ("named by its claims alone", by(UNNAMED, "ACC1"), acc1),
        ("after a broken one", second, acc1),
    ];
    for (name, client, account) in truths {
        assert_accepted(&client, account, "sub:svc", name);
    }
}

#[test]
fn the_id_of_a_vouched_token_is_in_its_claims() {
    for (id, claims, is_id) in [
        ("sub:svc", json!({"sub": "svc"}), true),
        ("sub:svc", json!({"client_id": "svc"}), true),
        ("sub:svc", json!({"act": {"sub": ["x", "svc"]}}), true),
        ("sub:a:b", json!({"sub": "a:b"}), true),
        ("sub:svc", json!({"sub": "other"}), false),
        ("sub:svc", json!({"sub": "svc2"}), false),
        ("sub:svc", json!({"svc": "sub"}), false),
        ("sub:1", json!({"sub": 1}), false),
        ("sub:svc", json!({}), false),
        ("jti:j1", json!({"jti": "j1"}), true),
        ("jti:a:b", json!({"jti": "a:b"}), true),
        ("jti:", json!({"jti": ""}), true),
        ("jti:j1", json!({"jti": "j2"}), false),
        ("jti:j1", json!({"sub": "j1"}), false),
        ("jti:j1", json!({"jti": ["j1"]}), false),
        ("jti:1", json!({"jti": 1}), false),
        ("jti:", json!({}), false),
        ("jti:j1", json!("j1"), false),
        ("svc", json!({"sub": "svc"}), false),
        ("j1", json!({"jti": "j1"}), false),
        ("iss:svc", json!({"sub": "svc", "iss": "svc"}), false),
        ("SUB:svc", json!({"sub": "svc"}), false),
        (":svc", json!({"sub": "svc"}), false),
        ("", json!({"sub": ""}), false),
    ] {
        let client = Client::at(USERS).bearing("jwt");
        let client = client.knowing(vouched("ACC1", "jwt", &claims.to_string()));
        match is_id {
            true => assert_accepted(&client, None, id, &claims),
            false => assert_unaccepted(&client, None, id, (id, &claims)),
        }
    }
}

#[test]
fn the_claims_of_a_token_have_not_expired_for_the_most_lenient_clock() {
    let last = (NOW - 600_000) / 1_000;
    for (exp, is_now) in [
        (json!(null), true),
        (json!(NOW / 1_000), true),
        (json!(last + 1), true),
        (json!(last as f64 + 0.001), true),
        (json!(1e300), true),
        (json!(last), false),
        (json!(last as f64 - 0.001), false),
        (json!(last - 1), false),
        (json!(0), false),
        (json!(-1), false),
        (json!((last + 1).to_string()), false),
        (json!("never"), false),
        (json!(true), false),
        (json!([last + 1]), false),
    ] {
        let claims = json!({"sub": "svc", "exp": exp}).to_string();
        let client = Client::at(USERS).bearing("jwt");
        let client = client.knowing(vouched("ACC1", "jwt", &claims));
        match is_now {
            true => assert_accepted(&client, None, "sub:svc", &exp),
            false => assert_unaccepted(&client, None, "sub:svc", &exp),
        }
    }
}

#[test]
fn a_token_is_accepted_wherever_a_header_has_it() {
    for (name, value, has) in [
        ("authorization", format!("Bearer {OWN}"), true),
        ("authorization", format!("bearer   {OWN}"), true),
        ("authorization", OWN.to_owned(), true),
        ("x-api-key", format!(" {OWN} "), true),
        ("x-any", OWN.to_owned(), true),
        ("x-any", format!("{OWN}x"), false),
        ("x-any", format!("Bearer {OWN} x"), false),
        ("x-api-key", String::new(), false),
    ] {
        let client = || Client::at(USERS).with(name, value.clone());
        let hashed = client().knowing(stored(OWN, own()));
        let vouched = client().knowing(vouched("ACC1", OWN, r#"{"sub":"svc"}"#));
        for (client, token) in [(hashed, "own"), (vouched, "sub:svc")] {
            match has {
                true => assert_accepted(&client, None, token, (name, &value)),
                false => assert_unaccepted(&client, None, token, (name, &value)),
            }
        }
    }
}
