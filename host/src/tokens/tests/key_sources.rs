//! When an issuer's keys are fetched, and how long they last.

use std::sync::Arc;

use super::scripted::Scripted;
use super::signer::{Signer, set};
use super::{ACCOUNT, configured, pass, seconds, verify};
use crate::tokens::issuers::{Issuers, Verification};

const NAME: &str = "https://id.example.com";

const PAYLOAD: &str = r#"{"sub":"svc"}"#;

fn issuers(lines: &str) -> Issuers {
    Issuers::new(&[configured(&format!("issuer = {NAME:?}\n{lines}"))]).unwrap()
}

async fn said(issuers: &Issuers, token: &str) -> Verification {
    verify(issuers, ACCOUNT, NAME, token).await
}

fn good() -> Verification {
    Verification::Claims(PAYLOAD.to_owned())
}

#[tokio::test]
async fn the_keys_are_asked_for_once_and_a_new_key_is_found_once_a_minute() {
    let (old, new, newest) = (Signer::p256("1"), Signer::p256("2"), Signer::p256("3"));
    let server = Scripted::answering(200, set(&[old.jwk()])).await;
    let issuers = issuers(&format!("jwks_url = \"{}/jwks\"", server.url));
    for _ in 0..3 {
        assert_eq!(said(&issuers, &old.token("ES256", PAYLOAD)).await, good());
    }
    assert_eq!(server.count(), 1);
    assert_eq!(server.asked()[0].path, "/jwks");

    server.now(200, set(&[old.jwk(), new.jwk()]));
    assert_eq!(said(&issuers, &new.token("ES256", PAYLOAD)).await, good());
    assert_eq!(server.count(), 2);
    // Made-up keys do not make the guard fetch again.
    for _ in 0..3 {
        assert_eq!(
            said(&issuers, &newest.token("ES256", PAYLOAD)).await,
            Verification::No
        );
    }
    assert_eq!(server.count(), 2);

    server.now(200, set(&[newest.jwk()]));
    pass(seconds(61)).await;
    assert_eq!(
        said(&issuers, &newest.token("ES256", PAYLOAD)).await,
        good()
    );
    assert_eq!(server.count(), 3);
    // A withdrawn key is no longer valid.
    assert_eq!(
        said(&issuers, &old.token("ES256", PAYLOAD)).await,
        Verification::No
    );
}

#[tokio::test]
async fn whoever_needs_the_keys_at_once_waits_for_one_answer() {
    let signer = Signer::p256("1");
    let server = Scripted::answering(200, set(&[signer.jwk()])).await;
    let issuers = Arc::new(issuers(&format!("jwks_url = \"{}/\"", server.url)));
    let token = signer.token("ES256", PAYLOAD);
    let asking: Vec<_> = (0..20)
        .map(|_| {
            let (issuers, token) = (Arc::clone(&issuers), token.clone());
            tokio::spawn(async move { said(&issuers, &token).await })
        })
        .collect();
    for one in asking {
        assert_eq!(one.await.unwrap(), good());
    }
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn keys_outlive_an_outage_but_not_for_ever() {
    let signer = Signer::p256("1");
    let server = Scripted::answering(200, set(&[signer.jwk()])).await;
    let lines = format!(
        "jwks_url = \"{}/\"\njwks_refresh = \"10m\"\njwks_keep = \"2h\"",
        server.url
    );
    let issuers = issuers(&lines);
    let token = signer.token("ES256", PAYLOAD);
    assert_eq!(said(&issuers, &token).await, good());
    server.now(500, "");
    let unknown = Signer::p256("2").token("ES256", PAYLOAD);
    assert_eq!(said(&issuers, &unknown).await, Verification::Unavailable);
    assert_eq!(said(&issuers, &unknown).await, Verification::Unavailable);
    assert_eq!(server.count(), 2);
    pass(seconds(7000)).await;
    assert_eq!(said(&issuers, &token).await, good());
    pass(seconds(300)).await;
    assert_eq!(said(&issuers, &token).await, Verification::Unavailable);
    // It is fetched again soon, but not by each request.
    let count = server.count();
    assert_eq!(said(&issuers, &token).await, Verification::Unavailable);
    assert_eq!(server.count(), count);
    server.now(200, set(&[signer.jwk()]));
    pass(seconds(11)).await;
    assert_eq!(said(&issuers, &token).await, good());
}

#[tokio::test]
async fn only_an_answer_of_200_is_an_answer() {
    let signer = Signer::p256("1");
    let token = signer.token("ES256", PAYLOAD);
    for (status, body) in [
        (302, set(&[signer.jwk()])),
        (404, set(&[signer.jwk()])),
        (200, "<html>".to_owned()),
        (
            200,
            format!("{}{}", set(&[signer.jwk()]), " ".repeat(600 * 1024)),
        ),
    ] {
        let server = Scripted::answering(status, body).await;
        let issuers = issuers(&format!("jwks_url = \"{}/jwks\"", server.url));
        assert_eq!(
            said(&issuers, &token).await,
            Verification::Unavailable,
            "{status}"
        );
        // In particular, it did not follow the redirect.
        assert_eq!(server.count(), 1);
    }
}

#[tokio::test]
async fn in_the_background_keys_are_asked_for_at_the_start_and_from_time_to_time() {
    let (old, new) = (Signer::p256("1"), Signer::p256("2"));
    let server = Scripted::answering(200, set(&[old.jwk()])).await;
    let issuers = issuers(&format!(
        "jwks_url = \"{}/\"\njwks_refresh = \"5m\"",
        server.url
    ));
    let mut work = tokio::task::JoinSet::new();
    for upkeep in issuers.upkeep() {
        work.spawn(upkeep);
    }
    let until = async |count| {
        while server.count() < count {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    until(1).await;
    assert_eq!(said(&issuers, &old.token("ES256", PAYLOAD)).await, good());
    server.now(200, set(&[new.jwk()]));
    pass(seconds(301)).await;
    until(2).await;
    assert_eq!(said(&issuers, &new.token("ES256", PAYLOAD)).await, good());
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn a_key_file_is_read_again_when_it_changes_and_missed_for_a_bounded_time() {
    let (old, new) = (Signer::p256("1"), Signer::ed25519("2"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    let lines = format!(
        "jwks_file = {:?}\njwks_keep = \"1h\"",
        file.display().to_string()
    );
    let fault = Issuers::new(&[configured(&format!("issuer = \"x\"\n{lines}"))]);
    let fault = format!("{:#}", fault.err().unwrap());
    assert!(
        fault.contains("keys.json") && fault.contains("\"x\""),
        "{fault}"
    );

    std::fs::write(&file, set(&[old.jwk()])).unwrap();
    let issuers = issuers(&lines);
    assert_eq!(said(&issuers, &old.token("ES256", PAYLOAD)).await, good());
    std::fs::write(&file, set(&[new.jwk()])).unwrap();
    pass(seconds(2)).await;
    assert_eq!(
        said(&issuers, &old.token("ES256", PAYLOAD)).await,
        Verification::No
    );
    assert_eq!(said(&issuers, &new.token("EdDSA", PAYLOAD)).await, good());
    std::fs::write(&file, "half a ke").unwrap();
    pass(seconds(2)).await;
    assert_eq!(said(&issuers, &new.token("EdDSA", PAYLOAD)).await, good());
    pass(seconds(3601)).await;
    assert_eq!(
        said(&issuers, &new.token("EdDSA", PAYLOAD)).await,
        Verification::Unavailable
    );
}

#[tokio::test]
async fn an_issuer_vouches_for_its_own_accounts() {
    let (own, everybodys) = (Signer::p256("1"), Signer::p256("1"));
    let folder = tempfile::tempdir().unwrap();
    let issuer = |name: &str, signer: &Signer, accounts: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, set(&[signer.jwk()])).unwrap();
        let file = file.display().to_string();
        configured(&format!(
            "issuer = {NAME:?}\njwks_file = {file:?}\n{accounts}"
        ))
    };
    let both = Issuers::new(&[
        issuer("everybody", &everybodys, ""),
        issuer("own", &own, "accounts = [\"ACC1\"]"),
    ])
    .unwrap();
    let (own_token, other) = (
        own.token("ES256", PAYLOAD),
        everybodys.token("ES256", PAYLOAD),
    );
    assert_eq!(verify(&both, "ACC1", NAME, &own_token).await, good());
    assert_eq!(verify(&both, "ACC1", NAME, &other).await, Verification::No);
    assert_eq!(verify(&both, "ACC2", NAME, &other).await, good());
    assert_eq!(
        verify(&both, "ACC2", NAME, &own_token).await,
        Verification::No
    );

    let alone = Issuers::new(&[issuer("own", &own, "accounts = [\"ACC1\"]")]).unwrap();
    for account in ["ACC2", "acc1", ""] {
        assert_eq!(
            verify(&alone, account, NAME, &own_token).await,
            Verification::No
        );
    }
    // A policy that names an unconfigured issuer verifies nothing.
    let unknown = verify(&alone, "ACC1", "https://other.example", &own_token).await;
    assert_eq!(unknown, Verification::Unavailable);
}
