//! The log on a real file: what is written, hidden and dropped, and how it is queried.

mod explained;

use std::sync::Arc;
use std::time::Duration;

use rusqlite::params_from_iter;
use scimguard_core::facts::Fact;
use scimguard_core::{Body, Request};
use tempfile::TempDir;

use super::read::question;
use super::{Decision, Filter, Log, Seen, Verdict};
use scimguard_store::database::Statements as _;

const TOKEN: &str = "sat.ACC1.t1.s3cret-of-a-token";
const AT: u64 = 1_780_272_000_000;

async fn log(keep: u64) -> (TempDir, Log) {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(&folder.path().join("decisions.db"), "", keep)
        .await
        .unwrap();
    (folder, log)
}

fn decision(account: &str, rule: &str, verdict: Verdict) -> Decision {
    Decision {
        at: AT,
        method: "PATCH".to_owned(),
        path: "/gateway/ng/api/scim/account/ACC1/Users/u1".to_owned(),
        account: Some(account.to_owned()),
        token: Some("t1".to_owned()),
        verdict,
        rule: Some(rule.to_owned()).filter(|rule| !rule.is_empty()),
        status: Some(200),
        changes: Vec::new(),
        micros: 900,
        backend_micros: 700,
        seen: None,
    }
}

fn seen(method: &str, path: &str, body: &str, facts: Vec<Fact>) -> Seen {
    let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    Seen {
        scim: path.contains("/scim/"),
        request: Arc::new(Request {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: vec![
                header("authorization", &format!("Bearer {TOKEN}")),
                header("cookie", "session=s3cret-of-a-session"),
                header("content-type", "application/scim+json"),
            ],
            body: match body {
                "" => Body::None,
                body => Body::Bytes(body.into()),
            },
            annotate: false,
        }),
        facts: vec![Arc::new(facts)],
        now: AT,
        refusal: Some(br#"{"detail": "Rename the group in Okta."}"#.to_vec()),
    }
}

#[tokio::test]
async fn every_filter_shows_its_decisions_page_by_page() {
    let (_folder, log) = log(1_000_000).await;
    let kinds = [
        ("ACC1", "", Verdict::Forward),
        ("ACC1", "okta-only.group-rename", Verdict::Reject),
        ("ACC2", "okta-only.group-rename", Verdict::Ruled),
        ("ACC2", "token.expired", Verdict::Reject),
    ];
    const ROUNDS: usize = 30;
    for _ in 0..ROUNDS {
        for (account, rule, verdict) in kinds {
            log.record(decision(account, rule, verdict));
        }
    }
    log.flush().await;
    let accounts = [None, Some("ACC1"), Some("ACC2"), Some("ACC3")];
    let rules = [None, Some(""), Some("okta-only.group-rename")];
    let verdicts = [None, Some(Verdict::Reject), Some(Verdict::Ruled)];
    for account in accounts {
        for rule in rules {
            for verdict in verdicts {
                let filter = Filter {
                    account: account.map(str::to_owned),
                    rule: rule.map(str::to_owned),
                    verdict,
                };
                let fit = kinds.iter().filter(|kind| {
                    account.is_none_or(|it| it == kind.0)
                        && rule.is_none_or(|it| it == kind.1)
                        && verdict.is_none_or(|it| it == kind.2)
                });
                let mut ids = Vec::new();
                let mut before = None;
                loop {
                    let page = log.page(&filter, before, 7).await.unwrap();
                    assert_eq!(page.latest, 4 * 30);
                    ids.extend(page.decisions.iter().map(|row| row.id));
                    before = page.before;
                    if before.is_none() {
                        break;
                    }
                }
                assert_eq!(ids.len(), ROUNDS * fit.count(), "{filter:?}");
                assert!(ids.is_sorted_by(|a, b| a > b), "{filter:?}");
            }
        }
    }
    assert_eq!(log.accounts().await.unwrap(), ["ACC1", "ACC2"]);
}

#[tokio::test]
async fn every_filter_is_read_by_its_index() {
    let (_folder, log) = log(1_000_000).await;
    let filter = |account: bool, rule: bool, verdict: bool| Filter {
        account: account.then(|| "ACC1".to_owned()),
        rule: rule.then(|| "token.expired".to_owned()),
        verdict: verdict.then_some(Verdict::Reject),
    };
    let by_verdict = "decisions_by_verdict (verdict=? AND rowid>? AND rowid<?)";
    let by_account = "decisions_by_account (account=? AND verdict=? AND rowid>? AND rowid<?)";
    let by_rule = "decisions_by_rule (rule=? AND verdict=? AND rowid>? AND rowid<?)";
    let by_both = "decisions_by_account_and_rule \
        (account=? AND rule=? AND verdict=? AND rowid>? AND rowid<?)";
    for (filter, by, times) in [
        (
            filter(false, false, false),
            "PRIMARY KEY (rowid>? AND rowid<?)",
            1,
        ),
        (filter(false, false, true), by_verdict, 1),
        (filter(true, false, true), by_account, 1),
        (filter(true, false, false), by_account, 3),
        (filter(false, true, true), by_rule, 1),
        (filter(false, true, false), by_rule, 3),
        (filter(true, true, true), by_both, 1),
        (filter(true, true, false), by_both, 3),
    ] {
        let (sql, parameters) = question(&filter, (0, 9), 5);
        let sql = format!("EXPLAIN QUERY PLAN {sql}");
        let plan: Vec<(i64, i64, i64, String)> = log
            .database
            .read(|connection| {
                connection.all(&sql, params_from_iter(parameters), |row| row.try_into())
            })
            .unwrap();
        let on_table = plan.iter().filter(|step| step.3.contains("decisions"));
        let on_table: Vec<&str> = on_table.map(|step| step.3.as_str()).collect();
        assert_eq!(on_table.len(), times, "{filter:?}: {plan:?}");
        assert!(
            on_table
                .iter()
                .all(|step| step.starts_with("SEARCH") && step.ends_with(by)),
            "{plan:?}"
        );
        // Only the rows of one verdict that are on the page are sorted, after reading.
        let reads: Vec<i64> = plan
            .iter()
            .filter(|step| step.3.contains("decisions"))
            .map(|step| step.1)
            .collect();
        let sorted = plan
            .iter()
            .any(|step| step.3.contains("TEMP B-TREE") && reads.contains(&step.1));
        assert!(!sorted, "{filter:?}: {plan:?}");
    }
}

#[tokio::test]
async fn who_waits_is_told_of_the_next_that_fits() {
    let (_folder, log) = log(1_000_000).await;
    let filter = Filter {
        account: Some("ACC2".to_owned()),
        ..Filter::default()
    };
    let wait = Duration::from_secs(10);
    let waiting = tokio::spawn({
        let (log, filter) = (log.clone(), filter.clone());
        async move { log.newer(&filter, 0, 10, wait).await }
    });
    log.record(decision("ACC1", "", Verdict::Forward));
    log.flush().await;
    log.record(decision("ACC2", "", Verdict::Forward));
    let page = waiting.await.unwrap().unwrap();
    assert_eq!(page.decisions.len(), 1);
    assert_eq!(page.decisions[0].account.as_deref(), Some("ACC2"));
    let after = page.latest;
    let none = log
        .newer(&filter, after, 10, Duration::from_millis(20))
        .await
        .unwrap();
    assert_eq!((none.decisions.len(), none.latest), (0, after));
}

#[tokio::test]
async fn old_decisions_are_dropped_and_stay_counted() {
    let (_folder, log) = log(100).await;
    let now = scimguard_store::now();
    for _ in 0..2_000 {
        log.record(Decision {
            at: now,
            ..decision("ACC1", "token.expired", Verdict::Reject)
        });
        // As fast as it can be written.
        if log.queue.capacity() < 100 {
            log.flush().await;
        }
    }
    log.flush().await;
    log.record(Decision {
        at: now,
        ..decision("ACC1", "", Verdict::Forward)
    });
    log.flush().await;
    let held = log.held().await.unwrap();
    assert!((100..=101).contains(&held), "{held}");
    let newest = log.page(&Filter::default(), None, 1).await.unwrap();
    assert_eq!(newest.decisions[0].id, 2_001);
    assert!(log.decision(1).await.unwrap().is_none());
    let at = i64::try_from(now).unwrap();
    let (step, series) = log.counts(at - 60_000, at).await.unwrap();
    assert_eq!(step, 60_000);
    let count = |rule: Option<&str>| {
        let fit = series.iter().find(|it| it.rule.as_deref() == rule);
        fit.map(|it| it.counts.iter().map(|(_, count)| count).sum::<i64>())
    };
    assert_eq!(
        (count(Some("token.expired")), count(None)),
        (Some(2_000), Some(1))
    );
}

#[tokio::test]
async fn nobody_without_a_token_pushes_others_out() {
    let (_folder, log) = log(1_000_000).await;
    let now = scimguard_store::now();
    for _ in 0..2_000 {
        log.record(Decision {
            at: now,
            token: None,
            ..decision("ACC1", "route.unknown", Verdict::Reject)
        });
        if log.queue.capacity() < 100 {
            log.flush().await;
        }
    }
    log.flush().await;
    let held = log.held().await.unwrap();
    // The burst, and those that a slow machine allows meanwhile.
    assert!((200..1_000).contains(&held), "{held}");
    let at = i64::try_from(now).unwrap();
    let (step, series) = log.counts(at, at).await.unwrap();
    assert_eq!(series[0].counts, [(at - at % step, 2_000)]);
}

#[tokio::test]
async fn too_much_that_waits_is_counted_and_not_kept() {
    let (_folder, log) = log(10).await;
    let body = format!("\"{}\"", "x".repeat(1_000_000));
    for _ in 0..200 {
        let seen = seen(
            "PATCH",
            "/gateway/ng/api/scim/account/ACC1/Users/u1",
            &body,
            vec![],
        );
        log.record(Decision {
            seen: Some(seen),
            ..decision("ACC1", "", Verdict::Forward)
        });
    }
    log.flush().await;
    assert!(log.unrecorded().get() > 0);
    assert_eq!(
        log.waiting_bytes.load(std::sync::atomic::Ordering::Relaxed),
        0
    );
}
