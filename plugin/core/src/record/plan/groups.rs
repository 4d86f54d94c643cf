//! What becomes of the record of groups and their members.

use super::users::id_of;
use super::{Done, Plan};
use crate::act::{GroupChange, NewGroup, Part};
use crate::facts::{Group, Member, ResourceKind, Stop};
use crate::fold::fold;
use crate::permit::Scene;
use crate::record::{Intent, MemberRecord, Record, ResourceKey};
use crate::token::Actor;

pub(super) fn create(
    new: &NewGroup,
    scene: &Scene<'_>,
    now: u64,
    plan: &mut Plan,
) -> Result<(), Stop> {
    let name = new.name.clone().unwrap_or_default();
    let derived_id = scene.account.derived_group_id(&name);
    let mut group = Group {
        account: scene.account_name.to_owned(),
        scope: new.scope.clone(),
        id: new.id.clone(),
        display_name: new.name.clone(),
        derived_id: derived_id.clone(),
        external_id: new.external_id.after(None),
        managed_by: None,
        pending: false,
        since: None,
        members_known: true,
    };
    let members = new.members.clone();
    match scene.actor {
        Actor::Operator => {
            let existing = match &new.id {
                Some(id) => scene.group(&new.scope, id)?,
                None => None,
            };
            match existing {
                // What exists is changed, never owned anew.
                Some(existing) => group = existing.clone(),
                None if group.id.is_none() && !new.scope.is_empty() => return Ok(()),
                None => {}
            }
        }
        Actor::Provisioner(provider) => {
            group.managed_by = Some(provider.clone());
            group.since = Some(now);
            let again = scene
                .groups_of_name(&new.scope, &name)?
                .iter()
                .any(|existing| existing.id.is_none());
            let intent = Intent {
                kind: ResourceKind::Group,
                account: group.account.clone(),
                key: group_intent_key(derived_id.as_deref(), &name),
                user_name: None,
                display_name: new.name.clone(),
                derived_id,
                external_id: group.external_id.clone(),
                active: true,
                provider: provider.clone(),
                at: now,
                members: members.clone(),
            };
            plan.intend(intent, again);
        }
    }
    plan.outcome.done.push(Done::Group {
        group,
        added: members,
        removed: Vec::new(),
    });
    Ok(())
}

/// What identifies an unsettled create of a group.
pub(crate) fn group_intent_key(derived_id: Option<&str>, name: &str) -> String {
    derived_id.map_or_else(|| fold(name), str::to_owned)
}

pub(super) fn change(
    change: &GroupChange,
    scene: &Scene<'_>,
    now: u64,
    plan: &mut Plan,
) -> Result<(), Stop> {
    let record = scene
        .group(&change.group.scope, &change.group.id)?
        .filter(|group| group.id.is_some());
    let before = record.cloned().unwrap_or_else(|| Group {
        account: scene.account_name.to_owned(),
        scope: change.group.scope.clone(),
        id: Some(change.group.id.clone()),
        ..Group::default()
    });
    let mut after = before.clone();
    if change.name != Part::Untouched {
        after.display_name = change.name.after(before.display_name.as_deref());
        after.derived_id = after
            .display_name
            .as_deref()
            .and_then(|name| scene.account.derived_group_id(name));
    }
    after.external_id = change.external_id.after(before.external_id.as_deref());
    let provisions = match scene.actor {
        Actor::Provisioner(provider) if !scene.is_others(before.managed_by.as_deref()) => {
            if before.managed_by.is_none() {
                after.since = Some(now);
            }
            after.managed_by = Some(provider.clone());
            true
        }
        _ => false,
    };
    let moves = scene.moves(change)?;
    let id = before.id.clone().unwrap_or_default();
    let ids = |members: &[&Member]| -> Vec<String> {
        members
            .iter()
            .map(|member| id_of(member.user.as_ref(), &member.reference))
            .collect()
    };
    let (added, removed) = match scene.completed_replacement(change) {
        Some(replacement) => {
            after.members_known = true;
            replacement
        }
        None => (ids(&moves.added), ids(&moves.removed)),
    };
    if provisions {
        let member = |user: &String, present: bool| {
            Record::Member(MemberRecord {
                account: scene.account_name.to_owned(),
                scope: change.group.scope.clone(),
                group: id.clone(),
                user: user.clone(),
                present,
                pending: present,
            })
        };
        if after != before || record.is_none() {
            plan.before.push(Record::Group(Group {
                managed_by: after.managed_by.clone(),
                since: after.since,
                pending: true,
                ..before.clone()
            }));
            plan.outcome.refused.push(match record {
                Some(record) => Record::Group(record.clone()),
                None => Record::RemoveGroup(ResourceKey {
                    account: scene.account_name.to_owned(),
                    scope: change.group.scope.clone(),
                    id: id.clone(),
                }),
            });
        }
        plan.before
            .extend(added.iter().map(|user| member(user, true)));
        if record.is_some() {
            plan.outcome
                .refused
                .extend(added.iter().map(|user| member(user, false)));
        }
    }
    let changes = after != before || !added.is_empty() || !removed.is_empty();
    if provisions || changes {
        after.pending = before.pending && !provisions;
        plan.outcome.done.push(Done::Group {
            group: after,
            added,
            removed,
        });
    }
    Ok(())
}
