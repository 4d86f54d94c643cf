//! Which outside source is asked about a token and its principal, and how often.

use scimguard_core::facts::{PrincipalKey, TokenText, VerifiedKey};

use super::*;

const REQUEST: &str = "GET /scim/ACC1/Users HTTP/1.1\r\nhost: g\r\nauthorization: Bearer opaque\r\n\
                       connection: close\r\n\r\n";

fn verified() -> Key {
    Key::Verified(VerifiedKey {
        account: "ACC1".to_owned(),
        issuer: "https://id.example.com".to_owned(),
        token: TokenText::new("opaque".to_owned()),
    })
}

fn principal() -> Key {
    Key::Principal(PrincipalKey {
        account: "ACC1".to_owned(),
        id: "svc".to_owned(),
    })
}

/// Needs both facts, and then one more, so that both are gathered twice.
fn asks() -> Script {
    let steps = [verified(), principal(), user_key("u1", Unseen::Absent)];
    Script::new().evaluate(move |_, facts| {
        if let Some(next) = steps.iter().find(|key| answer(facts, key).is_none()) {
            return Ok(need(next.clone()));
        }
        let claims = answer(facts, &steps[0]);
        let told = matches!(claims, Some(Answer::Claims(text)) if text == r#"{"active":true}"#);
        let rights = match answer(facts, &steps[1]) {
            Some(Answer::Principal(principal)) => principal.permissions == ["a"],
            _ => false,
        };
        Ok(match (told, rights) {
            (true, true) => reject(200),
            _ if claims == Some(&Answer::Unavailable) => reject(503),
            _ => reject(401),
        })
    })
}

#[tokio::test]
async fn issuers_and_permission_sources_are_asked_once_a_pass() {
    let backend = Backend::ok().await;
    let services = Backend::start(async |seen| match seen.path.as_str() {
        "/introspect" => json(200, r#"{"active":true}"#),
        _ => json(200, r#"["a"]"#),
    })
    .await;
    let url = format!("http://{}", services.address);
    // So short that the answers expire before they are needed again.
    let keys = format!(
        "[[issuer]]\nissuer = \"https://id.example.com\"\nintrospection_url = \"{url}/introspect\"\n\
         client_id = \"guard\"\nclient_secret_file = \"backend.token\"\n\
         introspection_cache = \"1ns\"\n\
         [permissions]\nurl = \"{url}/{{account}}/{{principal}}\"\ncache = \"1ns\"\n"
    );
    let guard = Guard::configured(asks(), &backend, &keys).await;
    let answer = guard.raw(REQUEST).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let seen = services.seen.lock().unwrap().clone();
    let paths: Vec<&str> = seen.iter().map(|seen| seen.path.as_str()).collect();
    assert_eq!(paths, ["/introspect", "/ACC1/svc"]);
}

#[tokio::test]
async fn an_issuer_that_nobody_configured_vouches_for_nothing() {
    let backend = Backend::ok().await;
    let guard = Guard::start(asks(), &backend).await;
    let answer = guard.raw(REQUEST).await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
}
