//! What operators see: decisions and the record.

use std::time::Duration;

use scimguard_core::record::{FailedChange, Record};
use serde_json::{Value, json};

use super::{Guard, LIMIT, TOKEN};
use crate::audit::{Decision, Verdict};
use scimguard_store::NewToken;
use scimguard_store::now;

fn decision(account: &str, rule: Option<&str>) -> Decision {
    Decision {
        at: now(),
        method: "PATCH".to_owned(),
        path: "/path".to_owned(),
        account: Some(account.to_owned()),
        token: Some("t1".to_owned()),
        verdict: Verdict::of(if rule.is_some() { "reject" } else { "forward" }, rule),
        rule: rule.map(str::to_owned),
        status: Some(200),
        changes: Vec::new(),
        micros: 1,
        backend_micros: 0,
        seen: None,
    }
}

#[tokio::test]
async fn decisions_are_listed_filtered_and_followed() {
    let guard = Guard::start().await;
    for _ in 0..3 {
        guard.log.record(decision("ACC1", None));
        guard
            .log
            .record(decision("ACC2", Some("okta-only.group-rename")));
    }
    guard.log.flush().await;
    let page = guard.get("/api/decisions?limit=4").await;
    assert_eq!(page["decisions"].as_array().unwrap().len(), 4);
    assert_eq!((&page["before"], &page["latest"]), (&json!(3), &json!(6)));
    let rest = guard.get("/api/decisions?limit=4&before=3").await;
    assert_eq!(rest["decisions"].as_array().unwrap().len(), 2);
    assert_eq!(rest["before"], Value::Null);
    let refused = guard
        .get("/api/decisions?account=ACC2&rule=okta-only.group-rename&verdict=reject")
        .await;
    assert_eq!(refused["decisions"].as_array().unwrap().len(), 3);
    let one = guard.get("/api/decisions/6").await;
    assert_eq!(one["rule"], "okta-only.group-rename");
    assert_eq!(guard.get("/api/accounts").await, json!(["ACC1", "ACC2"]));
    let counts = guard.get("/api/counts").await;
    assert_eq!(counts["series"].as_array().unwrap().len(), 2);
    assert_eq!(guard.get("/api/status").await["decisions"]["held"], 6);

    let (live, ()) = tokio::join!(
        guard.get("/api/decisions/live?after=6&account=ACC1"),
        async {
            guard.log.record(decision("ACC2", None));
            guard.log.flush().await;
            guard.log.record(decision("ACC1", None));
        }
    );
    assert_eq!(live["decisions"][0]["id"], 8);

    let bearer = format!("authorization: Bearer {TOKEN}");
    for (path, status) in [
        ("/api/decisions?verdict=maybe", "400"),
        ("/api/decisions?unknown=1", "400"),
        ("/api/decisions/99", "404"),
        ("/api/policies/99", "404"),
    ] {
        let headers = ["host: localhost", bearer.as_str()];
        let answer = guard.raw(&format!("GET {path}"), &headers, "").await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn the_record_is_told() {
    let guard = Guard::start().await;
    let rules = guard.get("/api/rules").await;
    let rename = rules.as_array().unwrap().iter();
    let rename = rename.filter(|rule| rule["id"] == "okta-only.group-rename");
    assert_eq!(rename.count(), 1);
    let token = |id: &str, days: u64| NewToken {
        sha256: id.repeat(8),
        prefix: "sat",
        account: "ACC1".to_owned(),
        id: id.to_owned(),
        principal: "svc".to_owned(),
        provider: Some("okta".to_owned()),
        expires: Some(now() + days * 86_400_000),
        created: now(),
        created_by: None,
        rotated_from: None,
    };
    guard.store.create_token(&token("later", 60)).await.unwrap();
    guard.store.create_token(&token("soon", 3)).await.unwrap();
    let ids = async |path: &str| {
        let told = guard.get(path).await;
        let ids = told["tokens"].as_array().unwrap().iter();
        ids.map(|token| token["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids("/api/tokens/expiring").await, ["soon"]);
    assert_eq!(ids("/api/tokens/expiring?days=90").await, ["soon", "later"]);
    let expiring = guard.get("/api/tokens/expiring").await.to_string();
    assert!(
        !expiring.contains(&"soon".repeat(8)),
        "a token's hash is told: {expiring}"
    );
    let owners = guard
        .get("/api/owners?account=ACC1&user=ann@example.com")
        .await;
    assert_eq!(
        (&owners["kind"], &owners["recorded"]),
        (&json!("user"), &json!(false))
    );
    let owners = guard.get("/api/owners?account=ACC1").await;
    assert_eq!(owners["kind"], "account");

    for user in ["u1", "u2"] {
        let change = FailedChange {
            account: "ACC1".to_owned(),
            scope: String::new(),
            group: "g1".to_owned(),
            user: user.to_owned(),
            present: true,
            status: Some(503),
            at: now(),
            by: "soon".to_owned(),
        };
        guard.store.apply(&[Record::Failed(change)]).await.unwrap();
    }
    let retries = guard.get("/api/retries?account=ACC1").await;
    assert_eq!(
        (&retries["all"], &retries["retries"][0]["user"]),
        (&json!(2), &json!("u1"))
    );
    assert_eq!(guard.get("/api/retries?account=ACC2").await["all"], 0);
    for (what, asked) in [
        (json!({"account": "ACC1", "group": "g1", "user": "u9"}), 0),
        (json!({"account": "ACC1", "group": "g1", "user": "u1"}), 1),
    ] {
        let answer = guard.post("/api/retries", &what).await;
        assert_eq!(answer.body, json!({ "asked": asked }).to_string(), "{what}");
    }
    // The running guard repeats it: the group does not exist any more, so the change is dropped.
    let gone = async {
        while guard.get("/api/retries").await["all"] != 1 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LIMIT, gone).await.unwrap();
    let left = guard.get("/api/retries").await;
    assert_eq!(left["retries"][0]["user"], "u2");
}
