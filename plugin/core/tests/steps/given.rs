//! Rows and steps with what most of them have in common.

use super::*;

pub(super) fn id(id: &str) -> RowId {
    RowId::known(id)
}

pub(super) fn open(key: &str) -> RowId {
    RowId::Intent(key.to_owned())
}

/// Ann's row: she is the provider's.
pub(super) fn ann(key: RowId, change: impl FnOnce(&mut UserRow)) -> Row {
    let mut row = UserRow {
        user: User {
            account: ACCOUNT.to_owned(),
            id: key.as_known().map(str::to_owned),
            user_name: "Ann".to_owned(),
            active: true,
            managed_by: Some("okta".to_owned()),
            since: Some(1),
            origin: Some(Origin::Created(Some("tok1".to_owned()))),
            ..User::default()
        },
        opened: None,
    };
    change(&mut row);
    Row::User(UserRowKey::new(ACCOUNT, key), row)
}

/// Another user of the same id, from before.
pub(super) fn other(change: impl FnOnce(&mut UserRow)) -> Row {
    ann(id("u1"), |row| {
        row.user.user_name = "Bob".to_owned();
        change(row);
    })
}

/// A group of the provider's.
pub(super) fn team(key: RowId, change: impl FnOnce(&mut GroupRow)) -> Row {
    scoped("", key, change)
}

pub(super) fn scoped(scope: &str, key: RowId, change: impl FnOnce(&mut GroupRow)) -> Row {
    let mut row = GroupRow {
        group: Group {
            account: ACCOUNT.to_owned(),
            scope: scope.to_owned(),
            id: key.as_known().map(str::to_owned),
            display_name: Some("Team".to_owned()),
            derived_id: Some("g1".to_owned()),
            managed_by: Some("okta".to_owned()),
            since: Some(1),
            origin: Some(Origin::Created(Some("tok1".to_owned()))),
            members_known: true,
            ..Group::default()
        },
        ..GroupRow::default()
    };
    change(&mut row);
    Row::Group(GroupRowKey::new(ACCOUNT, scope, key), row)
}

/// Another group of the same id, from before.
pub(super) fn others(change: impl FnOnce(&mut GroupRow)) -> Row {
    team(id("g1"), |row| {
        row.group.display_name = Some("Others".to_owned());
        change(row);
    })
}

pub(super) fn as_it_is<R>(_: &mut R) {}

pub(super) fn open_user(row: &mut UserRow) {
    row.user.write_pending = true;
    row.opened = Some(3);
}

pub(super) fn open_group(row: &mut GroupRow) {
    row.group.write_pending = true;
    row.opened = Some(3);
}

pub(super) fn key(group: &str, user: &str) -> MembershipKey {
    MembershipKey::of(&GroupRowKey::new(ACCOUNT, "", id(group)), user)
}

pub(super) fn member(
    key: MembershipKey,
    membership: Membership,
    token: Option<&str>,
    opened: u64,
) -> Row {
    let row = MembershipRow {
        membership,
        token: token.map(str::to_owned),
        opened: Some(opened),
    };
    Row::Member(key, row)
}

pub(super) fn confirmed(key: MembershipKey) -> Row {
    Row::Member(key, MembershipRow::CONFIRMED)
}

pub(super) fn retry(key: MembershipKey, change: impl FnOnce(&mut RetryRow)) -> Row {
    let mut row = RetryRow {
        present: true,
        status: None,
        first_seen: 2,
        last_tried: 2,
        attempts: 1,
        token: "tok1".to_owned(),
        asked: None,
    };
    change(&mut row);
    Row::Retry(key, row)
}

pub(super) fn to_remove(key: MembershipKey) -> Row {
    retry(key, |row| row.present = false)
}

pub(super) fn to_add(key: MembershipKey) -> Row {
    retry(key, as_it_is)
}

pub(super) fn intent_key(kind: Kind) -> IntentKey {
    IntentKey {
        kind,
        account: ACCOUNT.to_owned(),
        key: match kind {
            Kind::User => "ann".to_owned(),
            Kind::Group => "team".to_owned(),
        },
    }
}

pub(super) fn intent(kind: Kind, change: impl FnOnce(&mut Intent)) -> Step {
    let IntentKey { account, key, .. } = intent_key(kind);
    let mut intent = Intent {
        kind,
        account,
        key,
        user_name: None,
        display_name: None,
        derived_id: None,
        external_id: None,
        active: true,
        provider: "okta".to_owned(),
        at: 1,
        by: "tok1".to_owned(),
        members: Vec::new(),
    };
    change(&mut intent);
    Step::Record(Record::Intent(intent))
}

pub(super) fn settle(kind: Kind, id: &str) -> Step {
    let (intent, id) = (intent_key(kind), id.to_owned());
    Step::Record(Record::Settle(Settled { intent, id }))
}

pub(super) fn withdraw(kind: Kind) -> Step {
    Step::Record(Record::Withdraw(intent_key(kind)))
}

pub(super) fn conclude(kind: Kind, id: Option<&str>) -> Step {
    Step::Conclude(intent_key(kind), id.map(str::to_owned))
}

pub(super) fn reopen(kind: Kind, id: &str) -> Step {
    Step::Reopen(kind, ACCOUNT.to_owned(), id.to_owned())
}

pub(super) fn put(row: Row) -> Step {
    Step::Record(match row {
        Row::User(_, row) => Record::User(row.user),
        Row::Group(_, row) => Record::Group(row.group),
        Row::Member(..) | Row::Retry(..) => panic!("a user or a group"),
    })
}

pub(super) fn set(state: Option<Membership>, by: Option<&str>) -> Step {
    Step::Record(Record::Member(MemberRecord {
        account: ACCOUNT.to_owned(),
        scope: String::new(),
        group: "g1".to_owned(),
        user: "u1".to_owned(),
        state,
        by: by.map(str::to_owned),
    }))
}

pub(super) fn fail(present: bool) -> Step {
    Step::Record(Record::Failed(FailedChange {
        account: ACCOUNT.to_owned(),
        scope: String::new(),
        group: "g1".to_owned(),
        user: "u1".to_owned(),
        present,
        status: Some(500),
        at: 5,
        by: "tok2".to_owned(),
    }))
}

pub(super) fn resource(scope: &str, id: &str) -> ResourceKey {
    ResourceKey {
        account: ACCOUNT.to_owned(),
        scope: scope.to_owned(),
        id: id.to_owned(),
    }
}

/// The membership of Ann in the group of the step.
pub(super) fn hers() -> MembershipKey {
    key("g1", "u1")
}

/// A membership in a create of the group.
pub(super) fn in_open(user: &str) -> MembershipKey {
    MembershipKey::of(&GroupRowKey::new(ACCOUNT, "", open("team")), user)
}

pub(super) fn elsewhere(scope: &str, group: &str, user: &str) -> MembershipKey {
    MembershipKey::of(&GroupRowKey::new(ACCOUNT, scope, id(group)), user)
}
