//! The records that an answer settles.

use std::collections::BTreeSet;

use super::answer::{invalid_answer, member};
use crate::continuation::{Expected, ScimContinuation};
use crate::facts::{Group, GroupKey, Key, Membership, ResourceKind, Unseen, User, UserKey};
use crate::fold::fold;
use crate::json::Json;
use crate::known::{Facts, Stop};
use crate::normalise::members::referenced;
use crate::plan::{Effect, Effects, group_intent_key};
use crate::policy::{Account, Adoption};
use crate::record::{
    FailedChange, IntentKey, MemberRecord, MembersRecord, Record, ResourceKey, Settled,
};

/// The records of a success whose answer adds nothing.
pub(crate) fn as_planned(outcome: Effects) -> Vec<Record> {
    let mut records = Vec::new();
    for done in outcome.done {
        match done {
            Effect::Record(record) => records.push(record),
            Effect::User {
                user,
                earlier,
                former,
            } => {
                let is_named = user.id.is_some();
                records.extend(user_records(user, earlier.as_deref(), &former, is_named));
            }
            Effect::Group {
                group,
                added,
                removed,
            } => {
                if group.id.is_some() {
                    let members = memberships(&group, &added, &removed, None);
                    records.push(Record::Group(group));
                    records.extend(members);
                }
            }
        }
    }
    records
}

/// The records of a success with its answer, if there is one.
pub(crate) fn of(
    continuation: &ScimContinuation,
    account: &Account,
    body: Option<&Json>,
) -> Vec<Record> {
    let settled = match (&continuation.provisioner, body) {
        (Some(_), Some(body)) => settle(continuation, account, body),
        _ => Vec::new(),
    };
    // A user's own record says more than a create that it settles. A group's is read by it.
    let (groups, users): (Vec<Record>, Vec<Record>) = settled.into_iter().partition(is_of_group);
    let mut records = groups;
    effects(&continuation.outcome.done, account, body, &mut records);
    records.extend(users);
    records
}

fn is_of_group(settled: &Record) -> bool {
    match settled {
        Record::Settle(Settled { intent, .. }) | Record::Withdraw(intent) => {
            intent.kind == ResourceKind::Group
        }
        _ => false,
    }
}

fn effects(effects: &[Effect], account: &Account, body: Option<&Json>, records: &mut Vec<Record>) {
    for done in effects {
        match done {
            Effect::Record(record) => records.push(record.clone()),
            Effect::User {
                user,
                earlier,
                former,
            } => {
                let is_named = user.id.is_some();
                if is_other(user.id.as_deref(), body) {
                    continue;
                }
                let user = answered_user(user, body);
                records.extend(user_records(user, earlier.as_deref(), former, is_named));
            }
            Effect::Group {
                group,
                added,
                removed,
            } => {
                let created = group.id.is_none();
                if is_other(group.id.as_deref(), body) {
                    continue;
                }
                let group = answered_group(group, account, body);
                if let Some(id) = &group.id {
                    if created {
                        // An earlier group of this id is gone, together with its members.
                        records.push(Record::RemoveGroup(ResourceKey {
                            account: group.account.clone(),
                            scope: group.scope.clone(),
                            id: id.clone(),
                        }));
                    }
                    let members = memberships(&group, added, removed, body);
                    records.push(Record::Group(group));
                    records.extend(members);
                }
            }
        }
    }
}

/// Whether a create that could have been an update of this user or group made another.
fn is_other(id: Option<&str>, body: Option<&Json>) -> bool {
    let told = body.and_then(|body| member(body, "id"));
    let told = told.and_then(Json::as_str);
    id.zip(told).is_some_and(|(id, told)| id != told)
}

/// Every resource that the identity provider receives settles its creates with an unclear outcome.
/// The answer to a create describes the created group completely; earlier attempts may have made
/// others.
fn settle(continuation: &ScimContinuation, account: &Account, body: &Json) -> Vec<Record> {
    let mut records = Vec::new();
    let (kind, shown) = match &continuation.expected {
        Expected::Resource(kind, _)
        | Expected::Written(kind, _)
        | Expected::Created { kind, .. } => (*kind, std::slice::from_ref(body)),
        Expected::List { kind: None, .. } => return records,
        Expected::List {
            kind: Some(kind), ..
        } => (
            *kind,
            member(body, "Resources")
                .and_then(Json::as_array)
                .unwrap_or_default(),
        ),
        Expected::Deleted | Expected::Discovery(_) => return records,
    };
    for resource in shown {
        let text = |name: &str| member(resource, name).and_then(Json::as_str);
        let name = match kind {
            ResourceKind::User => text("userName"),
            ResourceKind::Group => text("displayName"),
        };
        if let (Some(name), Some(id)) = (name, text("id")) {
            let key = match kind {
                ResourceKind::User => fold(name),
                ResourceKind::Group => {
                    group_intent_key(account.derived_group_id(name).as_deref(), name)
                }
            };
            // Groups of the same name are distinguished by the ids derived from it, if ids are
            // derived.
            let is_other = kind == ResourceKind::Group
                && account.group_id.is_some()
                && !matches!(continuation.expected, Expected::Created { .. })
                && !account.group_ids(name).iter().any(|given| given == id);
            if is_other {
                continue;
            }
            let intent = IntentKey {
                kind,
                account: continuation.account.clone(),
                key,
            };
            records.push(match (kind, &continuation.expected) {
                (ResourceKind::Group, Expected::Created { .. }) => Record::Withdraw(intent),
                _ => Record::Settle(Settled {
                    intent,
                    id: id.to_owned(),
                }),
            });
        }
    }
    records
}

/// Checks that a create's answer has the name that was sent, and an id that is not recorded or may
/// be taken over.
pub(crate) fn check_created(
    kind: ResourceKind,
    name: &str,
    body: &Json,
    continuation: &ScimContinuation,
    account: &Account,
    facts: &Facts,
) -> Result<(), Stop> {
    let text = |name: &str| member(body, name).and_then(Json::as_str);
    let id = text("id").unwrap_or_default().to_owned();
    let account_name = continuation.account.clone();
    let (same_name, recorded) = match kind {
        ResourceKind::User => {
            let key = Key::User(UserKey {
                account: account_name,
                value: id,
                unseen: Unseen::Absent,
            });
            facts.require(vec![key.clone()])?;
            let recorded = facts.user(&key)?.map(|user| {
                let knew = continuation.outcome.knew(user.id.as_deref());
                let same = knew || fold(&user.user_name) == fold(name);
                (same, user.managed_by.is_some(), account.adopt_users)
            });
            let given = text("userName");
            (
                given.is_none_or(|given| fold(given) == fold(name)),
                recorded,
            )
        }
        ResourceKind::Group => {
            let key = Key::Group(GroupKey {
                account: account_name,
                scope: String::new(),
                id,
                unseen: Unseen::Absent,
            });
            facts.require(vec![key.clone()])?;
            let recorded = facts
                .group(&key)?
                .filter(|group| group.id.is_some())
                .map(|group| {
                    let same = group.display_name.as_deref() == Some(name);
                    (same, group.managed_by.is_some(), account.adopt_groups)
                });
            let given = text("displayName");
            (given.is_none_or(|given| given == name), recorded)
        }
    };
    if !same_name {
        return Err(invalid_answer("its name is not the one that was sent").into());
    }
    match recorded {
        // A resource of another name, or a native one that may not be taken over.
        Some((false, true, _)) => Err(invalid_answer("its id belongs to another resource").into()),
        Some((_, false, Adoption::Deny)) if continuation.provisioner.is_some() => {
            Err(invalid_answer("its id belongs to a resource that was not provisioned").into())
        }
        _ => Ok(()),
    }
}

/// The records of a user, including earlier ones. An application that deletes deactivated users
/// gives a returning user a new id. An earlier user who was active or uncertain may still exist and
/// have lost only the name, so that record stays, as uncertain. A record of another name stays as
/// it is, without the external id by which the person returned.
fn user_records(
    mut user: User,
    earlier: Option<&User>,
    former: &[User],
    is_named: bool,
) -> Vec<Record> {
    let earlier = earlier.filter(|earlier| earlier.id.is_some());
    user.id = user.id.or_else(|| earlier?.id.clone());
    if user.id.is_none() {
        return Vec::new();
    }
    let is_same = |known: &User| known.id == user.id;
    let named = is_named || earlier.is_some_and(is_same) || former.iter().any(is_same);
    if let Some(same) = former.iter().find(|former| former.id == user.id) {
        user.since = same.since;
        user.origin.clone_from(&same.origin);
    }
    let other = earlier.filter(|earlier| earlier.id != user.id);
    let is_gone = |earlier: &User| !earlier.active && !earlier.write_pending;
    let other = other.map(|earlier| match (is_gone(earlier), &earlier.id) {
        (true, Some(id)) => Record::RemoveUser(ResourceKey {
            account: earlier.account.clone(),
            scope: String::new(),
            id: id.clone(),
        }),
        (_, id) => Record::User(User {
            user_name: id.clone().unwrap_or_default(),
            external_id: None,
            write_pending: true,
            ..earlier.clone()
        }),
    });
    let former = former.iter().filter(|former| former.id != user.id);
    let former = former.map(|former| {
        Record::User(User {
            external_id: None,
            ..former.clone()
        })
    });
    let mut records: Vec<Record> = former.chain(other).collect();
    match named {
        true => records.push(Record::User(user)),
        false => records.extend(new_user(user)),
    }
    records
}

/// The record of a user whose id was not known before the answer, so that no lease kept others from
/// writing to that user by it: what they wrote stays.
fn new_user(mut user: User) -> Vec<Record> {
    let Some(id) = user.id.take() else {
        return Vec::new();
    };
    let intent = IntentKey {
        kind: ResourceKind::User,
        account: user.account.clone(),
        key: fold(&user.user_name),
    };
    vec![Record::User(user), Record::Settle(Settled { intent, id })]
}

/// The provider's membership changes that the backend did not do, or did not confirm.
pub(crate) fn failed(
    continuation: &ScimContinuation,
    status: Option<u16>,
    now: u64,
) -> Vec<Record> {
    let Some(token) = &continuation.provisioner else {
        return Vec::new();
    };
    let mut records = Vec::new();
    for done in &continuation.outcome.done {
        let Effect::Group {
            group,
            added,
            removed,
        } = done
        else {
            continue;
        };
        // A create is repeated as a whole.
        let Some(id) = &group.id else { continue };
        let change = |user: &String, present: bool| {
            Record::Failed(FailedChange {
                account: group.account.clone(),
                scope: group.scope.clone(),
                group: id.clone(),
                user: user.clone(),
                present,
                status,
                at: now,
                by: token.clone(),
            })
        };
        records.extend(added.iter().map(|user| change(user, true)));
        records.extend(removed.iter().map(|user| change(user, false)));
    }
    records
}

/// A user who may be deleted stays open even if the answer shows the user.
fn answered_user(planned: &User, body: Option<&Json>) -> User {
    let mut user = planned.clone();
    let Some(body) = body else { return user };
    let text = |name: &str| member(body, name).and_then(Json::as_str).map(str::to_owned);
    user.id = user.id.or_else(|| text("id"));
    if let Some(name) = text("userName") {
        user.user_name = name;
        user.write_pending = user.deletion_pending;
    }
    user.display_name = text("displayName").or(user.display_name);
    user.external_id = text("externalId").or(user.external_id);
    // Some applications answer a deactivation with the user as before: an answer makes a user
    // active only if the record is unclear.
    if let Some(active) = member(body, "active").and_then(Json::as_bool) {
        user.active = active && (planned.active || planned.write_pending);
    }
    user
}

fn answered_group(planned: &Group, account: &Account, body: Option<&Json>) -> Group {
    let mut group = planned.clone();
    let Some(body) = body else { return group };
    let text = |name: &str| member(body, name).and_then(Json::as_str).map(str::to_owned);
    group.id = group.id.or_else(|| text("id"));
    if let Some(name) = text("displayName") {
        group.derived_id = account.derived_group_id(&name);
        group.display_name = Some(name);
        group.write_pending = group.deletion_pending;
    }
    group.external_id = text("externalId").or(group.external_id);
    group
}

/// Takes memberships from the answer if it lists them; otherwise they stay unconfirmed.
fn memberships(
    group: &Group,
    added: &[String],
    removed: &[String],
    body: Option<&Json>,
) -> Vec<Record> {
    let id = group.id.clone().unwrap_or_default();
    let record = |user: &String, state| {
        Record::Member(MemberRecord {
            account: group.account.clone(),
            scope: group.scope.clone(),
            group: id.clone(),
            user: user.clone(),
            state,
            by: None,
        })
    };
    let Some(told) = body
        .and_then(|body| member(body, "members"))
        .map(referenced)
    else {
        // The application may have dropped pushed members whom it does not know.
        let state = match &group.managed_by {
            Some(_) => Membership::Unconfirmed,
            None => Membership::Confirmed,
        };
        let put_in = added.iter().map(|user| record(user, Some(state)));
        let taken_out = removed.iter().map(|user| record(user, None));
        return put_in.chain(taken_out).collect();
    };
    let known: BTreeSet<&String> = told.iter().collect();
    let missing = added
        .iter()
        .chain(removed)
        .filter(|user| !known.contains(user));
    let mut records: Vec<Record> = missing.map(|user| record(user, None)).collect();
    records.push(Record::Members(MembersRecord {
        account: group.account.clone(),
        scope: group.scope.clone(),
        group: id.clone(),
        users: told,
    }));
    records
}
