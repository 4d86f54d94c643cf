//! Tests of the store's answers after records were applied.

mod differential;
mod first_fill;
mod pending;
mod tokens;

use scimguard_core::facts::{
    Answer, DerivedIdKey, ExternalIdKey, Group, GroupKey, Key, Member, MembersKey, Membership,
    ResourceKind, Unseen, User, UserGroupsKey, UserKey,
};
use scimguard_core::record::{Intent, IntentKey, MemberRecord, Record, ResourceKey};
use tempfile::TempDir;

use super::{NewToken, PrincipalKind, PrincipalRow, Store};
use crate::database::Statements as _;

const ACCOUNT: &str = "ACC1";

async fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("guard.db")).await.unwrap();
    (folder, store)
}

impl Store {
    async fn one(&self, key: Key) -> Answer {
        self.answer(&[key]).await.unwrap().pop().unwrap()
    }
}

fn user_key(value: &str, unseen: Unseen) -> Key {
    Key::User(key(value, unseen))
}

fn name_key(value: &str) -> Key {
    Key::UserByName(key(value, Unseen::Absent))
}

fn key(value: &str, unseen: Unseen) -> UserKey {
    UserKey {
        account: ACCOUNT.to_owned(),
        value: value.to_owned(),
        unseen,
    }
}

fn group_key(id: &str, unseen: Unseen) -> Key {
    Key::Group(GroupKey {
        account: ACCOUNT.to_owned(),
        scope: String::new(),
        id: id.to_owned(),
        unseen,
    })
}

fn members_key(group: &str, users: &[&str]) -> MembersKey {
    MembersKey {
        account: ACCOUNT.to_owned(),
        scope: String::new(),
        group: group.to_owned(),
        users: users.iter().map(|user| (*user).to_owned()).collect(),
        names: true,
    }
}

fn user(id: &str, name: &str, managed_by: Option<&str>) -> Record {
    Record::User(User {
        account: ACCOUNT.to_owned(),
        id: Some(id.to_owned()),
        user_name: name.to_owned(),
        display_name: None,
        external_id: Some(format!("ext-{id}")),
        active: true,
        managed_by: managed_by.map(str::to_owned),
        since: managed_by.map(|_| 5),
        ..User::default()
    })
}

fn group(id: &str, name: &str, managed_by: Option<&str>) -> Record {
    Record::Group(Group {
        account: ACCOUNT.to_owned(),
        id: Some(id.to_owned()),
        display_name: Some(name.to_owned()),
        managed_by: managed_by.map(str::to_owned),
        members_known: true,
        ..Group::default()
    })
}

fn member(group: &str, user: &str, present: bool) -> Record {
    Record::Member(MemberRecord {
        account: ACCOUNT.to_owned(),
        scope: String::new(),
        group: group.to_owned(),
        user: user.to_owned(),
        state: present.then_some(Membership::Confirmed),
        by: None,
    })
}

fn intent(kind: ResourceKind, key: &str, derived_id: Option<&str>, members: &[&str]) -> Record {
    Record::Intent(Intent {
        kind,
        account: ACCOUNT.to_owned(),
        key: key.to_owned(),
        user_name: (kind == ResourceKind::User).then(|| key.to_owned()),
        display_name: (kind == ResourceKind::Group).then(|| key.to_owned()),
        derived_id: derived_id.map(str::to_owned),
        external_id: Some(format!("ext-{key}")),
        active: true,
        provider: "okta".to_owned(),
        at: 7,
        by: "tok1".to_owned(),
        members: members.iter().map(|user| (*user).to_owned()).collect(),
    })
}

fn intent_key(kind: ResourceKind, key: &str) -> IntentKey {
    IntentKey {
        kind,
        account: ACCOUNT.to_owned(),
        key: key.to_owned(),
    }
}

fn found_user(answer: Answer) -> User {
    match answer {
        Answer::User(user) => user,
        other => panic!("no user: {other:?}"),
    }
}

fn found_group(answer: Answer) -> Group {
    match answer {
        Answer::Group(group) => group,
        other => panic!("no group: {other:?}"),
    }
}

#[tokio::test]
async fn references_and_ids_in_another_case_mean_the_owned_one() {
    let (_folder, store) = store().await;
    store
        .apply(&[
            user("U1", "old", None),
            user("u1", "Ann@Example.com", Some("okta")),
            group("G", "g", None),
            group("g", "g", Some("okta")),
            member("g", "u1", true),
        ])
        .await
        .unwrap();
    let exact = found_user(store.one(user_key("U1", Unseen::Absent)).await);
    assert_eq!(exact.user_name, "old");
    let alike = found_user(store.one(user_key("Ｕ１", Unseen::Absent)).await);
    assert_eq!(
        alike.id.as_deref(),
        Some("u1"),
        "NFKC, and the owned one first"
    );
    let asked = members_key("ｇ", &["ANN@example.com", "u1", "nobody"]);
    let Answer::Members(members) = store.one(Key::Members(asked.clone())).await else {
        panic!("no members");
    };
    let present: Vec<bool> = members.iter().map(Member::may_be_in).collect();
    assert_eq!(present, [true, true, false]);
    assert!(members[0].user.as_ref().unwrap().in_managed_group);
    let Answer::Difference(difference) = store.one(Key::MembersDifference(asked)).await else {
        panic!("no difference");
    };
    assert_eq!(difference.added.len(), 1);
    assert!(difference.removed.is_empty());
}

#[tokio::test]
async fn a_thousand_users_are_one_batch() {
    let (_folder, store) = store().await;
    let ids: Vec<String> = (0..1000).map(|n| format!("u{n}")).collect();
    let mut records = vec![group("g", "g", Some("okta"))];
    for id in &ids {
        records.push(user(id, &format!("{id}@example.com"), Some("okta")));
        records.push(member("g", id, true));
    }
    store.apply(&records).await.unwrap();
    let mut keys: Vec<Key> = ids.iter().map(|id| user_key(id, Unseen::Pending)).collect();
    let references: Vec<&str> = ids.iter().map(String::as_str).collect();
    keys.push(Key::MembersDifference(members_key("g", &references[..999])));
    let started = std::time::Instant::now();
    let answers = store.answer(&keys).await.unwrap();
    assert!(started.elapsed() < std::time::Duration::from_secs(2));
    for (id, answer) in ids.iter().zip(&answers) {
        assert_eq!(found_user(answer.clone()).id.as_ref(), Some(id));
    }
    let Some(Answer::Difference(difference)) = answers.last() else {
        panic!()
    };
    assert_eq!((difference.added.len(), difference.removed.len()), (0, 1));
    assert_eq!(difference.removed[0].reference, "u999");
}

#[tokio::test]
async fn a_list_of_records_is_one_transaction_and_survives_a_new_start() {
    let (folder, store) = store().await;
    store
        .apply(&[
            user("u1", "ann", Some("okta")),
            group("g", "g", Some("okta")),
            member("g", "u1", true),
            intent(ResourceKind::User, "bob", None, &[]),
        ])
        .await
        .unwrap();
    // The store is not closed: the process was killed.
    let again = Store::open(&folder.path().join("guard.db")).await.unwrap();
    assert!(found_user(again.one(user_key("u1", Unseen::Absent)).await).in_managed_group);
    assert_eq!(
        again.one(user_key("u2", Unseen::Pending)).await,
        Answer::Unavailable
    );
    let gone = ResourceKey {
        account: ACCOUNT.to_owned(),
        scope: String::new(),
        id: "g".to_owned(),
    };
    again.apply(&[Record::RemoveGroup(gone)]).await.unwrap();
    assert!(!found_user(store.one(user_key("u1", Unseen::Absent)).await).in_managed_group);
    drop(again);
}

#[tokio::test]
async fn groups_of_a_user_and_holders_of_an_external_id() {
    let (_folder, store) = store().await;
    store
        .apply(&[
            user("u1", "ann", Some("okta")),
            group("a_b", "a.b", None),
            member("a_b", "u1", true),
            member("unseen", "u1", true),
            intent(ResourceKind::User, "bob", None, &[]),
        ])
        .await
        .unwrap();
    let of_ann = Key::UserGroups(UserGroupsKey {
        account: ACCOUNT.to_owned(),
        user: "ANN".to_owned(),
    });
    let Answer::Groups(groups) = store.one(of_ann).await else {
        panic!()
    };
    let ids: Vec<_> = groups.iter().map(|group| group.id.as_deref()).collect();
    assert_eq!(ids, [Some("a_b"), Some("unseen")]);
    let derived = Key::GroupByDerivedId(DerivedIdKey {
        account: ACCOUNT.to_owned(),
        scope: String::new(),
        id: "a_b".to_owned(),
        replace: ".- ".to_owned(),
        with: "_".to_owned(),
    });
    let Answer::Groups(groups) = store.one(derived).await else {
        panic!()
    };
    assert_eq!(groups.len(), 1);
    for (value, id) in [
        ("u1", Some("u1")),
        ("ext-u1", Some("u1")),
        ("ext-bob", None),
    ] {
        let key = Key::ExternalId(ExternalIdKey {
            account: ACCOUNT.to_owned(),
            value: value.to_owned(),
        });
        let Answer::Holders(holders) = store.one(key).await else {
            panic!()
        };
        assert_eq!(holders.len(), 1, "{value}");
        assert_eq!(holders[0].id.as_deref(), id);
    }
}

#[tokio::test]
async fn lists_that_come_together_are_all_applied() {
    let (_folder, store) = store().await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..300 {
        let store = store.clone();
        tasks.spawn(async move {
            let id = format!("u{n}");
            let records = [user(&id, &id, None), member("g", &id, true)];
            store.apply(&records).await.unwrap();
            // It is on disk when the call returns.
            found_user(store.one(user_key(&id, Unseen::Absent)).await)
        });
    }
    while let Some(user) = tasks.join_next().await {
        assert!(user.unwrap().id.is_some());
    }
    store.close().await;
    let refused = store.apply(&[user("u", "u", None)]).await;
    assert!(refused.is_err(), "a store that has ended takes nothing");
}

/// Without it, SQLite reads all users of an account instead of using an index to find one.
#[tokio::test]
async fn every_index_of_the_record_has_statistics() {
    let (_folder, store) = store().await;
    const WITHOUT: &str = "
        SELECT name FROM sqlite_schema
         WHERE tbl_name IN ('users', 'groups', 'members') AND type IN ('table', 'index')
           AND name NOT LIKE 'sqlite_autoindex_%'
           AND name NOT IN (SELECT idx FROM sqlite_stat1)";
    let without: Vec<String> = store
        .database
        .read(|connection| connection.all(WITHOUT, (), |row| row.get(0)))
        .unwrap();
    assert!(without.is_empty(), "{without:?}");
}
