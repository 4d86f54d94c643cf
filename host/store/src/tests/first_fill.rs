//! Tests of what a crawl adds to the record, and what it leaves unchanged.

use super::*;
use crate::{Asked, Crawl, Members, Tally};

fn crawl() -> Crawl {
    Crawl {
        asked: Asked {
            managed_by: None,
            filter: None,
            only: None,
        },
        kind: ResourceKind::User,
        next: 1,
        open: None,
        tally: Tally::default(),
    }
}

fn listed_user(id: &str, name: &str, external_id: Option<&str>) -> User {
    User {
        account: ACCOUNT.to_owned(),
        id: Some(id.to_owned()),
        user_name: name.to_owned(),
        external_id: external_id.map(str::to_owned),
        active: true,
        ..User::default()
    }
}

fn listed_group(id: &str, name: &str) -> Group {
    Group {
        account: ACCOUNT.to_owned(),
        id: Some(id.to_owned()),
        display_name: Some(name.to_owned()),
        ..Group::default()
    }
}

fn intent(kind: ResourceKind, key: &str, name: &str, external_id: Option<&str>) -> Record {
    Record::Intent(Intent {
        kind,
        account: ACCOUNT.to_owned(),
        key: key.to_owned(),
        user_name: (kind == ResourceKind::User).then(|| name.to_owned()),
        display_name: Some(name.to_owned()),
        derived_id: (kind == ResourceKind::Group).then(|| key.to_owned()),
        external_id: external_id.map(str::to_owned),
        active: true,
        provider: "okta".to_owned(),
        at: 7,
        members: Vec::new(),
        by: "t1".to_owned(),
    })
}

async fn owner(store: &Store, key: Key) -> Option<String> {
    match store.one(key).await {
        Answer::User(user) => user.managed_by,
        Answer::Group(group) => group.managed_by,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn users_on_record_are_left_and_pending_ones_settled() {
    let (_folder, store) = store().await;
    let records = [
        user("u1", "ann", Some("okta")),
        intent(ResourceKind::User, "bob", "Bob", None),
        intent(ResourceKind::User, "eve", "eve", Some("00e")),
    ];
    store.apply(&records).await.unwrap();
    let users = [
        listed_user("u1", "other-name", None),
        listed_user("u2", "BOB", None),
        listed_user("u3", "renamed", Some("00e")),
        listed_user("u4", "new", None),
        listed_user("u4", "twice", None),
    ];
    let crawl = store.add_users(ACCOUNT, &users, crawl()).await.unwrap();
    let count = &crawl.tally.users;
    assert_eq!((count.recorded, count.known, count.settled), (1, 2, 2));
    assert_eq!(crawl.next, 6);
    assert_eq!(store.crawl(ACCOUNT).await.unwrap(), Some(crawl));

    let okta = Some("okta".to_owned());
    for id in ["u1", "u2", "u3"] {
        assert_eq!(
            owner(&store, user_key(id, Unseen::Pending)).await,
            okta,
            "{id}"
        );
    }
    assert_eq!(owner(&store, user_key("u4", Unseen::Pending)).await, None);
    let Answer::User(new) = store.one(name_key("new")).await else {
        panic!("not recorded");
    };
    assert_eq!(new.id.as_deref(), Some("u4"));
    assert_eq!(store.one(name_key("twice")).await, Answer::Absent);
    assert_eq!(store.one(name_key("other-name")).await, Answer::Absent);
    // Everything is settled now.
    let unseen = store.one(user_key("u9", Unseen::Pending)).await;
    assert_eq!(unseen, Answer::Absent);
}

#[tokio::test]
async fn members_are_added_to_groups_whose_members_are_not_known() {
    let (_folder, store) = store().await;
    let mut unknown = listed_group("g1", "one");
    unknown.managed_by = Some("okta".to_owned());
    let mut known = listed_group("g2", "two");
    known.members_known = true;
    let records = [
        Record::Group(unknown),
        Record::Group(known.clone()),
        intent(ResourceKind::Group, "g_3", "g-3", None),
    ];
    store.apply(&records).await.unwrap();
    assert!(store.knows_members(&known).await.unwrap());

    let mut crawl = crawl();
    let mut add = async |id: &str, name: &str| {
        let group = listed_group(id, name);
        let (members, after) = store.add_group(&group, crawl.clone()).await.unwrap();
        let users = ["u1".to_owned(), "u2".to_owned()];
        crawl = store.add_members(&group, &users, after).await.unwrap();
        if members == Members::Wanted {
            crawl = store
                .close_group(&group, Members::Known, crawl.clone())
                .await
                .unwrap();
        }
        (members, crawl.clone())
    };
    assert_eq!(add("g1", "renamed").await.0, Members::Wanted);
    assert_eq!(add("g2", "two").await.0, Members::Known);
    assert_eq!(add("id-of-3", "G-3").await.0, Members::Known);
    let (members, crawl) = add("g4", "four").await;
    assert_eq!(members, Members::Wanted);
    let count = &crawl.tally.groups;
    assert_eq!((count.recorded, count.known, count.settled), (1, 2, 1));
    assert_eq!((crawl.tally.members, crawl.next), (4, 5));

    let okta = Some("okta".to_owned());
    for id in ["g1", "id-of-3"] {
        assert_eq!(
            owner(&store, group_key(id, Unseen::Pending)).await,
            okta,
            "{id}"
        );
    }
    for (group, expected) in [
        ("g1", true),
        ("g2", false),
        ("id-of-3", false),
        ("g4", true),
    ] {
        let key = Key::Members(members_key(group, &["u1"]));
        let Answer::Members(members) = store.one(key).await else {
            panic!("{group}");
        };
        assert_eq!(members[0].may_be_in(), expected, "{group}");
        assert!(store.knows_members(&listed_group(group, "")).await.unwrap());
    }
}

#[tokio::test]
async fn a_group_that_is_gone_gets_no_members() {
    let (_folder, store) = store().await;
    let group = listed_group("g1", "one");
    let (_, crawl) = store.add_group(&group, crawl()).await.unwrap();
    let gone = ResourceKey {
        account: ACCOUNT.to_owned(),
        scope: String::new(),
        id: "g1".to_owned(),
    };
    store.apply(&[Record::RemoveGroup(gone)]).await.unwrap();
    let crawl = store
        .add_members(&group, &["u1".to_owned()], crawl)
        .await
        .unwrap();
    let crawl = store
        .close_group(&group, Members::Known, crawl)
        .await
        .unwrap();
    assert_eq!((crawl.tally.members, crawl.next), (0, 2));
}

#[tokio::test]
async fn a_complete_crawl_is_the_first_fill() {
    let (_folder, store) = store().await;
    let token = NewToken {
        sha256: "abc".to_owned(),
        prefix: "sat",
        account: ACCOUNT.to_owned(),
        id: "t1".to_owned(),
        principal: "svc".to_owned(),
        provider: None,
        expires: None,
        created: 1,
        created_by: None,
        rotated_from: None,
    };
    store.create_token(&token).await.unwrap();
    assert_eq!(store.unfilled_accounts(9).await.unwrap(), [ACCOUNT]);
    let mut part = crawl();
    part.asked.filter = Some("externalId pr".to_owned());
    for (crawl, filled) in [(part.clone(), false), (crawl(), true), (part, true)] {
        store.note_crawl(ACCOUNT, &crawl).await.unwrap();
        assert_eq!(store.crawl(ACCOUNT).await.unwrap().as_ref(), Some(&crawl));
        store.end_crawl(ACCOUNT, &crawl, 9).await.unwrap();
        assert_eq!(store.crawl(ACCOUNT).await.unwrap(), None);
        assert_eq!(store.is_filled(ACCOUNT).await.unwrap(), filled);
    }
    assert!(!store.is_filled("ACC2").await.unwrap());
    assert!(store.unfilled_accounts(9).await.unwrap().is_empty());
}
