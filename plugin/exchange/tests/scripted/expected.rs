//! Which facts of a write are asked for at once, and that nothing is decided by what is only expected.

use std::sync::Arc;

use scimguard_core::facts::{Answer, Fact, Key, Token};
use scimguard_core::{Body, Request, Verdict};
use scimguard_exchange::{Exchange, Incoming, Remote, Report, Setup, Step, Strangers};
use scimguard_wire::{DecisionReport, FactsResponse, Pass};

use crate::script::facts::{
    NOW, OTHERS, OWN, OWN_ID, found, own, stored, token_key, user_key, user_key_of,
};
use crate::script::says::{forward, headers, need, need_body, need_keys, reject, request};
use crate::script::steps::{needed, stored as reported};
use crate::script::{ACCOUNT, Heard, PATH, Says, Script};

/// How long a good token is remembered, in milliseconds.
const LATELY: u64 = 600_000;

/// What a gateway remembers after a request with this token, about which the service said this.
fn after(text: &str, token: Token, verified: bool) -> Arc<Strangers> {
    let strangers = Arc::<Strangers>::default();
    let incoming = Incoming {
        method: "PUT".to_owned(),
        path: PATH.to_owned(),
        authority: None,
        headers: headers(&[("authorization", &format!("Bearer {text}"))]),
    };
    let mut remote = Remote::new(Arc::clone(&strangers), &incoming, None, NOW);
    let answer = FactsResponse {
        unsettled: true,
        now: NOW,
        pass: Pass("p".to_owned()),
        facts: vec![stored(text, token)],
    };
    let answer = serde_json::to_vec(&answer).expect("JSON");
    remote.found(200, &answer).expect("facts");
    remote.tell(Report {
        decision: Some(DecisionReport {
            account: Some(ACCOUNT.to_owned()),
            verified_token: verified.then(|| OWN_ID.to_owned()),
            rule: None,
            status: None,
        }),
        records: Vec::new(),
        sends: true,
        ends: false,
    });
    strangers
}

/// A write with [`OWN`].
fn write() -> Request {
    Request {
        method: "PUT".to_owned(),
        headers: headers(&[("authorization", &format!("Bearer {OWN}"))]),
        ..request(Body::Unread)
    }
}

fn begun(
    script: &Script,
    strangers: Arc<Strangers>,
    request: Request,
    now: u64,
) -> (Exchange<Script>, Step) {
    let setup = Setup::new(script.clone(), false).expecting(strangers);
    let mut exchange = Exchange::new(Arc::new(setup), request, now, ());
    let step = exchange.start();
    (exchange, step)
}

/// The facts that the policy was given in each call.
fn given(script: &Script) -> Vec<Vec<Key>> {
    script
        .heard()
        .into_iter()
        .map(|Heard { facts, .. }| facts)
        .collect()
}

#[test]
fn the_token_and_what_the_policy_then_needs_are_one_question() {
    let script = Script::new(vec![
        Verdict::Need(need_body(100, &[])).into(),
        Verdict::Need(need(&["u1", "u2"])).into(),
        Verdict::Forward(forward()).into(),
    ]);
    let (mut exchange, step) = begun(&script, after(OWN, own(), true), write(), NOW);
    assert!(matches!(step, Step::ReadBody(100)), "{step:?}");
    assert!(exchange.suspend().is_none(), "nothing is held yet");
    let needed = needed(exchange.body(Body::Bytes(b"{}".to_vec())));
    let keys = vec![token_key(OWN), user_key("u1"), user_key("u2")];
    assert_eq!((&needed.keys, needed.first), (&keys, true));
    let step = exchange.facts(Ok(found(&needed.keys, NOW)));
    assert!(matches!(step, Step::Store(_)), "{step:?}");
    // It decides on the service's answer alone.
    let expected = [vec![token_key(OWN)], vec![token_key(OWN)], keys];
    assert_eq!(given(&script), expected);
}

#[test]
fn only_a_write_with_an_opaque_token_that_was_good_lately_is_expected() {
    let read = |method: &str| Request {
        method: method.to_owned(),
        ..write()
    };
    let with = |authorization: &str| Request {
        headers: headers(&[("authorization", authorization)]),
        ..write()
    };
    let at = |path: &str| Request {
        path: path.to_owned(),
        ..write()
    };
    let known = || after(OWN, own(), true);
    for (what, strangers, request, now, is_expected) in [
        ("a write", known(), write(), NOW, true),
        ("a deletion", known(), read("DELETE"), NOW, true),
        ("shortly before", known(), write(), NOW + LATELY - 1, true),
        ("too late", known(), write(), NOW + LATELY, false),
        ("a read", known(), read("GET"), NOW, false),
        ("a read of the head", known(), read("HEAD"), NOW, false),
        (
            "another token",
            known(),
            with(&format!("Bearer {OTHERS}")),
            NOW,
            false,
        ),
        ("no token", known(), with("Bearer"), NOW, false),
        ("a management request", known(), at("/users/u1"), NOW, false),
        (
            "a refused one",
            after(OWN, own(), false),
            write(),
            NOW,
            false,
        ),
        ("an unknown one", Arc::default(), write(), NOW, false),
    ] {
        let script = Script::new(vec![Verdict::Need(need(&["u1"])).into()]);
        let (_, step) = begun(&script, strangers, request, now);
        if is_expected {
            let keys = vec![token_key(OWN), user_key("u1")];
            assert_eq!(needed(step).keys, keys, "{what}");
        }
        assert_eq!(given(&script)[0].is_empty(), !is_expected, "{what}");
    }
}

#[test]
fn nothing_is_decided_by_what_is_expected() {
    let refuses = || Says::from(Verdict::Reject(reject(403)));
    for (what, says) in [
        ("a refusal", refuses()),
        ("a permission", Verdict::Forward(forward()).into()),
        ("a fault", Says::Fails("it is broken")),
        (
            "a question about another account",
            Verdict::Need(need_keys(&[user_key_of("ACC2", "u1")])).into(),
        ),
    ] {
        let script = Script::new(vec![says, refuses()]);
        let (mut exchange, step) = begun(&script, after(OWN, own(), true), write(), NOW);
        let needed = needed(step);
        assert_eq!(
            (&needed.keys, needed.first),
            (&vec![token_key(OWN)], true),
            "{what}"
        );
        let revoked = Token {
            revoked: true,
            ..own()
        };
        let answer = Arc::new(vec![Fact {
            key: token_key(OWN),
            answer: Answer::Token(revoked),
        }]);
        let found = scimguard_exchange::Found {
            now: NOW + 5,
            facts: answer,
        };
        let report = reported(exchange.facts(Ok(found)));
        assert_eq!(
            report.decision.and_then(|it| it.status),
            Some(403),
            "{what}"
        );
        assert_eq!(script.heard()[1].now, NOW + 5, "{what}");
    }
}
