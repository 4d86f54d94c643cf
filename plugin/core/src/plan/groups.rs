//! How groups and their members change in the record.

use std::collections::BTreeSet;

use super::users::id_of;
use super::{Claim, Effect, Plan, member};
use crate::act::{GroupChange, GroupRef, NewGroup};
use crate::facts::{Group, Member, Membership, Origin, ResourceKind};
use crate::fold::fold;
use crate::known::Stop;
use crate::permit::Context;
use crate::permit::context::MembershipDelta;
use crate::record::{Intent, IntentKey, Record, ResourceKey, Settled};
use crate::token::Actor;

pub(super) fn create(
    new: &NewGroup,
    context: &Context<'_>,
    now: u64,
    plan: &mut Plan,
) -> Result<(), Stop> {
    let name = new.name.clone().unwrap_or_default();
    let derived_id = context.account.derived_group_id(&name);
    let ids_of_name = context.account.group_ids(&name);
    let mut group = Group {
        account: context.account_name.to_owned(),
        scope: new.scope.clone(),
        id: new.id.clone(),
        display_name: new.name.clone(),
        derived_id: derived_id.clone(),
        external_id: new.external_id.after(None),
        members_known: true,
        ..Group::default()
    };
    let members = match context.new_members_key(new) {
        Some(key) => ids(context.facts.members(&key)?),
        None => Vec::new(),
    };
    let mut removed = Vec::new();
    match context.actor {
        Actor::Operator => {
            let existing = match &new.id {
                Some(id) => context.group(&new.scope, id)?,
                None => {
                    let has_id = |group: &&Group| {
                        let id = group.id.as_ref();
                        id.is_some_and(|id| ids_of_name.contains(id))
                    };
                    let groups = context.groups_of_name(&new.scope, &name)?;
                    groups.into_iter().find(has_id)
                }
            };
            match existing {
                // An existing group is changed, and its owner stays.
                Some(existing) => group = existing.clone(),
                None if group.id.is_none() && !new.scope.is_empty() => return Ok(()),
                None => {}
            }
            // An added user counts as a member until the answer comes, and one who is left out too.
            let moves = match (existing, &new.id) {
                (Some(existing), _) => context.moves_of_update(new, existing)?,
                (None, Some(id)) => context.moves_of_replacement(new, id)?,
                (None, None) => MembershipDelta::default(),
            };
            // Afterwards exactly the named users are members.
            group.deletion_pending = false;
            for user in ids(moves.added.into_iter().filter(|member| !member.may_be_in())) {
                plan.unclear(
                    member(&group, &user, Some(Membership::Unconfirmed), None),
                    member(&group, &user, None, None),
                );
            }
            for left_out in moves.removed {
                let user = id(left_out);
                plan.before
                    .push(member(&group, &user, Some(Membership::Removing), None));
                if left_out.is_confirmed() {
                    let stays = member(&group, &user, Some(Membership::Confirmed), None);
                    plan.outcome.refused.push(stays);
                }
                removed.push(user);
            }
        }
        Actor::Provisioner(provider) => {
            let claim = Claim::new(provider, context, now);
            claim.group(&mut group, Origin::Created);
            let again = context
                .groups_of_name(&new.scope, &name)?
                .iter()
                .any(|existing| existing.id.is_none());
            let intent = Intent {
                kind: ResourceKind::Group,
                account: group.account.clone(),
                key: group_intent_key(derived_id.as_deref(), &name),
                user_name: None,
                display_name: new.name.clone(),
                // With several possible ids, the right one is not known until the answer comes.
                derived_id: derived_id.filter(|_| ids_of_name.len() == 1),
                external_id: group.external_id.clone(),
                active: true,
                provider: provider.clone(),
                at: now,
                by: context.token.unwrap_or_default().to_owned(),
                members: members.clone(),
            };
            plan.intend(intent, again);
        }
    }
    plan.outcome.done.push(Effect::Group {
        group,
        added: members,
        removed,
    });
    Ok(())
}

/// Identifies an unsettled create of a group.
pub(crate) fn group_intent_key(derived_id: Option<&str>, name: &str) -> String {
    derived_id.map_or_else(|| fold(name), str::to_owned)
}

pub(super) fn change(
    change: &GroupChange,
    context: &Context<'_>,
    now: u64,
    plan: &mut Plan,
) -> Result<(), Stop> {
    let record = match context.group(&change.group.scope, &change.group.id)? {
        Some(created) if created.id.is_none() => {
            if context.provider_of(created.managed_by.as_deref()).is_none() {
                // The create stays somebody else's until its outcome is known.
                return Ok(());
            }
            settled(created, &change.group.id, plan)
        }
        record => record.cloned(),
    };
    let before = record
        .clone()
        .unwrap_or_else(|| unseen(&change.group, context));
    let mut after = before.clone();
    if !change.name.is_empty() {
        after.display_name = change.name.after(before.display_name.as_deref());
        after.derived_id = after
            .display_name
            .as_deref()
            .and_then(|name| context.account.derived_group_id(name));
    }
    after.external_id = change.external_id.after(before.external_id.as_deref());
    let provider = context.provider_of(before.managed_by.as_deref());
    if let Some(provider) = provider {
        let claim = Claim::new(provider, context, now);
        claim.group(&mut after, Origin::Adopted);
    }
    let provisions = provider.is_some();
    let moves = context.moves_to_record(change)?;
    let (added, removed, certain) = match context.completed_replacement(change) {
        Some((added, removed)) => {
            after.members_known = true;
            (added, removed.clone(), removed)
        }
        None => {
            let mut certain = moves.removed.clone();
            certain.retain(|member| member.is_confirmed());
            let added = ids(moves.added.iter().copied());
            (added, ids(moves.removed), ids(certain))
        }
    };
    let was_in = moves.added.into_iter().filter(|member| member.may_be_in());
    let was_in: BTreeSet<String> = ids(was_in).into_iter().collect();
    let by = context.token.filter(|_| provisions);
    let open = |user: &String, state| member(&before, user, Some(state), by);
    let member = |user: &String, state| member(&before, user, state, None);
    let adding = match by {
        Some(_) => Membership::Adding,
        None => Membership::Unconfirmed,
    };
    // If refused: certain members stay members, and uncertain ones stay uncertain.
    let stays = certain
        .iter()
        .map(|user| member(user, Some(Membership::Confirmed)));
    if provisions {
        if after != before || record.is_none() {
            let during = Group {
                managed_by: after.managed_by.clone(),
                since: after.since,
                origin: after.origin.clone(),
                write_pending: true,
                ..before.clone()
            };
            let untouched = match &record {
                Some(record) => Record::Group(record.clone()),
                None => Record::RemoveGroup(ResourceKey {
                    account: context.account_name.to_owned(),
                    scope: change.group.scope.clone(),
                    id: change.group.id.clone(),
                }),
            };
            plan.unclear(Record::Group(during), untouched);
        }
        let put_in = added.iter().map(|user| open(user, adding));
        let taken_out = removed.iter().map(|user| open(user, Membership::Removing));
        plan.before.extend(put_in.chain(taken_out));
        if record.is_some() {
            let refused = &mut plan.outcome.refused;
            refused.extend(added.iter().map(|user| match was_in.contains(user) {
                true => open(user, adding),
                false => member(user, None),
            }));
            refused.extend(stays);
        }
    } else {
        // A user whom an operator adds or removes counts as a member until the answer comes.
        for user in added.iter().filter(|user| !was_in.contains(*user)) {
            plan.unclear(open(user, adding), member(user, None));
        }
        let taken_out = removed.iter().map(|user| open(user, Membership::Removing));
        plan.before.extend(taken_out);
        plan.outcome.refused.extend(stays);
    }
    let changes = after != before || !added.is_empty() || !removed.is_empty();
    if provisions || changes {
        // Only an answer that shows the group can make an uncertain record certain, or reveal an
        // unknown name.
        let is_nameless = provisions && after.display_name.is_none();
        after.write_pending = before.write_pending || is_nameless;
        after.deletion_pending = before.deletion_pending && !provisions;
        plan.outcome.done.push(Effect::Group {
            group: after,
            added,
            removed,
        });
    }
    Ok(())
}

/// A group that is not on record.
fn unseen(group: &GroupRef, context: &Context<'_>) -> Group {
    Group {
        account: context.account_name.to_owned(),
        scope: group.scope.clone(),
        id: Some(group.id.clone()),
        ..Group::default()
    }
}

/// A provider that addresses its group by the id derived from the name knows that the group exists.
fn settled(created: &Group, id: &str, plan: &mut Plan) -> Option<Group> {
    if created.derived_id.as_deref() != Some(id) {
        return None;
    }
    plan.before.push(Record::Settle(Settled {
        intent: IntentKey {
            kind: ResourceKind::Group,
            account: created.account.clone(),
            key: id.to_owned(),
        },
        id: id.to_owned(),
    }));
    Some(Group {
        id: Some(id.to_owned()),
        ..created.clone()
    })
}

fn ids<'m>(members: impl IntoIterator<Item = &'m Member>) -> Vec<String> {
    members.into_iter().map(id).collect()
}

fn id(member: &Member) -> String {
    id_of(member.user.as_ref(), &member.reference)
}

pub(super) fn delete(group: &GroupRef, context: &Context<'_>, plan: &mut Plan) -> Result<(), Stop> {
    let record = context.group(&group.scope, &group.id)?;
    if record.is_some_and(|record| context.owned_by_other(record.managed_by.as_deref())) {
        return Ok(());
    }
    let during = |before: Group| {
        Record::Group(Group {
            write_pending: true,
            deletion_pending: true,
            ..before
        })
    };
    match record {
        // A group that is not on record may still have members. A refusal does not prove that it
        // exists.
        None => plan.before.push(during(unseen(group, context))),
        Some(before) if before.id.is_some() => {
            plan.unclear(during(before.clone()), Record::Group(before.clone()));
        }
        // A create that is not settled has a record of its own.
        Some(_) => {}
    }
    let id = record.and_then(|record| record.id.clone());
    plan.done(Record::RemoveGroup(ResourceKey {
        account: context.account_name.to_owned(),
        scope: group.scope.clone(),
        id: id.unwrap_or_else(|| group.id.clone()),
    }));
    Ok(())
}
