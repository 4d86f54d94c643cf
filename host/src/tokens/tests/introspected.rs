//! An issuer's answers about tokens, and how long they apply.

use std::sync::Arc;

use serde_json::json;

use super::scripted::Scripted;
use super::{ACCOUNT, NOW, configured, pass, seconds, verify};
use crate::tokens::issuers::{Issuers, Verification};

const NAME: &str = "https://id.example.com";

/// Each part has characters that must be form-encoded.
const SECRET: &str = "s:e c+r%t";

struct TestBed {
    server: Scripted,
    issuers: Issuers,
    _folder: tempfile::TempDir,
}

impl TestBed {
    async fn answering(status: u16, body: impl Into<String>) -> Self {
        let server = Scripted::answering(status, body).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("client.secret");
        std::fs::write(&file, format!("{SECRET}\n")).unwrap();
        let issuers = Issuers::new(&[configured(&format!(
            "issuer = {NAME:?}\nintrospection_url = \"{}/introspect\"\nclient_id = \"guard:1\"\n\
             client_secret_file = {:?}\nintrospection_cache = \"60s\"\n\
             introspection_negative_cache = \"10s\"",
            server.url,
            file.display().to_string(),
        ))])
        .unwrap();
        Self {
            server,
            issuers,
            _folder: folder,
        }
    }

    async fn said(&self, token: &str) -> Verification {
        verify(&self.issuers, ACCOUNT, NAME, token).await
    }
}

#[tokio::test]
async fn the_question_is_a_form_with_the_clients_credentials() {
    let answer = r#"{"active": true,  "sub":"svc", "exp": 1700000100}"#;
    let bed = TestBed::answering(200, answer).await;
    // The policy judges the answer as written.
    assert_eq!(
        bed.said("a+b/c=").await,
        Verification::Claims(answer.to_owned())
    );
    let asked = &bed.server.asked()[0];
    assert_eq!(asked.path, "/introspect");
    assert_eq!(
        asked.body,
        "token=a%2Bb%2Fc%3D&token_type_hint=access_token"
    );
    let header = |name: &str| asked.headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/x-www-form-urlencoded");
    // printf 'guard%3A1:s%3Ae%20c%2Br%25t' | base64
    assert_eq!(
        header("authorization"),
        "Basic Z3VhcmQlM0ExOnMlM0FlJTIwYyUyQnIlMjV0"
    );
}

#[tokio::test]
async fn a_good_token_is_good_for_a_minute_or_until_it_expires() {
    let expires = |seconds: u64| json!({"active": true, "exp": NOW / 1000 + seconds}).to_string();
    for (answer, lasts) in [
        (expires(3600), 60),
        (json!({"active": true}).to_string(), 60),
        (expires(20), 20),
    ] {
        let bed = TestBed::answering(200, answer).await;
        for _ in 0..3 {
            assert!(matches!(bed.said("t").await, Verification::Claims(_)));
        }
        assert_eq!(bed.server.count(), 1);
        bed.server.now(200, r#"{"active": false}"#);
        pass(seconds(lasts - 1)).await;
        assert!(matches!(bed.said("t").await, Verification::Claims(_)));
        pass(seconds(2)).await;
        assert_eq!(bed.said("t").await, Verification::No);
        assert_eq!(bed.server.count(), 2);
    }
    // A token that has expired by the guard's clock is not cached.
    let bed = TestBed::answering(200, json!({"active": true, "exp": 1}).to_string()).await;
    for count in 1..=2 {
        assert!(matches!(bed.said("t").await, Verification::Claims(_)));
        assert_eq!(bed.server.count(), count);
    }
}

#[tokio::test]
async fn a_bad_token_is_bad_for_a_short_while() {
    let bed = TestBed::answering(200, r#"{"active": false}"#).await;
    for _ in 0..3 {
        assert_eq!(bed.said("t").await, Verification::No);
    }
    assert_eq!(bed.server.count(), 1);
    bed.server.now(200, r#"{"active": true}"#);
    pass(seconds(11)).await;
    assert!(matches!(bed.said("t").await, Verification::Claims(_)));
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_says_nothing() {
    for (status, body) in [
        (500, r#"{"active": true}"#),
        (401, r#"{"active": true}"#),
        (302, r#"{"active": true}"#),
        (200, r#"{"active": "true"}"#),
        (200, r#"{"active": 1}"#),
        (200, r#"{"active": true, "active": false}"#),
        (200, r#"{"sub": "svc"}"#),
        (200, "true"),
        (200, ""),
    ] {
        let bed = TestBed::answering(status, body).await;
        assert_eq!(
            bed.said("t").await,
            Verification::Unavailable,
            "{status} {body}"
        );
        // Nor is that cached.
        bed.server.now(200, r#"{"active": true}"#);
        assert!(matches!(bed.said("t").await, Verification::Claims(_)));
    }
}

#[tokio::test]
async fn one_question_serves_all_who_wait_for_it_and_accounts_share_none() {
    let bed = TestBed::answering(200, r#"{"active": true}"#).await;
    let count = {
        let bed = Arc::new(bed);
        let asking: Vec<_> = (0..20)
            .map(|_| {
                let bed = Arc::clone(&bed);
                tokio::spawn(async move { bed.said("t").await })
            })
            .collect();
        for one in asking {
            assert!(matches!(one.await.unwrap(), Verification::Claims(_)));
        }
        assert_eq!(bed.server.count(), 1);
        verify(&bed.issuers, "ACC2", NAME, "t").await;
        bed.said("u").await;
        bed.server.count()
    };
    assert_eq!(count, 3);
}
