//! Tests of unsettled creates: they count as owned.

use scimguard_core::facts::Membership;
use scimguard_core::record::{Settled, settlement};
use scimguard_knowledge::{OpenMembers, Store as _};

use super::*;

#[tokio::test]
async fn a_pending_create_counts_as_owned_and_hides_unseen_users() {
    let (_folder, store) = store().await;
    let pending = user_key("u9", Unseen::Pending);
    assert_eq!(store.one(pending.clone()).await, Answer::Absent);
    store
        .apply(&[intent(ResourceKind::User, "ann@example.com", None, &[])])
        .await
        .unwrap();
    assert_eq!(store.one(pending.clone()).await, Answer::Unavailable);
    assert_eq!(
        store.one(user_key("u9", Unseen::Absent)).await,
        Answer::Absent
    );
    let named = found_user(store.one(name_key("ANN@example.com")).await);
    assert_eq!((named.id, named.write_pending), (None, true));
    assert_eq!(named.managed_by.as_deref(), Some("okta"));
    let other_account = Key::User(UserKey {
        account: "ACC2".to_owned(),
        ..key("u9", Unseen::Pending)
    });
    assert_eq!(store.one(other_account).await, Answer::Absent);

    let settle = Record::Settle(Settled {
        intent: intent_key(ResourceKind::User, "ann@example.com"),
        id: "u1".to_owned(),
    });
    store.apply(&[settle]).await.unwrap();
    assert_eq!(store.one(pending).await, Answer::Absent);
    let settled = found_user(store.one(user_key("u1", Unseen::Absent)).await);
    // Other attributes of the create may have changed since.
    assert_eq!(
        (settled.id.as_deref(), settled.write_pending),
        (Some("u1"), true)
    );
    assert_eq!(settled.since, Some(7));
}

#[tokio::test]
async fn what_settles_nothing_is_not_written() {
    let (folder, store) = store().await;
    let create = intent(ResourceKind::User, "ann@example.com", None, &[]);
    let settle = |name: &str| {
        Record::Settle(Settled {
            intent: intent_key(ResourceKind::User, name),
            id: "u1".to_owned(),
        })
    };
    let withdraw = Record::Withdraw(intent_key(ResourceKind::Group, "a_b"));
    assert!(!store.has_open_creates("ACC1").unwrap());
    store.apply(&[create]).await.unwrap();
    assert!(store.has_open_creates("ACC1").unwrap());
    assert!(!store.has_open_creates("ACC2").unwrap());
    // While another process writes, nothing can be written.
    let other = rusqlite::Connection::open(folder.path().join("guard.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let applied = async |records: &[Record]| {
        let applied = store.apply(records);
        tokio::time::timeout(std::time::Duration::from_millis(500), applied)
            .await
            .is_ok()
    };
    assert!(applied(&[settle("bob@example.com"), withdraw.clone()]).await);
    assert!(applied(&[]).await);
    assert!(!applied(&[settle("bob@example.com"), settle("ann@example.com")]).await);
    other.execute_batch("ROLLBACK").unwrap();
    store
        .apply(&[settle("ann@example.com"), withdraw])
        .await
        .unwrap();
    assert!(!store.has_open_creates("ACC1").unwrap());
}

#[tokio::test]
async fn a_withdrawn_create_leaves_nothing() {
    let (_folder, store) = store().await;
    store
        .apply(&[
            user("u1", "ann", Some("okta")),
            intent(ResourceKind::Group, "a_b", Some("a_b"), &["u1"]),
        ])
        .await
        .unwrap();
    let ann = found_user(store.one(user_key("u1", Unseen::Absent)).await);
    assert!(ann.in_managed_group, "a member of a pending group counts");
    let withdraw = Record::Withdraw(intent_key(ResourceKind::Group, "a_b"));
    store.apply(&[withdraw]).await.unwrap();
    let ann = found_user(store.one(user_key("u1", Unseen::Absent)).await);
    assert!(!ann.in_managed_group);
    assert_eq!(
        store.one(group_key("a_b", Unseen::Pending)).await,
        Answer::Absent
    );
}

#[tokio::test]
async fn a_pending_group_is_found_by_the_id_that_it_will_have() {
    let (_folder, store) = store().await;
    store
        .apply(&[intent(ResourceKind::Group, "a_b", Some("a_b"), &["u1"])])
        .await
        .unwrap();
    let found = found_group(store.one(group_key("A_B", Unseen::Pending)).await);
    assert_eq!((found.id, found.write_pending), (None, true));
    assert_eq!(
        store.one(group_key("c", Unseen::Pending)).await,
        Answer::Absent
    );
    let Answer::Members(members) = store.one(Key::Members(members_key("a_b", &["u1"]))).await
    else {
        panic!("no members");
    };
    assert!(
        members[0].may_be_in(),
        "its members are those it is created with"
    );
    store
        .apply(&[intent(ResourceKind::Group, "named", None, &[])])
        .await
        .unwrap();
    assert_eq!(
        store.one(group_key("c", Unseen::Pending)).await,
        Answer::Unavailable
    );

    let settle = Record::Settle(Settled {
        intent: intent_key(ResourceKind::Group, "a_b"),
        id: "a_b".to_owned(),
    });
    store.apply(&[settle]).await.unwrap();
    let Answer::Difference(difference) = store
        .one(Key::MembersDifference(members_key("a_b", &["u1"])))
        .await
    else {
        panic!("no difference");
    };
    let unconfirmed = Member {
        reference: "u1".to_owned(),
        state: Some(Membership::Adding),
        user: None,
    };
    assert_eq!(difference.added, [unconfirmed]);
    assert!(difference.removed.is_empty() && difference.complete);
}

#[tokio::test]
async fn an_adopted_group_is_owned_and_its_members_are_not_known() {
    let (_folder, store) = store().await;
    let Record::Group(mut native) = group("g", "g", None) else {
        unreachable!()
    };
    native.members_known = false;
    let settle = Record::Settle(Settled {
        intent: intent_key(ResourceKind::Group, "g"),
        id: "g".to_owned(),
    });
    store
        .apply(&[
            Record::Group(native),
            intent(ResourceKind::Group, "g", Some("g"), &[]),
            settle,
        ])
        .await
        .unwrap();
    let found = found_group(store.one(group_key("g", Unseen::Absent)).await);
    assert_eq!(found.managed_by, None, "it says nothing of another one");
    let intent = intent_key(ResourceKind::Group, "g");
    let steps = settlement::settle_at_last(intent, Some("g".to_owned()));
    scimguard_knowledge::Store::apply(&store, steps)
        .await
        .unwrap();
    let found = found_group(store.one(group_key("g", Unseen::Absent)).await);
    assert_eq!(found.managed_by.as_deref(), Some("okta"));
    assert!(!found.members_known);
}

#[tokio::test]
async fn each_attempt_may_have_made_a_group() {
    let (_folder, store) = store().await;
    let attempt = |member: &str| intent(ResourceKind::Group, "g", Some("g"), &[member]);
    store.apply(&[attempt("u1"), attempt("u2")]).await.unwrap();
    // The provider repeatedly sees the group whose id derives from the name.
    let shown = Record::Settle(Settled {
        intent: intent_key(ResourceKind::Group, "g"),
        id: "g".to_owned(),
    });
    store.apply(&[shown.clone(), shown]).await.unwrap();
    let found = found_group(store.one(group_key("g", Unseen::Absent)).await);
    assert_eq!(found.managed_by.as_deref(), Some("okta"));
    let other = group_key("g_1", Unseen::Pending);
    assert_eq!(store.one(other.clone()).await, Answer::Unavailable);
    let Answer::Members(members) = store
        .one(Key::Members(members_key("g", &["u1", "u2"])))
        .await
    else {
        panic!("no members");
    };
    assert!(members.iter().all(is_uncertain), "{members:?}");
    store
        .apply(&[Record::Withdraw(intent_key(ResourceKind::Group, "g"))])
        .await
        .unwrap();
    assert_eq!(store.one(other).await, Answer::Absent);
}

#[tokio::test]
async fn members_of_a_group_that_may_be_another_one_are_not_certain() {
    let (_folder, store) = store().await;
    let Record::Group(native) = group("g", "g", None) else {
        unreachable!()
    };
    let leaving = Group {
        write_pending: true,
        deletion_pending: true,
        ..native.clone()
    };
    store
        .apply(&[Record::Group(leaving), member("g", "u1", true)])
        .await
        .unwrap();
    let steps = settlement::settle_deletion(native);
    scimguard_knowledge::Store::apply(&store, steps)
        .await
        .unwrap();
    let Answer::Members(members) = store.one(Key::Members(members_key("g", &["u1"]))).await else {
        panic!("no members");
    };
    assert!(is_uncertain(&members[0]), "{members:?}");
    let open = OpenMembers {
        account: ACCOUNT.to_owned(),
        group_id: "g".to_owned(),
    };
    let asked = store.open_members_of(&open, u64::MAX >> 1).await.unwrap();
    assert_eq!(asked, ["u1".to_owned()].into());
}

fn is_uncertain(member: &Member) -> bool {
    matches!(
        member.state,
        Some(Membership::Adding | Membership::Removing)
    )
}
