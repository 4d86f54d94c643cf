//! What requests cost, no matter which process decides them.

use super::*;

const LIMITS: &str = "[limits]\nrequests_per_second = 1\nburst = 2\nfailures = 2\n";

fn forwarded(pass: &Pass) -> RecordsRequest {
    RecordsRequest {
        verdict: Some(DecisionReport {
            account: Some("ACC1".to_owned()),
            verified_token: Some("t1".to_owned()),
            ..DecisionReport::default()
        }),
        ..ends(pass, Vec::new())
    }
}

/// The refusal of a charged request. On a slow machine the account may have earned one more meanwhile.
async fn limited(request: impl AsyncFn() -> Answered<()>) -> Refused {
    for _ in 0..20 {
        if let Err((status, refused)) = request().await {
            assert_eq!((status, refused.rule.as_str()), (429, "rate.limited"));
            return refused;
        }
    }
    panic!("it is not charged");
}

#[tokio::test]
async fn an_account_is_charged_once_a_request() {
    let (_backend, guard, _) = service(LIMITS, "").await;
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
    // A gateway may forward a read before it reports.
    let third = of_head(head("GET"), asks(vec![token_key()]));
    limited(async || edge.ask(&third).await.map(drop)).await;
    // Whether the token is good for a path without an account is up to the policy, which then
    // continues or decides.
    let elsewhere = |head: Head| Head {
        path: "/elsewhere".to_owned(),
        ..head
    };
    let ask = of_head(elsewhere(head("PATCH")), asks(vec![token_key()]));
    limited(async || {
        let pass = edge.ask(&ask).await.unwrap().pass;
        let next = of_head(
            ask.head.clone(),
            goes_on(&pass, Stage::Decide, false, vec![user("u1")]),
        );
        edge.ask(&next).await?;
        // The next one would wait for its lease.
        let end = tell_of(ask.head.clone(), ends(&pass, Vec::new()));
        edge.tell(&end).await
    })
    .await;
    let told = limited(async || {
        let pass = edge.ask(&ask).await.unwrap().pass;
        let tell = tell_of(ask.head.clone(), forwarded(&pass));
        edge.tell(&tell).await
    })
    .await;
    assert_eq!(told.retry_after, Some(1), "{told:?}");
}

/// Its gateway ends the pass while it waits for the body, and then asks for everything again.
#[tokio::test]
async fn a_write_whose_body_comes_late_is_charged_once() {
    let (_backend, guard, _) = service(LIMITS, "").await;
    guard.with_token(Some("okta")).await;
    let edge = guard.edge();
    for _ in 0..2 {
        let pass = edge.ask(&asks(vec![token_key()])).await.unwrap().pass;
        edge.tell(&ends(&pass, Vec::new())).await.unwrap();
        let again = asks(vec![token_key(), user("u1")]);
        let pass = edge.ask(&again).await.unwrap().pass;
        edge.tell(&forwarded(&pass)).await.unwrap();
    }
}

#[tokio::test]
async fn the_proxy_charges_the_same_account() {
    let backend = Backend::ok().await;
    let script = Script::new().evaluate(|request, facts| {
        if answer(facts, &token_key()).is_none() {
            return Ok(need(token_key()));
        }
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
    let head = format!("host: g\r\nauthorization: Bearer {TOKEN}\r\nconnection: close\r\n");
    let request = format!("GET {BASE} HTTP/1.1\r\n{head}\r\n");
    assert_eq!(status(&guard.raw(&request).await), "200");
    let begun = edge.ask(&asks(vec![token_key()])).await.unwrap().pass;
    edge.tell(&forwarded(&begun)).await.unwrap();
    assert_refused(&guard.raw(&request).await, "429", "rate.limited");
}

#[tokio::test]
async fn a_wrong_token_is_slowed_down_where_it_comes_from() {
    let (_backend, _guard, edge) = service(LIMITS, "").await;
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
    let (_backend, mut guard, _) = service("", "").await;
    guard.with_token(Some("okta")).await;
    let edge = guard.edge();
    let begun = edge.ask(&asks(vec![token_key()])).await.unwrap().pass;
    edge.tell(&forwarded(&begun)).await.unwrap();
    guard.end();
    guard.ended().await;
    let row = guard.reopened().await.token("ACC1", "t1").await.unwrap();
    assert!(row.last_used.is_some());
    assert_eq!(row.last_used_from.as_deref(), Some("192.0.2.1"));
}
