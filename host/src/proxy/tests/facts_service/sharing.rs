//! The proxy and gateways share the record, the leases and the sources.

use scimguard_core::facts::{TokenText, User, VerifiedKey};

use super::super::record::intent;
use super::*;

const BUSY: &str = "lease_timeout = \"100ms\"\n";

/// Needs the user u1, and forwards; the backend's answer is observed.
fn edits() -> Script {
    Script::new().evaluate(|request, facts| {
        use scimguard_core::Verdict;
        Ok(match answer(facts, &user("u1")) {
            None => need(user("u1")),
            Some(Answer::Unavailable) => reject(503),
            Some(_) => Verdict::Forward(observed(request)),
        })
    })
}

#[tokio::test]
async fn a_write_waits_for_the_other_way() {
    let backend = Backend::slow(600, 200).await;
    let guard = serving(edits(), &backend, BUSY, "").await;
    let edge = guard.edge();
    let pass = edge.ask(&asks(vec![user("u1")])).await.unwrap().pass;
    assert_refused(&guard.post(BASE, "{}").await, "503", "facts.unavailable");
    assert!(backend.seen().is_empty());
    edge.tell(&ends(&pass, Vec::new())).await.unwrap();

    let (through_the_proxy, through_the_gateway) = tokio::join!(guard.post(BASE, "{}"), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        edge.ask(&asks(vec![user("u1")])).await
    });
    assert_eq!(status(&through_the_proxy), "204");
    assert_unavailable(through_the_gateway, 503);
    edge.ask(&asks(vec![user("u1")])).await.unwrap();
}

#[tokio::test]
async fn what_one_way_records_the_other_sees() {
    let (_backend, guard, edge) = service("", "").await;
    let user_u1 = User {
        account: "ACC1".to_owned(),
        id: Some("u1".to_owned()),
        user_name: "ann".to_owned(),
        managed_by: Some("okta".to_owned()),
        ..User::default()
    };
    let pass = edge.ask(&asks(vec![user("u1")])).await.unwrap().pass;
    let record = Record::User(user_u1.clone());
    edge.tell(&ends(&pass, vec![record])).await.unwrap();
    // On disk, for every process.
    let store = guard.reopened().await;
    let told = store.answer(&[user("u1")]).await.unwrap();
    assert!(matches!(&told[..], [Answer::User(found)] if found.managed_by == user_u1.managed_by));
    let facts = edge.ask(&asks(vec![user("u1")])).await.unwrap().facts;
    assert_eq!(facts[0].answer, told[0]);
}

/// An intent may concern a user whom nobody has seen.
#[tokio::test]
async fn what_a_gateway_left_open_is_pending_until_the_application_tells() {
    let backend = Backend::start(async |seen| match seen.path.as_str() {
        "/scim/ACC1/Users?filter=userName%20eq%20%22ann%22" => json(
            200,
            r#"{"totalResults": 1, "Resources": [{"id": "u1", "userName": "ann"}]}"#,
        ),
        _ => json(404, "{}"),
    })
    .await;
    let keys = "settle_every = \"300ms\"\nsettle_after = \"1ms\"\n";
    let facts = "pass_timeout = \"900ms\"\n";
    let own = "[backend_credential]\nfile = \"backend.token\"\n";
    let guard = serving(Script::new(), &backend, &format!("{keys}{own}"), facts).await;
    let edge = guard.edge();
    let by_name = ann();
    let pass = edge.ask(&asks(vec![by_name.clone()])).await.unwrap().pass;
    edge.tell(&tells(&pass, vec![intent()])).await.unwrap();
    // The gateway is gone. Until its time is over, the application is not asked.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let unseen = user_key("u1", Unseen::Pending);
    let told = guard
        .store
        .answer(&[by_name.clone(), unseen])
        .await
        .unwrap();
    assert!(
        matches!(&told[..], [Answer::User(ann), Answer::Unavailable] if ann.id.is_none()),
        "{told:?}"
    );
    let begun = std::time::Instant::now();
    loop {
        let told = guard
            .store
            .answer(std::slice::from_ref(&by_name))
            .await
            .unwrap();
        if matches!(&told[..], [Answer::User(ann)] if ann.id.as_deref() == Some("u1")) {
            break;
        }
        assert!(begun.elapsed() < LIMIT, "{told:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn the_backend_is_asked_with_the_clients_credential() {
    let backend = Backend::start(async |_| json(404, "{}")).await;
    let unseen = || user_key("u1", Unseen::Backend);
    for (provider, expected) in [(Some("okta"), Answer::Absent), (None, Answer::Unavailable)] {
        let guard = serving(Script::new(), &backend, "", "").await;
        guard.with_token(provider).await;
        let edge = guard.edge();
        let pass = edge.ask(&asks(vec![token_key()])).await.unwrap().pass;
        let next = goes_on(&pass, Stage::Decide, false, vec![unseen()]);
        let facts = edge.ask(&next).await.unwrap().facts;
        let found = facts.iter().find(|fact| fact.key == unseen()).unwrap();
        assert_eq!(found.answer, expected, "{provider:?}");
    }
    let seen = backend.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].headers["authorization"], format!("Bearer {TOKEN}"));
}

#[tokio::test]
async fn an_issuer_is_asked_once_a_pass() {
    let backend = Backend::ok().await;
    let issuer = Backend::start(async |_| json(200, r#"{"active":true}"#)).await;
    let keys = format!(
        "[[issuer]]\nissuer = \"https://id.example.com\"\nintrospection_url = \"http://{}/i\"\n\
         client_id = \"guard\"\nclient_secret_file = \"backend.token\"\nintrospection_cache = \"1ns\"\n",
        issuer.address
    );
    let guard = serving(Script::new(), &backend, &keys, "").await;
    let verified = Key::Verified(VerifiedKey {
        account: "ACC1".to_owned(),
        issuer: "https://id.example.com".to_owned(),
        token: TokenText::new("opaque"),
    });
    let edge = guard.edge();
    let pass = edge.ask(&asks(vec![verified.clone()])).await.unwrap().pass;
    let next = goes_on(&pass, Stage::Decide, false, vec![user("u1")]);
    let facts = edge.ask(&next).await.unwrap().facts;
    let claims = answer(&facts, &verified);
    assert_eq!(
        claims,
        Some(&Answer::Claims(r#"{"active":true}"#.to_owned()))
    );
    assert_eq!(issuer.seen().len(), 1);
    let again = goes_on(&pass, Stage::Observe, true, vec![verified]);
    edge.ask(&again).await.unwrap();
    assert_eq!(issuer.seen().len(), 2);
}
