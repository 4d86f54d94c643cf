//! Which gateway may ask what.

use scimguard_core::record::ResourceKey;

use super::super::lies::every::{every_key, every_record as records};
use super::*;

const OTHER: &str = "ACC2";

#[tokio::test]
async fn only_a_gateways_secret_opens() {
    let (_backend, guard, _) = service("", "").await;
    let body = serde_json::to_string(&reads(vec![user("u1")])).unwrap();
    let both = format!("authorization: Bearer {EDGE}\r\nauthorization: Bearer {EDGE}\r\n");
    for (sent, expected) in [
        (String::new(), 401),
        (format!("authorization: {EDGE}\r\n"), 401),
        (format!("authorization: Basic {EDGE}\r\n"), 401),
        (format!("authorization: Bearer {}\r\n", &EDGE[1..]), 401),
        (format!("authorization: Bearer {EDGE}x\r\n"), 401),
        ("authorization: Bearer \r\n".to_owned(), 401),
        (format!("authorization: Bearer {TOKEN}\r\n"), 401),
        (format!("x-api-key: {EDGE}\r\n"), 401),
        (both, 401),
        (format!("authorization: bearer {EDGE}\r\n"), 200),
        (format!("authorization: Bearer {READER}\r\n"), 200),
    ] {
        let request = message("POST", FACTS, &sent, &body);
        let answer = guard.edge().raw(&request).await;
        assert_eq!(code(&answer), expected, "{sent}: {answer}");
        assert!(!answer.contains(EDGE), "{answer}");
    }
}

#[tokio::test]
async fn what_is_no_message_is_refused_without_its_words() {
    let (_backend, guard, _) = service("client_timeout = \"200ms\"\n", "").await;
    let secret = format!("authorization: Bearer {EDGE}\r\n");
    let ask = serde_json::to_string(&asks(Vec::new())).unwrap();
    let hush = ask.replace("\"decide\"", "\"hush-hush\"");
    let large = format!("{secret}content-length: 40000000\r\n\r\n");
    let slow = format!("{secret}content-length: 10\r\n\r\nslow");
    for (request, expected) in [
        (message("POST", "/v1/others", &secret, &ask), 404),
        (message("GET", FACTS, &secret, ""), 405),
        (message("POST", FACTS, &secret, ""), 400),
        (message("POST", FACTS, &secret, &hush), 400),
        (message("POST", RECORDS, &secret, &ask), 400),
        (message("POST", FACTS, &secret, &ask), 200),
        (format!("POST {FACTS} HTTP/1.1\r\nhost: f\r\n{large}"), 413),
        (format!("POST {FACTS} HTTP/1.1\r\nhost: f\r\n{slow}"), 400),
        (message("GET", "/healthz", "", ""), 200),
    ] {
        let answer = guard.edge().raw(&request).await;
        assert_eq!(code(&answer), expected, "{request}: {answer}");
        assert!(!answer.contains("hush"), "{answer}");
    }
}

#[tokio::test]
async fn a_gateway_asks_about_its_accounts_alone() {
    let (_backend, guard, _) = service("", "").await;
    for key in keys("ACC1") {
        guard.reader().ask(&reads(vec![key])).await.unwrap();
    }
    for key in keys(OTHER) {
        let mixed = reads(vec![user("u1"), key.clone()]);
        assert_unavailable(guard.reader().ask(&mixed).await, 403);
        guard.edge().ask(&of_other(vec![key])).await.unwrap();
    }
}

#[tokio::test]
async fn nothing_of_another_accounts_records_is_stored() {
    let backend = Backend::ok().await;
    let guard = Guard::configured(Script::new(), &backend, LIMITED).await;
    for record in records(OTHER) {
        let gateway = guard.edge();
        let pass = gateway.ask(&asks(vec![user("u1")])).await.unwrap().pass;
        let both = vec![records("ACC1").remove(0), record];
        assert_unavailable(gateway.tell(&ends(&pass, both)).await, 403);
        let asked = guard.store.answer(&[user("u1")]).await.unwrap();
        assert_eq!(asked, [Answer::Absent]);
        // Nothing was done, so the request can continue.
        let own = records("ACC1");
        gateway.tell(&ends(&pass, own.clone())).await.unwrap();
        guard.store.apply(&[removed("ACC1")]).await.unwrap();
    }
    let verdict = DecisionReport {
        account: Some(OTHER.to_owned()),
        ..DecisionReport::default()
    };
    let tell = RecordsRequest {
        verdict: Some(verdict),
        ..refused("", 0, "192.0.2.1")
    };
    assert_unavailable(guard.edge().tell(&tell).await, 403);
}

/// The gateway `edge` may do everything in ACC1.
pub(super) const LIMITED: &str = "[facts]\nlisten = \"127.0.0.1:0\"\n[[facts.gateway]]\nname = \"edge\"\n\
                       secret_file = \"edge.secret\"\naccounts = [\"ACC1\"]\n";

#[tokio::test]
async fn who_may_only_ask_records_nothing() {
    let (_backend, guard, _) = service("", "").await;
    let gateway = guard.reader();
    let pass = gateway.ask(&asks(vec![user("u1")])).await.unwrap().pass;
    let answered = gateway.tell(&ends(&pass, records("ACC1"))).await;
    assert_unavailable(answered, 403);
    let asked = guard.store.answer(&[user("u1")]).await.unwrap();
    assert_eq!(asked, [Answer::Absent]);
    gateway.tell(&ends(&pass, Vec::new())).await.unwrap();
}

#[tokio::test]
async fn records_belong_to_a_pass() {
    let (_backend, guard, _) = service("", "").await;
    let tell = RecordsRequest {
        pass: None,
        ..ends(&Pass(String::new()), records("ACC1"))
    };
    assert_unavailable(guard.edge().tell(&tell).await, 400);
}

#[tokio::test]
async fn another_accounts_token_is_unknown() {
    let backend = Backend::ok().await;
    let keys = LIMITED.replace("ACC1", OTHER);
    let guard = Guard::configured(Script::new(), &backend, &keys).await;
    guard.with_token(Some("okta")).await;
    let facts = guard
        .edge()
        .ask(&of_other(vec![token_key()]))
        .await
        .unwrap();
    assert_eq!(facts.facts[0].answer, Answer::Absent);
    let open = serving(Script::new(), &backend, "", "").await;
    open.with_token(Some("okta")).await;
    for gateway in [open.edge(), open.reader()] {
        let facts = gateway.ask(&asks(vec![token_key()])).await.unwrap();
        assert!(matches!(&facts.facts[0].answer, Answer::Token(token) if token.account == "ACC1"));
    }
}

#[tokio::test]
async fn a_pass_is_its_gateways() {
    let (_backend, guard, _) = service("", "").await;
    let (edge, reader) = (guard.edge(), guard.reader());
    let pass = edge.ask(&asks(vec![user("u1")])).await.unwrap().pass;
    let next = goes_on(&pass, Stage::Decide, false, Vec::new());
    assert_unavailable(reader.ask(&next).await, 503);
    let end = ends(&pass, Vec::new());
    assert_unavailable(reader.tell(&end).await, 503);
    assert_eq!(edge.ask(&next).await.unwrap().pass, pass);
    edge.tell(&end).await.unwrap();
    assert_unavailable(edge.ask(&next).await, 503);
    let made_up = ends(&Pass("0".repeat(64)), Vec::new());
    assert_unavailable(edge.tell(&made_up).await, 503);
}

/// The first question of a request that blocks nobody.
fn reads(keys: Vec<Key>) -> FactsRequest {
    of_head(head("GET"), asks(keys))
}

/// The same for the other account.
fn of_other(keys: Vec<Key>) -> FactsRequest {
    FactsRequest {
        head: Head {
            path: "/scim/ACC2/Users".to_owned(),
            ..head("GET")
        },
        ..asks(keys)
    }
}

/// One of each kind but the guard's own tokens.
pub(super) fn keys(account: &str) -> Vec<Key> {
    every_key(account, "opaque").split_off(1)
}

fn removed(account: &str) -> Record {
    Record::RemoveUser(ResourceKey {
        account: account.to_owned(),
        scope: String::new(),
        id: "u1".to_owned(),
    })
}
