//! How much one account, one client or a crowd without tokens can use.

use super::*;

/// A guard whose gateway `edge` may have 64 requests: 16 per client, 16 without a token, and 32 per
/// account.
async fn small(backend: &Backend) -> Guard {
    let keys = "lease_timeout = \"100ms\"\n[facts]\nlisten = \"127.0.0.1:0\"\n[[facts.gateway]]\n\
                name = \"edge\"\nsecret_file = \"edge.secret\"\nrequests = 64\n";
    let guard = Guard::configured(Script::new(), backend, keys).await;
    guard.with_token(Some("okta")).await;
    guard
}

fn from(source: &str, ask: FactsRequest) -> FactsRequest {
    FactsRequest {
        head: Head {
            source: Some(source.to_owned()),
            ..ask.head
        },
        ..ask
    }
}

/// Begins requests until there is no more room; returns how many.
async fn fill(gateway: Gateway, source: impl Fn(usize) -> String, keys: &[Key]) -> usize {
    for number in 0..100 {
        let ask = from(&source(number), asks(keys.to_vec()));
        match gateway.ask(&ask).await {
            Ok(_) => {}
            Err((503, refused)) => {
                assert!(refused.detail.contains("Too many requests"), "{refused:?}");
                return number;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    panic!("there is room without end");
}

fn of_number(number: usize) -> String {
    format!("198.51.100.{number}")
}

#[tokio::test]
async fn heads_of_one_client_leave_room_for_others() {
    let backend = Backend::ok().await;
    let guard = small(&backend).await;
    let edge = guard.edge();
    // It has a good token, and sends heads without bodies.
    let filled = fill(edge, |_| "192.0.2.7".to_owned(), &[token_key()]).await;
    assert_eq!(filled, 16);
    let good = edge.ask(&asks(vec![token_key()])).await.unwrap();
    edge.tell(&ends(&good.pass, Vec::new())).await.unwrap();
}

#[tokio::test]
async fn requests_of_one_account_leave_room_for_others() {
    let backend = Backend::ok().await;
    let guard = small(&backend).await;
    let edge = guard.edge();
    assert_eq!(fill(edge, of_number, &[token_key()]).await, 32);
    // Another client, whose token is not the full account's.
    let other = FactsRequest {
        head: Head {
            path: "/scim/ACC2/Users".to_owned(),
            ..head("GET")
        },
        ..asks(Vec::new())
    };
    edge.ask(&other).await.unwrap();
}

#[tokio::test]
async fn requests_without_a_token_leave_room_for_those_that_have_one() {
    let backend = Backend::ok().await;
    let guard = small(&backend).await;
    let edge = guard.edge();
    // Each waits for another user, like an administrator's edit in the management API.
    assert_eq!(fill(edge, of_number, &[]).await, 16);
    for number in 0..20 {
        let good = from(&format!("192.0.2.{number}"), asks(vec![token_key()]));
        edge.ask(&good).await.unwrap();
    }
}
