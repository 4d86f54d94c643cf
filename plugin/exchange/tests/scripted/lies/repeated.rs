//! What a policy says again of the same request.

use super::*;

/// A request with two good tokens, which names two accounts.
fn client() -> Client {
    Client::own("/manage/all?one=ACC1&two=ACC2")
        .with("x-api-key", OTHERS)
        .knowing(stored(OTHERS, other()))
}

type Named = (Option<&'static str>, Option<&'static str>);

/// First this, then that, with the facts looked up each time or only once.
fn twice(client: &Client, first: Named, then: Named) -> Vec<Vec<Says>> {
    let first = Claim::new(first.0, first.1).proceed();
    let then = Claim::new(then.0, then.1);
    let outcomes = [
        Outcome::Forward(then.clone().forward(&client.request)),
        Outcome::Proceed(then.proceed()),
    ];
    let begins = [Says::Looks, Verdict::Proceed(first).into()];
    let mut places = Vec::new();
    for outcome in outcomes {
        let judges = Says::from(outcome);
        places.push([&begins[..], &[Says::Looks, judges.clone()]].concat());
        places.push([&begins[..], &[judges]].concat());
    }
    places
}

#[test]
fn a_request_has_one_account() {
    for (first, then, why) in [
        (Some("ACC1"), Some("ACC1"), None),
        (Some("ACC2"), Some("ACC2"), None),
        (Some("ACC1"), None, None),
        (None, Some("ACC1"), None),
        (Some(""), Some(""), None),
        (Some("ACC1"), Some("ACC2"), Some(CHANGED_ACCOUNT)),
        (Some("ACC2"), Some("ACC1"), Some(CHANGED_ACCOUNT)),
        (Some("ACC1"), Some(""), Some(CHANGED_ACCOUNT)),
        (Some(""), Some("ACC1"), Some(CHANGED_ACCOUNT)),
        (Some("ACC1"), Some("ACC3"), Some(OTHER_ACCOUNT)),
    ] {
        for says in twice(&client(), (first, None), (then, None)) {
            match why {
                None => _ = assert_true(&client(), &says, (first, then)),
                Some(why) => assert_lie(&client(), &says, why, (first, then)),
            }
        }
    }
}

#[test]
fn a_request_has_one_token_for_one_account() {
    let acc1 = Some("ACC1");
    let (own, other) = (Some("own"), Some("other"));
    for (first, then, is_true) in [
        ((acc1, own), (acc1, own), true),
        ((None, own), (None, own), true),
        ((None, other), (None, other), true),
        ((acc1, own), (acc1, None), true),
        ((acc1, None), (None, None), true),
        ((None, own), (acc1, None), true),
        // The other token is good too, but the first one was accepted.
        ((None, own), (None, other), false),
        ((None, other), (None, own), false),
        ((acc1, own), (acc1, other), false),
        ((acc1, own), (None, other), false),
        ((None, own), (acc1, own), false),
        ((acc1, own), (None, own), false),
        ((None, own), (Some(""), own), false),
    ] {
        for says in twice(&client(), first, then) {
            match is_true {
                true => _ = assert_true(&client(), &says, (first, then)),
                false => assert_lie(&client(), &says, CHANGED_TOKEN, (first, then)),
            }
        }
    }
    let scim = Client::own(USERS);
    for (first, then) in [(None, acc1), (acc1, None), (None, None)] {
        for says in twice(&scim, (first, own), (then, own)) {
            assert_true(&scim, &says, (first, then));
        }
    }
}

#[test]
fn a_token_can_be_accepted_in_a_later_part_if_its_fact_is_looked_up_there() {
    for account in [None, Some("ACC1")] {
        let places = twice(&client(), (account, None), (account, Some("own")));
        for (says, looks) in places.iter().zip([true, false].into_iter().cycle()) {
            match looks {
                true => _ = assert_true(&client(), says, account),
                false => assert_lie(&client(), says, NO_SUCH_TOKEN, account),
            }
        }
    }
}

#[test]
fn an_account_that_its_token_named_is_remembered_without_the_token() {
    let client = Client::own(UNNAMED);
    for (account, is_own) in [("ACC1", true), ("ACC2", false)] {
        let says = [
            Says::Looks,
            Verdict::Proceed(Claim::new(Some("ACC1"), None).proceed()).into(),
            Outcome::Need(need_keys(&[user_key_of(account, "u1")])).into(),
        ];
        let why = "it asks for facts of another account than the request's";
        match is_own {
            true => _ = assert_true(&client, &says, account),
            false => assert_lie(&client, &says, why, account),
        }
    }
    let unnamed = [
        Says::Looks,
        proceeds(),
        Outcome::Proceed(Claim::new(Some("ACC1"), None).proceed()).into(),
    ];
    assert_lie(&client, &unnamed, OTHER_ACCOUNT, "its fact is forgotten");
}
