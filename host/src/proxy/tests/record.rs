//! The record, whatever happens during a request.

use scimguard_core::facts::{ResourceKind, User};
use scimguard_core::record::{Intent, IntentKey, Record, Settled};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// The token `tok1` creates a user for Okta.
pub(super) fn intent() -> Record {
    Record::Intent(Intent {
        kind: ResourceKind::User,
        account: "ACC1".to_owned(),
        key: "ann".to_owned(),
        user_name: Some("ann".to_owned()),
        display_name: None,
        derived_id: None,
        external_id: None,
        active: true,
        provider: "okta".to_owned(),
        at: 1,
        by: "tok1".to_owned(),
        members: Vec::new(),
    })
}

fn settle() -> Record {
    Record::Settle(Settled {
        intent: IntentKey {
            kind: ResourceKind::User,
            account: "ACC1".to_owned(),
            key: "ann".to_owned(),
        },
        id: "u1".to_owned(),
    })
}

/// Creates ann: records an intent before, and settles it after the answer.
fn creates() -> Script {
    Script::new()
        .evaluate(|request, _| match &request.body {
            Body::Unread => Ok(need_body(100)),
            _ => Ok(Verdict::Forward(Forward {
                records: vec![intent()],
                ..observed(request)
            })),
        })
        .observe(|outcome, _| {
            Ok(Outcome::Respond(match outcome {
                BackendOutcome::Answered(answer) => Respond {
                    records: vec![settle()],
                    ..respond(answer.status)
                },
                BackendOutcome::Unanswered | BackendOutcome::NotAsked => Respond {
                    rule: Some("upstream.unavailable".to_owned()),
                    ..respond(503)
                },
            }))
        })
}

async fn ann(store: &Store) -> Option<User> {
    let key = Key::UserByName(UserKey {
        account: "ACC1".to_owned(),
        value: "ann".to_owned(),
        unseen: Unseen::Absent,
    });
    match store.answer(&[key]).await.unwrap().pop().unwrap() {
        Answer::User(user) => Some(user),
        _ => None,
    }
}

async fn assert_pending(guard: &Guard) {
    let store = guard.reopened().await;
    let user = ann(&store).await.expect("ann is on record");
    assert_eq!(
        (user.id, user.write_pending, user.managed_by.as_deref()),
        (None, true, Some("okta"))
    );
    let unseen = user_key("u1", Unseen::Pending);
    assert_eq!(
        store.answer(&[unseen]).await.unwrap(),
        [Answer::Unavailable]
    );
}

#[tokio::test]
async fn an_answer_settles_the_intent() {
    let backend = Backend::start(async |_| json(201, "{}")).await;
    let guard = Guard::start(creates(), &backend).await;
    assert_eq!(status(&guard.post(BASE, "{}").await), "201");
    let user = ann(&guard.store).await.unwrap();
    // The policy says no more of the user than the id.
    assert_eq!((user.id.as_deref(), user.write_pending), (Some("u1"), true));
}

#[tokio::test]
async fn no_answer_leaves_it_pending() {
    for says in [
        &b""[..],
        b"HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n{",
        b"HTTP/1.1 999999\r\n\r\n",
    ] {
        let backend = Backend::raw(says).await;
        let guard = Guard::start(creates(), &backend).await;
        assert_eq!(status(&guard.post(BASE, "{}").await), "503");
        assert_pending(&guard).await;
    }
}

#[tokio::test]
async fn another_protocol_is_no_answer() {
    let says = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n";
    let backend = Backend::raw(says).await;
    let guard = Guard::start(creates(), &backend).await;
    assert_refused(&guard.post(BASE, "{}").await, "502", "upstream.invalid");
    assert_pending(&guard).await;
    let passing = Guard::start(Script::new(), &backend).await;
    assert_refused(&passing.get("/a").await, "502", "upstream.invalid");
    // What happens to a part is up to the policy.
    let in_parts = Script::new()
        .evaluate(|request, _| Ok(Verdict::Forward(observed(request))))
        .observe(|outcome, _| {
            Ok(match outcome {
                BackendOutcome::Unanswered => Outcome::Proceed(proceed()),
                _ => Outcome::Respond(respond(204)),
            })
        });
    let guard = Guard::start(in_parts, &backend).await;
    assert_eq!(status(&guard.post(BASE, "{}").await), "204");
}

#[tokio::test]
async fn a_slow_backend_leaves_it_pending() {
    let backend = Backend::slow(10_000, 201).await;
    let guard = Guard::configured(creates(), &backend, "backend_timeout = \"100ms\"\n").await;
    assert_eq!(status(&guard.post(BASE, "{}").await), "503");
    assert_pending(&guard).await;
}

#[tokio::test]
async fn a_fault_after_the_answer_leaves_it_pending() {
    let backend = Backend::start(async |_| json(201, "{}")).await;
    let script = creates().observe(|_, _| Err(Fault::Trapped("memory".to_owned())));
    let guard = Guard::start(script, &backend).await;
    assert_refused(&guard.post(BASE, "{}").await, "500", "plugin.trapped");
    assert_eq!(backend.seen().len(), 1);
    assert_pending(&guard).await;
}

/// The process dies between the backend's answer and its record.
#[tokio::test]
async fn a_store_that_is_gone_after_the_answer_leaves_it_pending() {
    let store: Arc<Mutex<Option<Store>>> = Arc::default();
    let gone = Arc::clone(&store);
    let backend = Backend::start(move |_| {
        let store = gone.lock().unwrap().take();
        async move {
            store.unwrap().close().await;
            json(201, "{}")
        }
    })
    .await;
    let guard = Guard::start(creates(), &backend).await;
    *store.lock().unwrap() = Some(guard.store.clone());
    assert_refused(&guard.post(BASE, "{}").await, "503", "facts.unavailable");
    assert_pending(&guard).await;
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_keep_the_answer_from_the_record() {
    let backend = Backend::slow(100, 201).await;
    let guard = Guard::start(creates(), &backend).await;
    let stream = guard.send(&post(BASE, "{}")).await;
    let recorded = async {
        while ann(&guard.store).await.is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        drop(stream);
        while ann(&guard.store).await.is_none_or(|user| user.id.is_none()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, recorded)
        .await
        .expect("the answer is recorded");
}

const ANN: &str = "/scim/ACC1/Users/u1";

/// Writes of one user, named by id in one and by name in the other.
fn writes() -> Script {
    Script::new().evaluate(|request, facts| {
        let name = request.path.rsplit('/').next().unwrap_or_default();
        let key = user_key(name, Unseen::Absent);
        let key = match name.strip_prefix("name:") {
            None => key,
            Some(name) => Key::UserByName(UserKey {
                account: "ACC1".to_owned(),
                value: name.to_owned(),
                unseen: Unseen::Absent,
            }),
        };
        Ok(match answer(facts, &key) {
            None => need(key),
            Some(_) => Verdict::Forward(observed(request)),
        })
    })
}

/// The largest number of concurrent requests at the backend.
async fn most_at_once(guard: &Guard, most: &AtomicUsize, names: &[&str]) -> usize {
    most.store(0, Ordering::SeqCst);
    let mut tasks = tokio::task::JoinSet::new();
    for name in names {
        let request = post(&format!("{BASE}/Users/{name}"), "{}");
        let address = guard.address;
        tasks.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            read_all(&mut stream).await
        });
    }
    while let Some(answer) = tasks.join_next().await {
        assert_eq!(status(&answer.unwrap()), "204");
    }
    most.load(Ordering::SeqCst)
}

#[tokio::test]
async fn writes_of_one_user_are_one_after_another() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counted = (Arc::clone(&now), Arc::clone(&most));
    let backend = Backend::start(move |_| {
        let (now, most) = counted.clone();
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(60)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            json(200, "{}")
        }
    })
    .await;
    let guard = Guard::start(writes(), &backend).await;
    let ann = User {
        account: "ACC1".to_owned(),
        id: Some("u1".to_owned()),
        user_name: "Ann".to_owned(),
        ..User::default()
    };
    guard.store.apply(&[Record::User(ann)]).await.unwrap();
    let same = ["u1", "U1", "name:ann", "name:ANN"];
    assert_eq!(most_at_once(&guard, &most, &same).await, 1);
    let others = ["u1", "u2", "u3", "u4"];
    assert!(most_at_once(&guard, &most, &others).await > 1);
}

#[tokio::test]
async fn who_cannot_have_the_lease_in_time_is_told_to_come_again() {
    let backend = Backend::slow(500, 200).await;
    let guard = Guard::configured(writes(), &backend, "lease_timeout = \"50ms\"\n").await;
    let mut first = guard.send(&post(ANN, "{}")).await;
    while backend.seen().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_refused(&guard.post(ANN, "{}").await, "503", "facts.unavailable");
    assert_eq!(status(&read_all(&mut first).await), "204");
    // A read waits for nothing.
    assert_eq!(status(&guard.get(ANN).await), "204");
}

/// A slow backend, and a guard with one write of ann's in progress at it.
async fn with_ann_at_work(script: Script, keys: &str) -> (Backend, Guard, TcpStream) {
    let backend = Backend::slow(600, 200).await;
    let keys = format!("lease_timeout = \"10s\"\n{keys}");
    let guard = Guard::configured(script, &backend, &keys).await;
    let first = guard.send(&post(ANN, "{}")).await;
    while backend.seen().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    (backend, guard, first)
}

#[tokio::test]
async fn what_is_not_forwarded_ends_with_the_guard() {
    let (backend, mut guard, mut first) =
        with_ann_at_work(writes(), "client_timeout = \"200ms\"\n").await;
    let mut second = guard.send(&post(ANN, "{}")).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    guard.end();
    assert_refused(&read_all(&mut second).await, "503", "facts.unavailable");
    assert_eq!(status(&read_all(&mut first).await), "204");
    guard.ended().await;
    assert_eq!(backend.seen().len(), 1);
}

/// A PATCH is split, and its one part concerns ann.
fn in_parts() -> Script {
    let key = || user_key("u1", Unseen::Absent);
    let script = writes().evaluate(move |request, facts| {
        Ok(match (request.method.as_str(), answer(facts, &key())) {
            ("PATCH", _) => Verdict::Proceed(proceed()),
            (_, None) => need(key()),
            (_, Some(_)) => Verdict::Forward(observed(request)),
        })
    });
    script.observe(move |outcome, facts| {
        Ok(match (outcome, answer(facts, &key())) {
            (BackendOutcome::NotAsked, None) => Outcome::Need(Need {
                keys: vec![key()],
                body_limit: None,
            }),
            (BackendOutcome::NotAsked, Some(_)) => Outcome::Forward(Forward {
                method: "PATCH".to_owned(),
                path: ANN.to_owned(),
                headers: Vec::new(),
                body: ForwardBody::None,
                answer: AnswerHandling::Observe,
                continuation: Vec::new(),
                changes: Vec::new(),
                records: Vec::new(),
                account: None,
                verified_token: None,
                rule: None,
            }),
            _ => Outcome::Respond(respond(204)),
        })
    })
}

#[tokio::test]
async fn a_later_part_ends_with_its_client_while_nothing_is_forwarded() {
    let patch = post(ANN, "{}").replace("POST", "PATCH");
    for goes in [true, false] {
        let (backend, guard, mut first) = with_ann_at_work(in_parts(), "").await;
        let mut second = guard.connect().await;
        second.write_all(patch.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        if goes {
            drop(second);
        } else {
            assert_eq!(status(&read_all(&mut second).await), "204");
        }
        assert_eq!(status(&read_all(&mut first).await), "204");
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(backend.seen().len(), if goes { 1 } else { 2 });
    }
}
