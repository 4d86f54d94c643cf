//! Reports that nothing waits for, many in one message.

use scimguard_core::record::ResourceKey;

use super::*;

#[tokio::test]
async fn reports_end_their_passes_whatever_is_wrong_with_one_of_them() {
    let (_backend, _guard, edge) = service("lease_timeout = \"100ms\"\n", "").await;
    let mut passes = Vec::new();
    for id in ["u1", "u2", "u3", "u4", "u5"] {
        passes.push(edge.ask(&asks(vec![user(id)])).await.unwrap().pass);
    }
    let gone = Record::RemoveUser(ResourceKey {
        account: "ACC1".to_owned(),
        scope: String::new(),
        id: "u2".to_owned(),
    });
    let reports = [
        tell_of(head("GET"), ends(&passes[0], Vec::new())),
        ends(&passes[1], vec![gone]),
        tells(&passes[2], Vec::new()),
        ends(&passes[3], Vec::new()),
        ends(&Pass("unknown".to_owned()), Vec::new()),
        ends(&passes[4], Vec::new()),
    ];
    let text = serde_json::to_string(&reports).unwrap();
    assert_eq!(edge.post(REPORTS, &text).await, (204, String::new()));
    let begun = std::time::Instant::now();
    while edge.ask(&asks(vec![user("u5")])).await.is_err() {
        assert!(begun.elapsed() < LIMIT);
    }
    edge.ask(&asks(vec![user("u4")])).await.unwrap();
    for id in ["u1", "u2", "u3"] {
        assert_unavailable(edge.ask(&asks(vec![user(id)])).await, 503);
    }
    assert_eq!(edge.post(REPORTS, "[]").await.0, 204);
    assert_eq!(edge.post(REPORTS, "{}").await.0, 400);
}

#[tokio::test]
async fn a_gateway_that_may_only_ask_reports_its_reads() {
    let (_backend, guard, _) = service("", "").await;
    guard.with_token(None).await;
    let reader = guard.reader();
    let asked = of_head(head("GET"), asks(vec![token_key()]));
    let pass = reader.ask(&asked).await.unwrap().pass;
    let verdict = DecisionReport {
        account: Some("ACC1".to_owned()),
        verified_token: Some("t1".to_owned()),
        ..DecisionReport::default()
    };
    let read = RecordsRequest {
        verdict: Some(verdict),
        ..tell_of(head("GET"), ends(&pass, Vec::new()))
    };
    let text = serde_json::to_string(&[read]).unwrap();
    assert_eq!(reader.post(REPORTS, &text).await.0, 204);
    let again = FactsRequest {
        pass: Some(pass),
        ..asked
    };
    let begun = std::time::Instant::now();
    while reader.ask(&again).await.is_ok() {
        assert!(begun.elapsed() < LIMIT);
    }
}
