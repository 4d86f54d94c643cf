//! A policy that lies is not believed between sockets either: one lie of each sort, next to its truth. All of
//! them are in `plugin/exchange/tests/scripted/lies`.

#[path = "../../../../../plugin/exchange/tests/scripted/lies/every.rs"]
pub(super) mod every;

use self::every::{every_key, every_record};
use super::*;

const OWN: &str = "sat.ACC1.of-ACC1.secret-of-own";
const OTHERS: &str = "sat.ACC2.of-ACC2.secret-of-other";

const USERS: &str = "/scim/ACC1/Users";
const CREDENTIAL: &str = "[backend_credential]\nfile = \"backend.token\"\nheader = \"x-api-key\"\n";

/// What a policy says of a request, about this account.
type Says = fn(&Request, &str) -> Verdict;

/// Needs the token first, as every policy does; if given more facts, it ends the request.
fn script(account: &'static str, says: Says) -> Script {
    Script::new().evaluate(move |request, facts| {
        Ok(match facts.len() {
            0 => need(Key::Token(sha256_hex(OWN.as_bytes()))),
            1 => says(request, account),
            _ => reject(204),
        })
    })
}

/// The client's answer, the requests that the backend saw, and whether something was recorded.
async fn run(path: &str, account: &'static str, says: Says) -> (String, Vec<backend::Seen>, bool) {
    let backend = Backend::start(async |_| json(204, "")).await;
    let guard = Guard::configured(script(account, says), &backend, CREDENTIAL).await;
    for (account, id, text) in [("ACC1", "of-ACC1", OWN), ("ACC2", "of-ACC2", OTHERS)] {
        guard.add_token(account, id, text, Some("okta")).await;
    }
    let keys = [every_key("ACC1", OWN), every_key("ACC2", OWN)].concat();
    let before = guard.store.answer(&keys).await.unwrap();
    let head = format!("host: g\r\nauthorization: Bearer {OWN}\r\nconnection: close\r\n");
    let answer = guard
        .raw(&format!(
            "POST {path} HTTP/1.1\r\n{head}content-length: 2\r\n\r\n{{}}"
        ))
        .await;
    let wrote = before != guard.store.answer(&keys).await.unwrap();
    (answer, backend.seen(), wrote)
}

fn accepts(request: &Request, account: &str) -> Verdict {
    Verdict::Forward(Forward {
        verified_token: Some(format!("of-{account}")),
        ..pass(request)
    })
}

#[tokio::test]
async fn a_lie_is_refused_before_anything_is_sent_or_recorded() {
    let sends: Says = |request, account| {
        Verdict::Forward(Forward {
            path: format!("/scim/{account}/Users"),
            ..pass(request)
        })
    };
    let asks: Says = |_, account| {
        Verdict::Need(Need {
            keys: every_key(account, OWN).split_off(2),
            body_limit: None,
        })
    };
    let records: Says = |request, account| {
        Verdict::Forward(Forward {
            records: every_record(account),
            ..pass(request)
        })
    };
    for (name, says, is_recorded) in [
        ("path", sends, false),
        // A user that the guard has not seen is looked up at the backend.
        ("key", asks, false),
        ("record", records, true),
        ("token", accepts, false),
    ] {
        let (answer, seen, wrote) = run(USERS, "ACC2", says).await;
        assert_refused(&answer, "500", "plugin.trapped");
        assert!(seen.is_empty() && !wrote, "{name}: {seen:?}");
        let (answer, seen, wrote) = run(USERS, "ACC1", says).await;
        assert_eq!(status(&answer), "204", "{name}: {answer}");
        assert_eq!((seen.is_empty(), wrote), (false, is_recorded), "{name}");
    }
}

#[tokio::test]
async fn the_guards_credential_goes_where_the_accepted_token_is_for() {
    let (_, seen, _) = run(USERS, "ACC1", accepts).await;
    assert_eq!(seen[0].headers["x-api-key"], "own-secret");
    assert!(!seen[0].headers.contains_key("authorization"));
    let (_, seen, _) = run(USERS, "ACC1", |request, _| Verdict::Forward(pass(request))).await;
    assert!(!seen[0].headers.contains_key("x-api-key"));
    let elsewhere = "/manage/all?accountIdentifier=ACC2";
    let (answer, seen, _) = run(elsewhere, "ACC1", accepts).await;
    assert_refused(&answer, "403", "token.wrong-account");
    assert!(seen.is_empty());
}
