//! Creates with an unknown outcome: rows without an id, until each attempt has its outcome.
//! Providers create groups in the account itself, in no scope.

use super::{Reads, RowChange, Selection, members};
use crate::facts::{
    Group, GroupRow, GroupRowKey, Origin, ResourceKind, RowId, Rows, User, UserRow, UserRowKey,
};
use crate::fold::fold;
use crate::record::{Intent, IntentKey};

pub(super) fn reads_of_intent(intent: &Intent) -> Reads {
    match intent.kind {
        ResourceKind::User => Reads::Nothing,
        ResourceKind::Group => {
            let derived = intent.derived_id.as_deref().map(RowId::known);
            let earlier = RowId::Intent(intent.key.clone());
            let ids = derived.into_iter().chain([earlier]);
            Reads::Groups(intent.account.clone(), ids.collect())
        }
    }
}

/// Reads the intent, and the resource of this id.
pub(super) fn reads(intent: &IntentKey, id: Option<&str>) -> Reads {
    let ids = [RowId::Intent(intent.key.clone())].into_iter();
    let ids = ids.chain(id.map(RowId::known)).collect();
    match intent.kind {
        ResourceKind::User => Reads::Users(intent.account.clone(), ids),
        ResourceKind::Group => Reads::Groups(intent.account.clone(), ids),
    }
}

pub(super) fn intend<'a>(intent: &'a Intent, rows: &Rows, now: u64) -> Vec<RowChange<'a>> {
    match intent.kind {
        ResourceKind::User => vec![intend_user(intent, now)],
        ResourceKind::Group => intend_group(intent, rows, now),
    }
}

fn intend_user(intent: &Intent, now: u64) -> RowChange<'static> {
    let key = UserRowKey::new(&intent.account, RowId::Intent(intent.key.clone()));
    let user = User {
        account: intent.account.clone(),
        id: None,
        user_name: intent.user_name.as_ref().unwrap_or(&intent.key).clone(),
        display_name: intent.display_name.clone(),
        external_id: intent.external_id.clone(),
        active: intent.active,
        managed_by: Some(intent.provider.clone()),
        write_pending: true,
        deletion_pending: false,
        since: Some(intent.at),
        origin: Some(Origin::Created(Some(intent.by.clone()))),
        in_managed_group: false,
    };
    let opened = Some(now);
    RowChange::PutUser(key, UserRow { user, opened })
}

fn intend_group<'a>(intent: &'a Intent, rows: &Rows, now: u64) -> Vec<RowChange<'a>> {
    let key = GroupRowKey::new(&intent.account, "", RowId::Intent(intent.key.clone()));
    let earlier = rows.groups.get(&key);
    let is_taken = intent.derived_id.as_ref().is_some_and(|derived| {
        let derived = GroupRowKey::new(&intent.account, "", RowId::known(derived));
        rows.groups.contains_key(&derived)
    });
    let group = Group {
        account: intent.account.clone(),
        scope: String::new(),
        id: None,
        display_name: intent.display_name.clone(),
        derived_id: intent.derived_id.clone(),
        external_id: intent.external_id.clone(),
        managed_by: Some(intent.provider.clone()),
        write_pending: true,
        deletion_pending: false,
        since: Some(intent.at),
        origin: Some(Origin::Created(Some(intent.by.clone()))),
        members_known: true,
    };
    let row = GroupRow {
        group,
        taken: is_taken || earlier.is_some(),
        repeated: earlier.map_or(0, |earlier| earlier.repeated.saturating_add(1)),
        opened: Some(now),
    };
    let mut changes = vec![RowChange::PutGroup(key.clone(), row)];
    if !intent.members.is_empty() {
        // Members of an earlier attempt stay: the backend may have acted on it.
        changes.push(RowChange::PutMembers {
            group: key,
            users: &intent.members,
            row: members::adding(now),
            replaced: &[],
        });
    }
    changes
}

pub(super) fn settle(
    intent: &IntentKey,
    id: &str,
    rows: &Rows,
    now: u64,
) -> Vec<RowChange<'static>> {
    match intent.kind {
        ResourceKind::User => settle_user(intent, id, rows),
        ResourceKind::Group => settle_group(intent, id, rows, now),
    }
}

/// The backend has answered a create: its intent is what the answer says.
pub(super) fn answered(user: &User) -> RowChange<'static> {
    let key = UserRowKey::new(&user.account, RowId::Intent(fold(&user.user_name)));
    let user = User {
        in_managed_group: false,
        ..user.clone()
    };
    RowChange::PutUser(key, UserRow { user, opened: None })
}

/// Records the created user under this id. The intent replaces an existing record, unless the
/// provider has written to that user by id since. What is uncertain in either stays uncertain. A
/// native user never replaces one of a provider.
fn settle_user(intent: &IntentKey, id: &str, rows: &Rows) -> Vec<RowChange<'static>> {
    let key = UserRowKey::new(&intent.account, RowId::known(id));
    let pending = UserRowKey::new(&intent.account, RowId::Intent(intent.key.clone()));
    let Some(created) = rows.users.get(&pending) else {
        return Vec::new();
    };
    let written = rows.users.get(&key);
    let written = written.filter(|written| written.user.managed_by.is_some());
    let mut changes = vec![RowChange::DeleteUser(pending)];
    let is_native = created.user.managed_by.is_none();
    if written.is_none_or(|written| written.user.write_pending && !is_native) {
        let known = &written.unwrap_or(created).user;
        let row = UserRow {
            user: User {
                id: Some(id.to_owned()),
                write_pending: written.is_some() || created.user.write_pending,
                active: created.user.active && known.active,
                since: known.since,
                origin: known.origin.clone(),
                ..created.user.clone()
            },
            opened: written
                .and_then(|written| written.opened)
                .max(created.opened),
        };
        changes.push(RowChange::PutUser(key, row));
    }
    changes
}

/// A group that was already known does not settle the create, unless it is a native one that may
/// have been deleted: it may be a new group, and counts as owned while the create is open.
fn settle_group(intent: &IntentKey, id: &str, rows: &Rows, now: u64) -> Vec<RowChange<'static>> {
    let known = GroupRowKey::new(&intent.account, "", RowId::known(id));
    match rows.groups.get(&known) {
        None => {
            let mut changes = make_group(intent, id, rows, now);
            changes.extend(withdraw(intent, rows));
            changes
        }
        Some(known) if known.group.deletion_pending && known.group.managed_by.is_none() => {
            make_group(intent, id, rows, now)
        }
        Some(_) => Vec::new(),
    }
}

/// The group that a create made. The members that it was created with may be in, and members of an
/// earlier group of this id may be out.
fn make_group(intent: &IntentKey, id: &str, rows: &Rows, now: u64) -> Vec<RowChange<'static>> {
    let pending = GroupRowKey::new(&intent.account, "", RowId::Intent(intent.key.clone()));
    let Some(created) = rows.groups.get(&pending) else {
        return Vec::new();
    };
    let key = GroupRowKey::new(&intent.account, "", RowId::known(id));
    let known = rows.groups.get(&key);
    let is_open = |known: &GroupRow| known.group.managed_by.is_some() && known.group.write_pending;
    let row = GroupRow {
        group: Group {
            id: Some(id.to_owned()),
            // Its name may have changed since, and nobody has seen it.
            write_pending: known.is_some_and(is_open) || created.group.write_pending,
            // The members of an existing group are known only if they were known before.
            members_known: known.unwrap_or(created).group.members_known,
            ..created.group.clone()
        },
        opened: known.and_then(|known| known.opened).max(created.opened),
        ..GroupRow::default()
    };
    vec![
        RowChange::PutGroup(key.clone(), row),
        members::doubt(key.clone(), now),
        RowChange::CopyMembers {
            from: pending,
            to: key,
        },
    ]
}

/// Ends one attempt. User names are unique, but each other attempt to create a group may have made
/// one, or may still make it.
pub(super) fn withdraw(intent: &IntentKey, rows: &Rows) -> Vec<RowChange<'static>> {
    let key = GroupRowKey::new(&intent.account, "", RowId::Intent(intent.key.clone()));
    let row = match intent.kind {
        ResourceKind::User => None,
        ResourceKind::Group => rows.groups.get(&key),
    };
    match row {
        Some(row) if row.repeated > 0 => {
            let row = GroupRow {
                repeated: row.repeated - 1,
                ..row.clone()
            };
            vec![RowChange::PutGroup(key, row)]
        }
        _ => remove(intent, rows),
    }
}

/// Ends all attempts.
pub(super) fn conclude(
    intent: &IntentKey,
    id: Option<&str>,
    rows: &Rows,
    now: u64,
) -> Vec<RowChange<'static>> {
    let mut changes = match (intent.kind, id) {
        (ResourceKind::User, Some(id)) => return settle_user(intent, id, rows),
        (ResourceKind::Group, Some(id)) => make_group(intent, id, rows, now),
        (_, None) => Vec::new(),
    };
    changes.extend(remove(intent, rows));
    changes
}

/// A create leaves no retries, since it is repeated as a whole. A user without an id has no
/// memberships.
fn remove(intent: &IntentKey, rows: &Rows) -> Vec<RowChange<'static>> {
    let id = RowId::Intent(intent.key.clone());
    match intent.kind {
        ResourceKind::User => {
            let key = UserRowKey::new(&intent.account, id);
            let is_there = rows.users.contains_key(&key);
            Vec::from_iter(is_there.then_some(RowChange::DeleteUser(key)))
        }
        ResourceKind::Group => {
            let key = GroupRowKey::new(&intent.account, "", id);
            if !rows.groups.contains_key(&key) {
                return Vec::new();
            }
            vec![
                RowChange::DeleteMemberships(Selection::Group(key.clone())),
                RowChange::DeleteGroup(key),
            ]
        }
    }
}
