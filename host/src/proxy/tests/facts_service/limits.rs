//! What requests cost, whoever decides them.

use super::*;

const LIMITS: &str = "[limits]\nrequests_per_second = 1\nburst = 2\nfailures = 2\n";

fn forwarded(pass: &Pass) -> Tell {
    Tell {
        verdict: Some(Verdict {
            account: Some("ACC1".to_owned()),
            verified_token: Some("t1".to_owned()),
            ..Verdict::default()
        }),
        ..ends(pass, Vec::new())
    }
}

#[tokio::test]
async fn an_account_is_charged_once_a_request() {
    let backend = Backend::ok().await;
    let guard = serving(Script::new(), &backend, LIMITS, "").await;
    guard.with_token(Some("okta")).await;
    let edge = guard.edge();
    for _ in 0..2 {
        let pass = edge.ask(&asks(vec![token_key()])).await.unwrap().pass;
        for id in ["u1", "u2"] {
            let next = goes_on(&pass, Stage::Decide, false, vec![user(id)]);
            edge.ask(&next).await.unwrap();
        }
        edge.tell(&forwarded(&pass)).await.unwrap();
    }
    let third = edge.ask(&asks(vec![token_key()])).await;
    assert_denied(third, 429, "rate.limited");
    // Whether the token is good for a path that is not its account's is the policy's to say, which then
    // goes on or decides.
    let elsewhere = |ask: Ask| Ask {
        head: Head {
            path: "/scim/ACC2/Users".to_owned(),
            ..ask.head
        },
        ..ask
    };
    let ask = elsewhere(asks(vec![token_key()]));
    let pass = edge.ask(&ask).await.unwrap().pass;
    let next = elsewhere(goes_on(&pass, Stage::Decide, false, vec![user("u1")]));
    assert_denied(edge.ask(&next).await, 429, "rate.limited");
    let pass = edge.ask(&ask).await.unwrap().pass;
    let (status, told) = edge.tell(&forwarded(&pass)).await.unwrap_err();
    assert_eq!((status, told.retry_after), (429, Some(1)), "{told:?}");
}

#[tokio::test]
async fn the_proxy_charges_the_same_account() {
    let backend = Backend::ok().await;
    let script = Script::new().evaluate(|request, _| {
        Ok(Verdict::Forward(Forward {
            account: Some("ACC1".to_owned()),
            verified_token: Some("t1".to_owned()),
            ..pass(request)
        }))
    });
    use scimguard_core::Verdict;
    let guard = serving(script, &backend, LIMITS, "").await;
    guard.with_token(None).await;
    let edge = guard.edge();
    assert_eq!(status(&guard.get(BASE).await), "200");
    let begun = edge.ask(&asks(vec![token_key()])).await.unwrap().pass;
    edge.tell(&forwarded(&begun)).await.unwrap();
    assert_refused(&guard.get(BASE).await, "429", "rate.limited");
}

#[tokio::test]
async fn a_wrong_token_is_slowed_down_where_it_comes_from() {
    let backend = Backend::ok().await;
    let guard = serving(Script::new(), &backend, LIMITS, "").await;
    let edge = guard.edge();
    let unnamed = |rule: &str, status: u16, source: &str| {
        let mut told = refused(rule, status, source);
        told.head.credentials.clear();
        told
    };
    for (rule, status, source, expected) in [
        ("token.unknown", 401, "192.0.2.1", true),
        ("token.missing", 401, "192.0.2.1:4711", true),
        ("token.wrong-account", 403, "192.0.2.1", true),
        ("okta-only.group-rename", 403, "192.0.2.1", true),
        ("token.unknown", 401, "192.0.2.1", false),
        ("token.unknown", 401, "192.0.2.2", true),
        ("token.unknown", 401, "unknown", true),
    ] {
        let answered = edge.tell(&unnamed(rule, status, source)).await;
        assert_eq!(answered.is_ok(), expected, "{rule} {source}: {answered:?}");
        if !expected {
            assert_denied(answered, 429, "rate.limited");
        }
    }
    // The same token from elsewhere.
    for n in 1..=3 {
        let told = refused("token.unknown", 401, &format!("198.51.100.{n}"));
        assert_eq!(edge.tell(&told).await.is_ok(), n < 3, "{n}");
    }
}

#[tokio::test]
async fn the_last_use_of_a_token_is_noted() {
    let backend = Backend::ok().await;
    let mut guard = serving(Script::new(), &backend, "", "").await;
    guard.with_token(Some("okta")).await;
    let edge = guard.edge();
    let begun = edge.ask(&asks(vec![token_key()])).await.unwrap().pass;
    edge.tell(&forwarded(&begun)).await.unwrap();
    guard.end.take().unwrap().send(()).unwrap();
    let ended = tokio::time::timeout(LIMIT, &mut guard.task).await;
    ended.expect("it ends").unwrap();
    let row = guard.reopened().await.token("ACC1", "t1").await.unwrap();
    assert!(row.last_used.is_some());
    assert_eq!(row.last_used_from.as_deref(), Some("192.0.2.1"));
}
