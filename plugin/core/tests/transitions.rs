//! Properties of every step of the record after any history. Uses few names, so that they collide.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use scimguard_core::facts::{
    Group, GroupRowKey, Membership, MembershipKey, MembershipRow, ResourceKind, RowId, Rows, User,
    UserRowKey,
};
use scimguard_core::record::settlement::Step;
use scimguard_core::record::transition::{Presence, Reads};
use scimguard_core::record::{
    FailedChange, Intent, IntentKey, MemberRecord, MembersRecord, Record, ResourceKey, Settled,
};

const ACCOUNT: &str = "ACC1";
const NOW: u64 = 7;

/// Returns the create that this step completes.
fn settled(step: &Step) -> Option<&IntentKey> {
    match step {
        Step::Record(Record::Settle(Settled { intent, .. }) | Record::Withdraw(intent))
        | Step::Conclude(intent, _) => Some(intent),
        _ => None,
    }
}

/// Whether the step adds or removes one attempt.
fn counts(step: &Step) -> bool {
    use Record::{Failed, Intent, Withdraw};
    matches!(step, Step::Record(Intent(_) | Withdraw(_) | Failed(_)))
}

/// Whether the step itself states who owns the resource, or that it is gone.
fn writes_resource(step: &Step) -> bool {
    use Record::{Group, RemoveGroup, RemoveUser, User};
    matches!(
        step,
        Step::Record(User(_) | Group(_) | RemoveUser(_) | RemoveGroup(_))
    )
}

/// Whether the step records that a user is no longer in a group.
fn takes_out(step: &Step) -> bool {
    match step {
        Step::Record(Record::Member(member)) => member.state.is_none(),
        Step::SettleMember(_, found) => *found == Presence::Out,
        _ => false,
    }
}

fn id() -> impl Strategy<Value = String> {
    select(&["a", "b"][..]).prop_map(str::to_owned)
}

fn provider() -> impl Strategy<Value = Option<String>> {
    option::of(Just("okta".to_owned()))
}

fn kind() -> impl Strategy<Value = ResourceKind> {
    select(&[ResourceKind::User, ResourceKind::Group][..])
}

fn presence() -> impl Strategy<Value = Presence> {
    select(&[Presence::In, Presence::Out][..])
}

prop_compose! {
    fn user()(id in id(), managed_by in provider(), active: bool, pending: bool, leaving: bool) -> User {
        let account = ACCOUNT.to_owned();
        User { account, id: Some(id), managed_by, active, write_pending: pending, deletion_pending: leaving, ..User::default() }
    }
}

prop_compose! {
    fn group()(id in id(), managed_by in provider(), pending: bool, leaving: bool) -> Group {
        let account = ACCOUNT.to_owned();
        Group { account, id: Some(id), managed_by, write_pending: pending, deletion_pending: leaving, ..Group::default() }
    }
}

prop_compose! {
    fn intent()(kind in kind(), key in id(), derived in option::of(id()), members in vec(id(), 0..3)) -> Intent {
        Intent {
            kind,
            account: ACCOUNT.to_owned(),
            user_name: (kind == ResourceKind::User).then(|| key.clone()),
            display_name: None,
            derived_id: derived,
            external_id: None,
            active: true,
            provider: "okta".to_owned(),
            at: 1,
            by: "tok1".to_owned(),
            key,
            members,
        }
    }
}

prop_compose! {
    fn intent_key()(kind in kind(), key in id()) -> IntentKey {
        IntentKey { kind, account: ACCOUNT.to_owned(), key }
    }
}

fn state() -> impl Strategy<Value = (Option<Membership>, Option<String>)> {
    let by = Some("tok1".to_owned());
    prop_oneof![
        Just((None, None)),
        Just((Some(Membership::Confirmed), None)),
        Just((Some(Membership::Unconfirmed), None)),
        Just((Some(Membership::Adding), by.clone())),
        Just((Some(Membership::Removing), None)),
        Just((Some(Membership::Removing), by.clone())),
        Just((Some(Membership::Confirmed), by.clone())),
        Just((None, by)),
    ]
}

prop_compose! {
    fn member()(group in id(), user in id(), (state, by) in state()) -> MemberRecord {
        MemberRecord {
            account: ACCOUNT.to_owned(),
            scope: String::new(),
            group,
            user,
            state,
            by,
        }
    }
}

fn resource() -> impl Strategy<Value = ResourceKey> {
    id().prop_map(|id| ResourceKey {
        account: ACCOUNT.to_owned(),
        scope: String::new(),
        id,
    })
}

fn group_row() -> impl Strategy<Value = GroupRowKey> {
    id().prop_map(|id| GroupRowKey::new(ACCOUNT, "", RowId::Known(id)))
}

fn membership() -> impl Strategy<Value = MembershipKey> {
    (group_row(), id()).prop_map(|(group, user)| MembershipKey::of(&group, &user))
}

fn record() -> impl Strategy<Value = Record> {
    let failed = |(member, at): (MemberRecord, u64)| FailedChange {
        account: member.account,
        scope: member.scope,
        group: member.group,
        user: member.user,
        present: member.state.is_some(),
        status: None,
        at,
        by: "tok1".to_owned(),
    };
    let members = |(group, users)| MembersRecord {
        account: ACCOUNT.to_owned(),
        scope: String::new(),
        group,
        users,
    };
    prop_oneof![
        3 => user().prop_map(Record::User),
        3 => group().prop_map(Record::Group),
        4 => intent().prop_map(Record::Intent),
        3 => (intent_key(), id()).prop_map(|(intent, id)| Record::Settle(Settled { intent, id })),
        1 => intent_key().prop_map(Record::Withdraw),
        5 => member().prop_map(Record::Member),
        1 => (id(), vec(id(), 0..3)).prop_map(members).prop_map(Record::Members),
        2 => (member(), 1..9_u64).prop_map(failed).prop_map(Record::Failed),
        1 => resource().prop_map(Record::RemoveUser),
        1 => resource().prop_map(Record::RemoveGroup),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => record().prop_map(Step::Record),
        1 => (intent_key(), option::of(id())).prop_map(|(intent, id)| Step::Conclude(intent, id)),
        1 => (kind(), id()).prop_map(|(kind, id)| Step::Reopen(kind, ACCOUNT.to_owned(), id)),
        1 => group_row().prop_map(Step::DoubtMembers),
        2 => (membership(), presence()).prop_map(|(key, found)| Step::SettleMember(key, found)),
        2 => (membership(), presence()).prop_map(|(key, wanted)| Step::DropRetry(key, wanted)),
    ]
}

/// Returns the rows that a store loads for these reads.
fn loaded(rows: &Rows, reads: &Reads) -> Rows {
    let mut some = rows.clone();
    some.users.retain(|key, _| match reads {
        Reads::Users(account, ids) => key.account == *account && ids.contains(&key.id),
        _ => false,
    });
    some.groups.retain(|key, _| match reads {
        Reads::Groups(account, ids) => {
            key.account == *account && key.scope.is_empty() && ids.contains(&key.id)
        }
        _ => false,
    });
    let is_read = |key: &MembershipKey| matches!(reads, Reads::Membership(read) if read == key);
    some.memberships.retain(|key, _| is_read(key));
    some.retries.retain(|key, _| is_read(key));
    some
}

fn has_intent(rows: &Rows, intent: &IntentKey) -> bool {
    let id = RowId::Intent(intent.key.clone());
    match intent.kind {
        ResourceKind::User => rows.users.contains_key(&UserRowKey::new(ACCOUNT, id)),
        ResourceKind::Group => rows.groups.contains_key(&GroupRowKey::new(ACCOUNT, "", id)),
    }
}

/// Returns the users and groups with a known id that a provider owns.
fn owned(rows: &Rows) -> Vec<(ResourceKind, &str)> {
    let users = rows.users.iter().filter_map(|(key, row)| {
        let owner = row.user.managed_by.as_ref();
        owner
            .and(key.id.as_known())
            .map(|id| (ResourceKind::User, id))
    });
    let groups = rows.groups.iter().filter_map(|(key, row)| {
        let owner = row.group.managed_by.as_ref();
        owner
            .and(key.id.as_known())
            .map(|id| (ResourceKind::Group, id))
    });
    users.chain(groups).collect()
}

/// Later writes by id override an intent.
fn settles_a_user(intent: &IntentKey, id: &str, before: &Rows, after: &Rows) {
    let key = UserRowKey::new(ACCOUNT, RowId::known(id));
    let created = &before.users[&UserRowKey::new(ACCOUNT, RowId::Intent(intent.key.clone()))];
    let (known, settled) = (before.users.get(&key), &after.users[&key]);
    match known.filter(|row| row.user.managed_by.is_some()) {
        Some(written) if !written.user.write_pending => assert_eq!(settled, written),
        Some(written) => {
            assert!(settled.user.write_pending);
            // Uncertain since the later of the two writes.
            assert_eq!(settled.opened, written.opened.max(created.opened));
            assert_eq!(
                settled.user.active,
                created.user.active && written.user.active
            );
        }
        None => {
            let id = Some(id.to_owned());
            assert_eq!(
                settled.user,
                User {
                    id,
                    ..created.user.clone()
                }
            );
            assert_eq!(settled.opened, created.opened);
        }
    }
}

/// A group that existed before is not the created one, unless it is native and may have been
/// deleted.
fn settles_a_group(intent: &IntentKey, id: &str, before: &Rows, after: &Rows) {
    let key = GroupRowKey::new(ACCOUNT, "", RowId::known(id));
    let pending = GroupRowKey::new(ACCOUNT, "", RowId::Intent(intent.key.clone()));
    let created = &before.groups[&pending];
    match before.groups.get(&key) {
        Some(known) if known.group.managed_by.is_some() || !known.group.deletion_pending => {
            assert_eq!(after, before);
        }
        known => {
            assert_eq!(
                after.groups[&key].group.managed_by,
                created.group.managed_by
            );
            let is_over = known.is_none() && created.repeated == 0;
            assert_ne!(after.groups.contains_key(&pending), is_over);
            let is_open = |row: &MembershipRow| {
                matches!(row.membership, Membership::Adding | Membership::Removing)
            };
            assert!(after.members(&key).all(|(_, row)| is_open(row)));
            let users = |rows: &Rows, key| {
                let members = rows.members(key).map(|(key, _)| key.user.clone());
                members.collect::<BTreeSet<String>>()
            };
            assert!(users(before, &pending).is_subset(&users(after, &key)));
        }
    }
}

/// Settles only what is open; a change that was not made must be repeated.
fn settles_a_member(key: &MembershipKey, found: Presence, before: &Rows, after: &Rows) {
    let (row, now) = (before.memberships.get(key), after.memberships.get(key));
    let Some(row) = row.filter(|row| row.membership != Membership::Confirmed) else {
        return assert_eq!(now, row);
    };
    assert_eq!(now.is_some(), found == Presence::In);
    assert!(now.is_none_or(|now| *now == MembershipRow::CONFIRMED));
    let was_not_done = matches!(
        (row.membership, found),
        (Membership::Adding, Presence::Out) | (Membership::Removing, Presence::In)
    );
    let wanted = (was_not_done && row.token.is_some()).then_some(found == Presence::Out);
    let retry = after.retries.get(key).map(|retry| retry.present);
    assert!(retry != Some(found == Presence::In));
    assert!(wanted.is_none() || retry == wanted);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_step_keeps_what_it_has_to(steps in vec(step(), 1..12)) {
        let mut before = Rows::default();
        for step in &steps {
            let transition = step.transition();
            let changes = transition.changes(&before, NOW);
            let read = loaded(&before, &transition.reads());
            prop_assert_eq!(&transition.changes(&read, NOW), &changes, "{:?} reads too little", step);
            if settled(step).is_some_and(|intent| !has_intent(&before, intent)) {
                prop_assert_eq!(&changes, &[], "{:?} without its intent", step);
            }

            let mut after = before.clone();
            after.apply(&transition, NOW);
            if let Step::Record(Record::Member(member)) = step
                && !member.is_pending()
            {
                let group = GroupRowKey::new(ACCOUNT, "", RowId::known(&member.group));
                let key = MembershipKey::of(&group, &member.user);
                prop_assert!(!after.retries.contains_key(&key), "{:?} has an outcome", step);
            }
            if !counts(step) {
                let mut again = after.clone();
                again.apply(&transition, NOW);
                prop_assert_eq!(&again, &after, "{:?} twice", step);
            }
            match step {
                Step::Record(Record::Settle(Settled { intent, id })) if has_intent(&before, intent) => {
                    match intent.kind {
                        ResourceKind::User => settles_a_user(intent, id, &before, &after),
                        ResourceKind::Group => settles_a_group(intent, id, &before, &after),
                    }
                }
                Step::SettleMember(key, found) => settles_a_member(key, *found, &before, &after),
                _ => {}
            }
            if !writes_resource(step) {
                let still = owned(&after);
                let lost = owned(&before).into_iter().find(|owned| !still.contains(owned));
                prop_assert_eq!(lost, None, "after {:?}", step);
                let left = before.memberships.keys().find(|key| {
                    key.group.as_known().is_some() && !after.memberships.contains_key(key)
                });
                prop_assert!(left.is_none() || takes_out(step), "{:?} after {:?}", left, step);
            }
            before = after;
        }
    }
}
