//! When the backend is asked about what is not recorded, and with whose credential.

use super::*;

const TOKEN: &str = "sat.ACC1.t1.secret";

/// Needs the token and then the key; returns the fact in a header.
fn asks(key: Key) -> Script {
    let token = Key::Token(sha256_hex(TOKEN.as_bytes()));
    Script::new().evaluate(move |_, facts| {
        if answer(facts, &token).is_none() {
            return Ok(need(token.clone()));
        }
        let Some(answer) = answer(facts, &key) else {
            return Ok(need(key.clone()));
        };
        let (status, detail) = match answer {
            Answer::User(user) => (200, format!("{:?} {:?}", user.id, user.managed_by)),
            Answer::Group(group) => (200, format!("{:?} {:?}", group.id, group.managed_by)),
            Answer::Absent => (404, String::new()),
            _ => (503, String::new()),
        };
        let Verdict::Reject(mut verdict) = reject(status) else {
            unreachable!()
        };
        verdict
            .response
            .headers
            .push(("x-found".to_owned(), detail.into_bytes()));
        Ok(Verdict::Reject(verdict))
    })
}

async fn ask(guard: &Guard) -> String {
    let head = format!("host: g\r\nauthorization: Bearer {TOKEN}\r\ncookie: c=1\r\n");
    let end = "connection: close\r\ncontent-length: 2\r\n\r\n{}";
    guard
        .raw(&format!("POST {BASE}/Users HTTP/1.1\r\n{head}{end}"))
        .await
}

#[tokio::test]
async fn the_backend_is_asked_with_the_credential_at_hand() {
    let backend = Backend::start(async |seen| match seen.path.as_str() {
        "/scim/ACC1/Users/u1" => json(200, r#"{"id": "u1", "userName": "ann"}"#),
        "/scim/ACC1/Users/u2" => json(200, r#"{"id": "another", "userName": "bob"}"#),
        "/scim/ACC1/Users/u3" => json(500, "{}"),
        "/scim/ACC1/Groups/g%2F1" => json(200, r#"{"id": "g/1", "displayName": "g"}"#),
        "/scim/ACC1/Users?filter=userName%20eq%20%22ann%22" => json(
            200,
            r#"{"totalResults": 1, "Resources": [{"id": "u1", "userName": "Ann"}]}"#,
        ),
        "/scim/ACC1/Users?filter=userName%20eq%20%22bob%22" => json(200, r#"{"totalResults": 0}"#),
        _ => json(404, "{}"),
    })
    .await;
    let group = Key::Group(scimguard_core::facts::GroupKey {
        account: "ACC1".to_owned(),
        scope: String::new(),
        id: "g/1".to_owned(),
        unseen: Unseen::Backend,
    });
    let named = |value: &str| {
        Key::UserByName(UserKey {
            account: "ACC1".to_owned(),
            value: value.to_owned(),
            unseen: Unseen::Backend,
        })
    };
    for (key, expected) in [
        (user_key("u1", Unseen::Backend), "200"),
        (user_key("u2", Unseen::Backend), "503"),
        (user_key("u3", Unseen::Backend), "503"),
        (user_key("u4", Unseen::Backend), "404"),
        (group, "200"),
        (named("ann"), "200"),
        (named("bob"), "404"),
    ] {
        let guard = Guard::start(asks(key.clone()), &backend).await;
        guard.add_token("ACC1", "t1", TOKEN, Some("okta")).await;
        let answer = ask(&guard).await;
        assert_eq!(status(&answer), expected, "{key:?}: {answer}");
        let found = answer.contains("x-found: Some(");
        assert_eq!(found, expected == "200");
        assert!(!found || answer.contains(" None\r\n"), "native: {answer}");
    }
    for seen in backend.seen() {
        assert_eq!(seen.method, "GET");
        assert_eq!(seen.headers["authorization"], format!("Bearer {TOKEN}"));
        assert!(!seen.headers.contains_key("cookie"));
    }
}

#[tokio::test]
async fn nobody_elses_credential_is_used() {
    let backend = Backend::ok().await;
    let unseen = || asks(user_key("u1", Unseen::Backend));
    let operator = Guard::start(unseen(), &backend).await;
    operator.add_token("ACC1", "t1", TOKEN, None).await;
    assert_eq!(status(&ask(&operator).await), "503");
    let unknown = Guard::start(unseen(), &backend).await;
    assert_eq!(status(&ask(&unknown).await), "503");
    assert!(backend.seen().is_empty());
    let keys = "[backend_credential]\nfile = \"backend.token\"\nheader = \"x-api-key\"\n";
    let own = Guard::configured(unseen(), &backend, keys).await;
    assert_eq!(status(&ask(&own).await), "503", "`{{}}` is no user");
    assert_eq!(backend.seen()[0].headers["x-api-key"], "own-secret");
    assert!(!backend.seen()[0].headers.contains_key("authorization"));
}

#[tokio::test]
async fn an_operators_edit_asks_nobody() {
    let backend = Backend::ok().await;
    let guard = Guard::start(asks(user_key("u1", Unseen::Absent)), &backend).await;
    guard.add_token("ACC1", "t1", TOKEN, Some("okta")).await;
    assert_eq!(status(&ask(&guard).await), "404");
    assert!(backend.seen().is_empty());
}
