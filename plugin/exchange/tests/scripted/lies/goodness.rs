//! Which stored tokens are good, and whose account counts.

use scimguard_core::facts::{Principal, Token};
use scimguard_exchange::{account_of_token, good_tokens};

use super::*;

/// Changes a good token.
type Change = fn(&mut Token);

/// What is changed about a good token, and whether it is good afterwards.
pub(crate) const GOODNESS: [(&str, Change, bool); 12] = [
    ("good", |_| {}, true),
    ("revoked", |it| it.revoked = true, false),
    ("long expired", |it| it.expires = Some(0), false),
    ("expired", |it| it.expires = Some(NOW - 1), false),
    ("expiring", |it| it.expires = Some(NOW), false),
    ("in its last moment", |it| it.expires = Some(NOW + 1), true),
    (
        "of a year",
        |it| it.expires = Some(NOW + 31_536_000_000),
        true,
    ),
    ("without an owner", |it| it.principal = None, false),
    ("of a disabled owner", |it| owner(it).active = false, false),
    (
        "of an owner elsewhere",
        |it| owner(it).account = "ACC2".to_owned(),
        false,
    ),
    (
        "of a disabled owner elsewhere",
        |it| {
            owner(it).account = "ACC2".to_owned();
            owner(it).active = false;
        },
        false,
    ),
    (
        "revoked but lasting",
        |it| {
            it.revoked = true;
            it.expires = Some(NOW + 1);
        },
        false,
    ),
];

fn owner(token: &mut Token) -> &mut Principal {
    token.principal.as_mut().expect("an owner")
}

#[test]
fn a_good_token_is_valid_and_its_owner_too() {
    for (name, change, is_good) in GOODNESS {
        let mut token = own();
        change(&mut token);
        let hash = sha256_hex(OWN.as_bytes());
        let facts = [stored(OWN, token.clone())];
        let good: Vec<_> = good_tokens(&facts, NOW).collect();
        let account = account_of_token(&Client::at(UNNAMED).bearing(OWN).request, &facts, NOW);
        match is_good {
            true => {
                assert_eq!(good, [(&hash, &token)], "{name}");
                assert_eq!(account, Some(&"ACC1".to_owned()), "{name}");
            }
            false => assert_eq!((good, account), (Vec::new(), None), "{name}"),
        }
    }
}

#[test]
fn good_tokens_are_those_of_the_guards_own_store() {
    let mut revoked = own();
    revoked.revoked = true;
    let facts = [
        vouched("ACC1", "jwt", r#"{"sub":"svc"}"#),
        stored("old", revoked),
        stored(OTHERS, other()),
        Fact {
            key: user_key("u1"),
            answer: Answer::Token(own()),
        },
        Fact {
            key: token_key("absent"),
            answer: Answer::Absent,
        },
        stored(OWN, own()),
    ];
    let good: Vec<_> = good_tokens(&facts, NOW)
        .map(|(_, token)| token.account.as_str())
        .collect();
    assert_eq!(good, ["ACC2", "ACC1"]);
}

#[test]
fn the_account_of_a_request_is_that_of_its_first_good_token() {
    let mut revoked = own();
    revoked.revoked = true;
    let facts = [
        stored("old", revoked),
        vouched("ACC1", "jwt", r#"{"sub":"svc"}"#),
        stored(OTHERS, other()),
        stored(OWN, own()),
    ];
    let both = Client::at(UNNAMED).bearing(OWN).with("x-api-key", OTHERS);
    for (client, account) in [
        (Client::at(UNNAMED).bearing(OWN), Some("ACC1")),
        (Client::at(UNNAMED).with("x-any", OWN), Some("ACC1")),
        (Client::at(UNNAMED).bearing(OTHERS), Some("ACC2")),
        (both, Some("ACC2")),
        (Client::at(UNNAMED).bearing("old"), None),
        (Client::at(UNNAMED).bearing("jwt"), None),
        (Client::at(UNNAMED).bearing("nobody's"), None),
        (Client::at(USERS), None),
    ] {
        let found = account_of_token(&client.request, &facts, NOW);
        assert_eq!(found.map(String::as_str), account, "{:?}", client.request);
    }
}
