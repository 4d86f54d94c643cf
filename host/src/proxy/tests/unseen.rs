//! What an operator may do to a resource that the guard has never seen, before and after the
//! account's initial import.

use scimguard_core::facts::{ResourceKind, User};
use scimguard_core::record::Record;

use scimguard_store::{Asked, Crawl, Tally};

use super::*;

/// Answers 200 if the user is known, 404 if it has no owner, 503 if that is unknown.
fn asks(unseen: Unseen) -> Script {
    let key = user_key("u1", unseen);
    Script::new().evaluate(move |_, facts| {
        Ok(match answer(facts, &key) {
            None => need(key.clone()),
            Some(Answer::User(_)) => reject(200),
            Some(Answer::Absent) => reject(404),
            Some(_) => reject(503),
        })
    })
}

async fn ask(guard: &Guard) -> String {
    let answer = guard.get("/scim/ACC1/Users/u1").await;
    status(&answer).to_owned()
}

/// A complete crawl, or one of users alone.
async fn crawled(guard: &Guard, only: Option<ResourceKind>) {
    let crawl = Crawl {
        asked: Asked {
            managed_by: None,
            filter: None,
            only,
        },
        kind: ResourceKind::Group,
        next: 1,
        open: None,
        tally: Tally::default(),
    };
    guard.store.note_crawl("ACC1", &crawl).await.unwrap();
    guard.store.end_crawl("ACC1", &crawl, 5).await.unwrap();
}

const REFUSE: &str = "unseen = \"refuse\"\n";

#[tokio::test]
async fn an_unseen_user_is_native_by_default() {
    let backend = Backend::ok().await;
    let guard = Guard::start(asks(Unseen::Pending), &backend).await;
    assert_eq!(ask(&guard).await, "404");
}

#[tokio::test]
async fn with_refuse_it_is_so_after_the_first_fill() {
    let backend = Backend::ok().await;
    let guard = Guard::configured(asks(Unseen::Pending), &backend, REFUSE).await;
    assert_eq!(ask(&guard).await, "503");
    crawled(&guard, Some(ResourceKind::User)).await;
    assert_eq!(ask(&guard).await, "503", "that was no complete one");
    crawled(&guard, None).await;
    assert_eq!(ask(&guard).await, "404");
}

#[tokio::test]
async fn with_refuse_what_is_on_record_is_known() {
    let backend = Backend::ok().await;
    let guard = Guard::configured(asks(Unseen::Pending), &backend, REFUSE).await;
    let user = User {
        account: "ACC1".to_owned(),
        id: Some("u1".to_owned()),
        user_name: "ann".to_owned(),
        ..User::default()
    };
    guard.store.apply(&[Record::User(user)]).await.unwrap();
    assert_eq!(ask(&guard).await, "200");
}

#[tokio::test]
async fn with_refuse_the_provider_may_write() {
    let backend = Backend::ok().await;
    let guard = Guard::configured(asks(Unseen::Absent), &backend, REFUSE).await;
    assert_eq!(ask(&guard).await, "404");
}
