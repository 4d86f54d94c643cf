//! Compares the store with the record in memory that `scimguard check` and `test` use: after the
//! same steps, the rows and the answers to the same keys must be equal. There are few names, so
//! that they collide.

use proptest::prelude::*;
use proptest::sample::select;
use rusqlite::Connection;
use scimguard_core::facts::{
    Answer, DerivedIdKey, ExternalIdKey, Group, GroupKey, GroupRowKey, Key, MembersKey, Membership,
    MembershipKey, Origin, ResourceKind, RowId, Rows, Table, Unseen, User, UserGroupsKey, UserKey,
};
use scimguard_core::record::settlement::Step;
use scimguard_core::record::transition::{Presence, Transition};
use scimguard_core::record::{
    FailedChange, Intent, IntentKey, MemberRecord, MembersRecord, Record, ResourceKey, Settled,
};

use crate::Store;
use crate::direct;

const ACCOUNTS: &[&str] = &["A", "B"];
const SCOPES: &[&str] = &["", "org"];
/// `ann` is an id, and the name of another user.
const USERS: &[&str] = &["u1", "U1", "u2", "ann", "s1"];
const NAMES: &[&str] = &["Ann", "ann", "u2", "bob", "straße", "STRASSE"];
const GROUPS: &[&str] = &["g1", "G1", "a_b", "x"];
const GROUP_NAMES: &[&str] = &["a.b", "a b", "x", "c"];
/// Ids that only settled creates have.
const SETTLED_GROUPS: &[&str] = &["s1", "s2"];
const EXTERNAL_IDS: &[&str] = &["e1", "e2", "u1", "g1"];
/// Keys of intents: for users a name, for groups a name that no user has.
const USER_INTENTS: &[&str] = &["ann", "bob"];
const REPLACED: &str = ".- ";

fn text(from: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(from).prop_map(str::to_owned)
}

fn derived(name: &str) -> String {
    name.replace(|c| REPLACED.contains(c), "_")
}

fn provider() -> impl Strategy<Value = Option<String>> {
    select(&[None, Some("okta")][..]).prop_map(|it| it.map(str::to_owned))
}

fn origin() -> impl Strategy<Value = Option<Origin>> {
    let by = prop::option::of(Just("tok1".to_owned()));
    let origins = [
        Origin::Created,
        Origin::Adopted,
        Origin::Imported,
        Origin::Corrected,
    ];
    prop::option::of((select(origins.to_vec()), by).prop_map(|(origin, by)| origin(by)))
}

fn unseen() -> impl Strategy<Value = Unseen> {
    select(&[Unseen::Absent, Unseen::Pending, Unseen::Backend][..])
}

prop_compose! {
    fn user()(
        account in text(ACCOUNTS), id in text(USERS), user_name in text(NAMES),
        external_id in prop::option::of(text(EXTERNAL_IDS)), managed_by in provider(),
        active: bool, pending: bool, leaving: bool, origin in origin(),
    ) -> Record {
        Record::User(User {
            account, id: Some(id), user_name, display_name: None, external_id, active, managed_by,
            write_pending: pending, deletion_pending: leaving, since: Some(1), origin, in_managed_group: false,
        })
    }
}

prop_compose! {
    fn group()(
        account in text(ACCOUNTS), scope in text(SCOPES), id in text(GROUPS),
        name in prop::option::of(text(GROUP_NAMES)), derives: bool,
        external_id in prop::option::of(text(EXTERNAL_IDS)), managed_by in provider(),
        members_known: bool, pending: bool, leaving: bool, origin in origin(),
    ) -> Record {
        let derived_id = name.as_deref().filter(|_| derives).map(derived);
        Record::Group(Group {
            account, scope, id: Some(id), display_name: name, derived_id, external_id, managed_by,
            write_pending: pending, deletion_pending: leaving, since: None, origin, members_known,
        })
    }
}

prop_compose! {
    fn intent()(
        account in text(ACCOUNTS), is_user: bool, user in text(USER_INTENTS),
        name in text(GROUP_NAMES), derives: bool,
        external_id in prop::option::of(text(EXTERNAL_IDS)),
        members in prop::collection::vec(text(USERS), 0..3),
    ) -> Record {
        let kind = if is_user { ResourceKind::User } else { ResourceKind::Group };
        Record::Intent(Intent {
            kind, account,
            key: if is_user { user.clone() } else { format!("group {name}") },
            user_name: is_user.then(|| user.clone()),
            display_name: (!is_user).then(|| name.clone()),
            derived_id: (!is_user && derives).then(|| derived(&name)),
            external_id, active: true, provider: "okta".to_owned(), at: 3,
            by: "tok1".to_owned(),
            members: if is_user { Vec::new() } else { members },
        })
    }
}

prop_compose! {
    fn intent_key()(
        account in text(ACCOUNTS), is_user: bool, user in text(USER_INTENTS),
        name in text(GROUP_NAMES),
    ) -> IntentKey {
        IntentKey {
            kind: if is_user { ResourceKind::User } else { ResourceKind::Group },
            account,
            key: if is_user { user } else { format!("group {name}") },
        }
    }
}

prop_compose! {
    fn settle()(intent in intent_key(), user in text(USERS), group in text(SETTLED_GROUPS)) -> Record {
        let id = if intent.kind == ResourceKind::User { user } else { group };
        Record::Settle(Settled { intent, id })
    }
}

fn any_group() -> impl Strategy<Value = String> {
    prop_oneof![text(GROUPS), text(SETTLED_GROUPS)]
}

fn state() -> impl Strategy<Value = (Option<Membership>, Option<String>)> {
    let token = || Some("tok1".to_owned());
    prop_oneof![
        1 => Just((None, None)),
        3 => Just((Some(Membership::Confirmed), None)),
        2 => Just((Some(Membership::Unconfirmed), None)),
        2 => Just((Some(Membership::Adding), token())),
        1 => Just((Some(Membership::Removing), None)),
        1 => Just((Some(Membership::Removing), token())),
    ]
}

prop_compose! {
    fn member()(
        account in text(ACCOUNTS), scope in text(SCOPES), group in any_group(),
        user in text(USERS), (state, by) in state(),
    ) -> Record {
        Record::Member(MemberRecord { account, scope, group, user, state, by })
    }
}

prop_compose! {
    fn failed()(
        account in text(ACCOUNTS), scope in text(SCOPES), group in any_group(),
        user in text(USERS), present: bool, status in select(&[None, Some(503)][..]), at in 1..9_u64,
    ) -> Record {
        let by = "tok2".to_owned();
        Record::Failed(FailedChange { account, scope, group, user, present, status, at, by })
    }
}

prop_compose! {
    fn members_record()(
        account in text(ACCOUNTS), scope in text(SCOPES), group in any_group(),
        users in prop::collection::vec(text(USERS), 0..4),
    ) -> Record {
        Record::Members(MembersRecord { account, scope, group, users })
    }
}

prop_compose! {
    fn resource()(account in text(ACCOUNTS), scope in text(SCOPES), id in any_group()) -> ResourceKey {
        ResourceKey { account, scope, id }
    }
}

fn record() -> impl Strategy<Value = Record> {
    prop_oneof![
        3 => user(),
        3 => group(),
        3 => intent(),
        2 => settle(),
        1 => intent_key().prop_map(Record::Withdraw),
        5 => member(),
        2 => members_record(),
        1 => failed(),
        1 => (text(ACCOUNTS), text(USERS)).prop_map(|(account, id)| {
            Record::RemoveUser(ResourceKey { account, scope: String::new(), id })
        }),
        1 => resource().prop_map(Record::RemoveGroup),
    ]
}

prop_compose! {
    fn conclude()(
        intent in intent_key(), user in text(USERS), group in any_group(), made: bool,
    ) -> Step {
        let id = if intent.kind == ResourceKind::User { user } else { group };
        Step::Conclude(intent, made.then_some(id))
    }
}

fn reopen() -> impl Strategy<Value = Step> {
    prop_oneof![
        (text(ACCOUNTS), text(USERS)).prop_map(|(account, id)| Step::Reopen(
            ResourceKind::User,
            account,
            id
        )),
        (text(ACCOUNTS), any_group()).prop_map(|(account, id)| Step::Reopen(
            ResourceKind::Group,
            account,
            id
        )),
    ]
}

prop_compose! {
    fn group_row()(key in resource()) -> GroupRowKey {
        GroupRowKey::new(&key.account, &key.scope, RowId::Known(key.id))
    }
}

prop_compose! {
    fn membership()(group in group_row(), user in text(USERS)) -> MembershipKey {
        MembershipKey::of(&group, &user)
    }
}

fn step() -> impl Strategy<Value = Step> {
    let presence = || select(&[Presence::In, Presence::Out][..]);
    prop_oneof![
        conclude(),
        reopen(),
        group_row().prop_map(Step::DoubtMembers),
        (membership(), presence()).prop_map(|(key, found)| Step::SettleMember(key, found)),
        (membership(), presence()).prop_map(|(key, wanted)| Step::DropRetry(key, wanted)),
    ]
}

prop_compose! {
    /// The ids of groups that are looked up by their exact id.
    fn members_key()(
        account in text(ACCOUNTS), scope in text(SCOPES),
        group in prop_oneof![text(SETTLED_GROUPS), Just("nobody's".to_owned())],
        users in prop::collection::vec(prop_oneof![text(USERS), text(NAMES)], 0..5), names: bool,
    ) -> MembersKey {
        MembersKey { account, scope, group, users, names }
    }
}

fn key() -> impl Strategy<Value = Key> {
    let user_key = || {
        (
            text(ACCOUNTS),
            prop_oneof![text(USERS), text(NAMES)],
            unseen(),
        )
            .prop_map(|(account, value, unseen)| UserKey {
                account,
                value,
                unseen,
            })
    };
    prop_oneof![
        user_key().prop_map(Key::User),
        user_key().prop_map(Key::UserByName),
        user_key().prop_map(Key::UserAlike),
        (resource(), unseen()).prop_map(|(ResourceKey { account, scope, id }, unseen)| {
            Key::Group(GroupKey {
                account,
                scope,
                id,
                unseen,
            })
        }),
        (
            text(ACCOUNTS),
            text(SCOPES),
            prop_oneof![text(GROUPS), text(GROUP_NAMES)]
        )
            .prop_map(|(account, scope, id)| Key::GroupByDerivedId(DerivedIdKey {
                account,
                scope,
                id,
                replace: REPLACED.to_owned(),
                with: "_".to_owned(),
            })),
        (text(ACCOUNTS), text(EXTERNAL_IDS))
            .prop_map(|(account, value)| Key::ExternalId(ExternalIdKey { account, value })),
        members_key().prop_map(Key::Members),
        members_key().prop_map(Key::MembersDifference),
        (text(ACCOUNTS), prop_oneof![text(USERS), text(NAMES)])
            .prop_map(|(account, user)| Key::UserGroups(UserGroupsKey { account, user })),
    ]
}

/// The table's answer, with one exception. The table is complete, so it knows the members of a
/// group that it has never seen; the store does not.
fn expected(table: &Table, key: &Key) -> Answer {
    let mut answer = table.answer(key);
    if let (Key::MembersDifference(key), Answer::Difference(difference)) = (key, &mut answer) {
        let group = Key::Group(GroupKey {
            account: key.account.clone(),
            scope: key.scope.clone(),
            id: key.group.clone(),
            unseen: Unseen::Absent,
        });
        difference.complete &= table.answer(&group) != Answer::Absent;
    }
    answer
}

/// The time at which the record in memory takes its steps. The store takes them later.
const NOW: u64 = 1_600_000_000_000;

/// All rows of the store. The time at which a row was opened now is normalised to that in memory.
fn stored(connection: &Connection) -> rusqlite::Result<Rows> {
    let mut all = direct::all(connection)?;
    for row in all.users.values_mut() {
        row.opened = row.opened.map(as_in_memory);
    }
    for row in all.groups.values_mut() {
        row.opened = row.opened.map(as_in_memory);
    }
    for row in all.memberships.values_mut() {
        row.opened = row.opened.map(as_in_memory);
    }
    for row in all.retries.values_mut() {
        row.first_seen = as_in_memory(row.first_seen);
        row.last_tried = as_in_memory(row.last_tried);
    }
    Ok(all)
}

fn as_in_memory(time: u64) -> u64 {
    time.min(NOW)
}

/// A fixed number of cases, unless the environment asks for more.
fn config() -> ProptestConfig {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(64),
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_store_does_and_answers_as_the_table_does(
        steps in prop::collection::vec(
            (prop::collection::vec(record(), 1..6), prop::collection::vec(step(), 0..3)),
            1..6,
        ),
        keys in prop::collection::vec(key(), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(&folder.path().join("guard.db")).await.unwrap();
            let mut rows = Rows::default();
            for (records, others) in &steps {
                store.apply(records).await.unwrap();
                scimguard_knowledge::Store::apply(&store, others.clone()).await.unwrap();
                let others = others.iter().map(Step::transition);
                for step in records.iter().map(Transition::Record).chain(others) {
                    rows.apply(&step, NOW);
                }
                assert_eq!(store.database.read(stored).unwrap(), rows, "after {steps:?}");
                let table = Table::from(rows.clone());
                let expected: Vec<Answer> = keys.iter().map(|key| expected(&table, key)).collect();
                let answers = store.answer(&keys).await.unwrap();
                for ((key, answer), expected) in keys.iter().zip(answers).zip(expected) {
                    assert_eq!(answer, expected, "{key:?} after {steps:?}");
                }
            }
            store.close().await;
        });
    }
}
