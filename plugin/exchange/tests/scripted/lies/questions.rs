//! What a policy may look up.

use std::slice::from_ref;

use super::every::every_key;
use super::*;

const OTHERS_FACTS: &str = "it asks for facts of another account than the request's";
const OTHERS_TOKEN: &str = "it asks for a token that the request does not have";

/// Asks while it decides, and while it judges.
fn asks(keys: &[Key]) -> [Vec<Says>; 2] {
    let need = need_keys(keys);
    [
        vec![Verdict::Need(need.clone()).into()],
        vec![proceeds(), Outcome::Need(need).into()],
    ]
}

#[track_caller]
fn assert_unasked(client: &Client, keys: &[Key], why: &str, case: impl Debug) {
    for says in asks(keys) {
        assert_lie(client, &says, why, (&case, keys));
    }
}

#[track_caller]
fn assert_asked(client: &Client, keys: &[Key], case: impl Debug) {
    for says in asks(keys) {
        let end = assert_true(client, &says, (&case, keys));
        assert_eq!(end.asked, keys, "{case:?}");
    }
}

#[test]
fn no_fact_of_another_account_or_token_is_looked_up() {
    for path in [USERS, MANAGED] {
        let client = Client::at(path).bearing(OWN);
        let [token, verified] = &every_key("ACC1", OTHERS)[..2] else {
            panic!("tokens come first");
        };
        assert_unasked(&client, from_ref(token), OTHERS_TOKEN, path);
        assert_unasked(&client, from_ref(verified), OTHERS_TOKEN, path);
        let own = user_key("u1");
        // Only a token is looked up without an account.
        for key in every_key("ACC2", OWN).into_iter().skip(1) {
            assert_unasked(&client, from_ref(&key), OTHERS_FACTS, path);
            assert_unasked(&client, &[own.clone(), key.clone()], OTHERS_FACTS, path);
            assert_unasked(&client, &[key, own.clone()], OTHERS_FACTS, path);
        }
        for key in every_key("ACC1", OWN) {
            assert_asked(&client, from_ref(&key), path);
            assert_unasked(&client, &[key, token.clone()], OTHERS_TOKEN, path);
        }
        assert_asked(&client, &every_key("ACC1", OWN), path);
    }
}

#[test]
fn what_has_no_account_is_asked_about_outside_scim_alone() {
    for key in every_key("", OWN).into_iter().skip(1) {
        let client = |path| Client::at(path).bearing(OWN);
        assert_unasked(&client(USERS), from_ref(&key), OTHERS_FACTS, USERS);
        assert_asked(&client(UNNAMED), &[key], UNNAMED);
    }
}

#[test]
fn a_token_is_in_a_header_of_its_own_or_behind_a_scheme() {
    let by = |name: &str, value: &str| Client::at(USERS).with(name, value);
    let bearer = format!("Bearer {OWN}");
    let many = by("accept", "*/*")
        .with("x-noise", [0xff, 0xfe])
        .with("x-token", OWN);
    let in_body = Client::at(USERS).sending(Body::Bytes(OWN.into()));
    let in_path = Client::at(&format!("{USERS}/{OWN}?token={OWN}"));
    for (name, client, has) in [
        ("with its scheme", by("authorization", &bearer), true),
        ("bare", by("authorization", OWN), true),
        ("as a key", by("x-api-key", OWN), true),
        ("in any header", by("x-any", OWN), true),
        ("behind a scheme in any header", by("x-any", &bearer), true),
        ("between spaces", by("x-any", &format!("  {OWN}\t ")), true),
        ("far behind", by("x-any", &format!("Token   {OWN}")), true),
        ("among others", many, true),
        ("longer", by("authorization", &format!("{bearer}x")), false),
        ("shorter", by("x-api-key", &OWN[1..]), false),
        ("of another case", by("x-any", &OWN.to_uppercase()), false),
        (
            "before something",
            by("x-any", &format!("{bearer} x")),
            false,
        ),
        ("in a list", by("x-any", &format!("{OWN},{OTHERS}")), false),
        ("as a name", by(OWN, "x"), false),
        ("in the body", in_body, false),
        ("in the path", in_path, false),
        ("nowhere", Client::at(USERS), false),
    ] {
        for key in every_key("ACC1", OWN).into_iter().take(2) {
            match has {
                true => assert_asked(&client, &[key], name),
                false => assert_unasked(&client, &[key], OTHERS_TOKEN, name),
            }
        }
    }
}

#[test]
fn a_hash_is_that_of_the_whole_token() {
    let client = Client::at(USERS).bearing(OWN);
    let hash = sha256_hex(OWN.as_bytes());
    for lie in ["", &hash[1..], &hash.to_uppercase(), OWN] {
        let key = Key::Token(lie.to_owned());
        assert_unasked(&client, &[key], OTHERS_TOKEN, lie);
    }
    assert_asked(&client, &[Key::Token(hash)], "its own");
}
