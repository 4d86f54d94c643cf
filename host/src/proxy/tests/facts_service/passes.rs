//! How long a client's request is in progress, and what it holds meanwhile.

use scimguard_core::record::ResourceKey;

use super::*;

const BUSY: &str = "lease_timeout = \"100ms\"\n";

/// Whether another write of this user can begin now.
async fn is_free(gateway: Gateway, id: &str) -> bool {
    let other = asks(vec![user(id)]);
    match gateway.ask(&other).await {
        Ok(facts) => {
            let end = ends(&facts.pass, Vec::new());
            gateway.tell(&end).await.unwrap();
            true
        }
        Err((503, refused)) => {
            assert!(refused.detail.contains("Another change"), "{refused:?}");
            false
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn leases_are_held_from_the_first_question_to_the_end() {
    let (_backend, _guard, edge) = service(BUSY, "").await;
    let pass = edge.ask(&asks(vec![user("u1")])).await.unwrap().pass;
    let u2 = goes_on(&pass, Stage::Decide, false, vec![user("u2")]);
    let facts = edge.ask(&u2).await.unwrap().facts;
    assert_eq!(facts.len(), 2, "what was asked before is answered again");
    edge.tell(&tells(&pass, Vec::new())).await.unwrap();
    let observed = goes_on(&pass, Stage::Observe, true, vec![user("u3")]);
    let facts = edge.ask(&observed).await.unwrap().facts;
    assert_eq!(facts.len(), 1, "the facts of the pass before are forgotten");
    for (id, expected) in [("u1", false), ("u2", false), ("u3", true)] {
        assert_eq!(is_free(edge, id).await, expected, "{id}");
    }
    edge.tell(&ends(&pass, Vec::new())).await.unwrap();
    assert!(is_free(edge, "u1").await && is_free(edge, "u2").await);
}

#[tokio::test]
async fn the_next_part_of_a_request_holds_its_own() {
    let (_backend, _guard, edge) = service(BUSY, "").await;
    let pass = edge.ask(&asks(vec![user("u1")])).await.unwrap().pass;
    let next = goes_on(&pass, Stage::Decide, true, vec![user("u2")]);
    edge.ask(&next).await.unwrap();
    assert!(is_free(edge, "u1").await);
    assert!(!is_free(edge, "u2").await);
}

#[tokio::test]
async fn reads_hold_nothing_and_wait_for_nobody() {
    let (_backend, _guard, edge) = service(BUSY, "").await;
    for method in ["GET", "HEAD", "OPTIONS"] {
        let reads = of_head(head(method), asks(vec![user("u1")]));
        edge.ask(&reads).await.unwrap();
        edge.ask(&reads).await.unwrap();
    }
    assert!(is_free(edge, "u1").await);
    let odd = of_head(head("get"), asks(vec![user("u1")]));
    edge.ask(&odd).await.unwrap();
    assert!(!is_free(edge, "u1").await);
}

#[tokio::test]
async fn who_leaves_a_request_alone_holds_nothing_any_more() {
    let (_backend, _guard, edge) = service(BUSY, "pass_timeout = \"300ms\"\n").await;
    let pass = edge.ask(&asks(vec![user("u1")])).await.unwrap().pass;
    for _ in 0..4 {
        // Time counts from the last message.
        tokio::time::sleep(Duration::from_millis(150)).await;
        edge.tell(&tells(&pass, Vec::new())).await.unwrap();
    }
    assert!(!is_free(edge, "u1").await);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(is_free(edge, "u1").await);
    let gone = Record::RemoveUser(ResourceKey {
        account: "ACC1".to_owned(),
        scope: String::new(),
        id: "u1".to_owned(),
    });
    let late = edge.tell(&ends(&pass, vec![gone])).await;
    assert_unavailable(late, 503);
}

/// A gateway's read holds what a question names only while that is answered.
#[tokio::test]
async fn a_pass_ends_however_often_its_gateway_goes_on_with_it() {
    let backend = Backend::ok().await;
    let times = "pass_timeout = \"700ms\"\nlongest_pass = \"1s\"\n";
    let guard = serving(Script::new(), &backend, BUSY, times).await;
    let reader = guard.reader();
    let begun = std::time::Instant::now();
    let pass = reader.ask(&asks(vec![user("u1")])).await.unwrap().pass;
    let ended = loop {
        let again = goes_on(&pass, Stage::Decide, false, vec![user("u1")]);
        match reader.ask(&again).await {
            Ok(facts) => assert_eq!(facts.pass, pass),
            ended => break ended,
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(begun.elapsed() < LIMIT, "it never ends");
    };
    assert_unavailable(ended, 503);
    // Others may write what it held.
    while !is_free(guard.edge(), "u1").await {
        assert!(begun.elapsed() < LIMIT, "it holds its leases for ever");
    }
    for told in [tells(&pass, Vec::new()), ends(&pass, Vec::new())] {
        assert_unavailable(reader.tell(&told).await, 503);
    }
}

#[tokio::test]
async fn who_goes_away_while_it_waits_holds_nothing() {
    let (_backend, _guard, edge) = service("lease_timeout = \"5s\"\n", "").await;
    let pass = edge.ask(&asks(vec![user("u1")])).await.unwrap().pass;
    let mut waiting = TcpStream::connect(edge.address).await.unwrap();
    let both = serde_json::to_string(&asks(vec![user("u0"), user("u1")])).unwrap();
    let secret = format!("authorization: Bearer {EDGE}\r\n");
    let request = message("POST", FACTS, &secret, &both);
    waiting.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    drop(waiting);
    let begun = std::time::Instant::now();
    assert!(is_free(edge, "u0").await);
    assert!(begun.elapsed() < Duration::from_secs(4));
    edge.tell(&ends(&pass, Vec::new())).await.unwrap();
    assert!(is_free(edge, "u1").await);
}

#[tokio::test]
async fn a_gateway_has_so_many_requests_under_way() {
    let backend = Backend::ok().await;
    let keys = "[facts]\nlisten = \"127.0.0.1:0\"\n[[facts.gateway]]\nname = \"edge\"\n\
                secret_file = \"edge.secret\"\nrequests = 2\n[[facts.gateway]]\nname = \"reader\"\n\
                secret_file = \"reader.secret\"\n";
    let guard = Guard::configured(Script::new(), &backend, keys).await;
    let edge = guard.edge();
    let first = edge.ask(&asks(vec![user("u1")])).await.unwrap().pass;
    edge.ask(&asks(vec![user("u2")])).await.unwrap();
    let third = edge.ask(&asks(vec![user("u3")])).await;
    assert_unavailable(third, 503);
    guard.reader().ask(&asks(vec![user("u3")])).await.unwrap();
    edge.tell(&ends(&first, Vec::new())).await.unwrap();
    edge.ask(&asks(vec![user("u4")])).await.unwrap();
}

#[tokio::test]
async fn the_process_ends_after_the_requests_under_way() {
    let (_backend, mut guard, edge) = service("", "").await;
    let pass = edge.ask(&asks(vec![user("u1")])).await.unwrap().pass;
    guard.end();
    let begun = std::time::Instant::now();
    while edge
        .raw(&message("GET", "/healthz", "", ""))
        .await
        .contains("ok")
    {
        assert!(begun.elapsed() < LIMIT);
    }
    let late = edge.ask(&asks(vec![user("u2")])).await;
    assert_unavailable(late, 503);
    let next = goes_on(&pass, Stage::Observe, true, vec![user("u1")]);
    edge.ask(&next).await.unwrap();
    assert!(!guard.task.is_finished());
    edge.tell(&ends(&pass, Vec::new())).await.unwrap();
    guard.ended().await;
}
