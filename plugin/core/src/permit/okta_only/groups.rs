//! Groups: name, members, deletion.

use super::memberships::{may_change_members, may_move};
use super::words::{Owned, called};
use crate::act::{BodyField, FieldWrite, GroupChange, GroupRef, NewGroup, Writes};
use crate::facts::Group;
use crate::known::Stop;
use crate::permit::context::{Context, MembershipDelta};
use crate::rules::Refusal;
use crate::rules::okta_only::{GROUP_DELETE, GROUP_RENAME};
use crate::token::Actor;

/// Creating an existing group is judged as an update with the named members.
pub(super) fn create(new: &NewGroup, context: &Context<'_>) -> Result<(), Stop> {
    let existing: Vec<&Group> = match (&new.id, &new.name) {
        (Some(id), _) => context.group(&new.scope, id)?.into_iter().collect(),
        // Without its own id, the group gets the one derived from its name.
        (None, Some(name)) if *context.actor == Actor::Operator => {
            let ids = context.account.group_ids(name);
            let has_id = |group: &&Group| group.id.as_ref().is_none_or(|id| ids.contains(id));
            let groups = context.groups_of_name(&new.scope, name)?;
            let mut existing: Vec<&Group> = groups.into_iter().filter(has_id).collect();
            // An application that ignores case has only one of the two.
            for id in &ids {
                if let Some(alike) = context.existing_group(&new.scope, id)?
                    && !existing.iter().any(|group| group.id == alike.id)
                {
                    existing.push(alike);
                }
            }
            existing
        }
        _ => Vec::new(),
    };
    let name = Writes::set(new.name.as_deref());
    let id = new.id.as_deref().or(new.name.as_deref()).unwrap_or("");
    for group in existing {
        may_rename(&name, new.unlisted_field.as_ref(), group, id, context)?;
        may_identify(&new.external_id, group, id, context)?;
        let moves = context.moves_of_update(new, group)?;
        may_move_members(Some(group), id, &moves, context)?;
        says_whose(new.unlisted_field.as_ref(), group, id, context)?;
    }
    let moves = match (&new.id, context.actor) {
        // A group that is not on record may still have members.
        (Some(id), Actor::Operator) => context.moves_of_replacement(new, id)?,
        _ => MembershipDelta {
            added: context.new_members(new)?,
            ..MembershipDelta::default()
        },
    };
    may_move_members(None, id, &moves, context)
}

pub(super) fn change(change: &GroupChange, context: &Context<'_>) -> Result<(), Stop> {
    let GroupRef { scope, id } = &change.group;
    let group = context.group(scope, id)?;
    if let Some(group) = group {
        may_rename(
            &change.name,
            change.unlisted_field.as_ref(),
            group,
            id,
            context,
        )?;
        may_identify(&change.external_id, group, id, context)?;
    }
    may_move_members(group, id, &context.moves(change)?, context)?;
    match group {
        Some(group) => Ok(says_whose(
            change.unlisted_field.as_ref(),
            group,
            id,
            context,
        )?),
        None => Ok(()),
    }
}

pub(super) fn delete(group: &GroupRef, context: &Context<'_>) -> Result<(), Stop> {
    let Some(record) = context.group(&group.scope, &group.id)? else {
        return Ok(());
    };
    if !context.owned_by_other(record.managed_by.as_deref()) {
        return Ok(());
    }
    let Owned { name, owner, came } = Owned::group(record, &group.id, context);
    Err(GROUP_DELETE
        .because(format!(
            "Delete the group in {owner}: {name} {came} and is deleted only there."
        ))
        .into())
}

/// The provider finds its groups by the external id, so only the provider may change it.
fn may_identify(
    external_id: &Writes,
    group: &Group,
    id: &str,
    context: &Context<'_>,
) -> Result<(), Stop> {
    if external_id.change_identifier(group.external_id.as_deref()) {
        let field = BodyField::Unlisted("externalId".to_owned());
        may_rename(&Writes::default(), Some(&field), group, id, context)?;
    }
    Ok(())
}

fn may_rename(
    name: &Writes,
    unlisted_field: Option<&BodyField>,
    group: &Group,
    id: &str,
    context: &Context<'_>,
) -> Result<(), Stop> {
    if !context.owned_by_other(group.managed_by.as_deref()) {
        return Ok(());
    }
    let owned = Owned::group(group, id, context);
    let Owned { owner, came, .. } = &owned;
    let renames = |write: &FieldWrite| match write {
        FieldWrite::Set(name) => group.write_pending || group.display_name.as_ref() != Some(name),
        FieldWrite::Clear | FieldWrite::Unknown(_) => true,
    };
    if name.any(renames) {
        return Err(GROUP_RENAME
            .because(format!(
                "Rename the group in {owner}: {} {came} and its name is changed only there.",
                owned.name
            ))
            .into());
    }
    match unlisted_field {
        Some(BodyField::Unlisted(pointer)) => Err(GROUP_RENAME
            .because(format!(
                "Change {pointer} in {owner}: {} {came}, and only what is not {owner}'s, such as a description, may be changed here.",
                owned.name
            ))
            .into()),
        Some(BodyField::Required { .. }) | None => Ok(()),
    }
}

/// Requires that the body says that the group is the provider's, where it must.
fn says_whose(
    field: Option<&BodyField>,
    group: &Group,
    id: &str,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    let Some(BodyField::Required { pointer, value }) = field else {
        return Ok(());
    };
    if !context.owned_by_other(group.managed_by.as_deref()) {
        return Ok(());
    }
    let Owned { name, owner, came } = Owned::group(group, id, context);
    Err(GROUP_RENAME.because(format!(
        "Send {pointer} in the body with the value {value}: {name} {came}, and without it the application would no longer take the group for {owner}'s."
    )))
}

fn may_move_members(
    group: Option<&Group>,
    id: &str,
    moves: &MembershipDelta<'_>,
    context: &Context<'_>,
) -> Result<(), Stop> {
    let added = moves.added.iter().map(|member| (*member, true));
    let removed = moves.removed.iter().map(|member| (*member, false));
    let named = |member: &crate::facts::Member, put_in: bool| match put_in || moves.names_removed {
        true => member.reference.clone(),
        // The request does not name the member that it leaves out.
        false => "a member who is left out".to_owned(),
    };
    let mut all = added.chain(removed);
    if let Some(group) = group {
        let first = all.clone().next();
        if first.is_some() || moves.unknown {
            let reference = first.map(|(member, put_in)| (named(member, put_in), put_in, member));
            let who = reference.as_ref().map(|(reference, put_in, member)| {
                (called(member.user.as_ref(), reference, context), *put_in)
            });
            may_change_members(group, id, who, context)?;
        }
    }
    let moved = all.clone().map(|(member, _)| member);
    let mut unseen = moves.unseen.into_iter().chain(moved);
    if *context.actor == Actor::Operator
        && let Some(unseen) = unseen.find(|member| member.user.is_none())
    {
        // Any of those who are not on record may be one whom the provider is creating, or has taken over
        // without a name: the answer for one is that for all.
        context.facts.user(&context.user_key(&unseen.reference))?;
        if context.names {
            context.facts.user(&context.name_key(&unseen.reference))?;
        }
    }
    all.try_for_each(|(member, put_in)| {
        let Some(user) = &member.user else {
            return Ok(());
        };
        may_move(user, &named(member, put_in), context).map_err(|mut refusal| {
            refusal
                .detail
                .push_str(&format!(" Nothing was changed in {id}."));
            refusal.into()
        })
    })
}
