//! Users: profile, groups, deletion, creation.

use std::collections::BTreeSet;

use super::memberships::{may_change_members, may_move};
use super::words::{Owned, called, shown};
use crate::act::{BodyField, GroupRef, NewUser, Profile, UserChange, UserGroups, UserRef, Writes};
use crate::facts::{Group, User};
use crate::fold::fold;
use crate::known::Stop;
use crate::permit::context::{Context, changed_profile};
use crate::permit::ownership::is_anothers_name;
use crate::policy::{DirectUsers, LocalUsers};
use crate::rules::okta_only::{USER_CREATE, USER_DELETE, USER_PROFILE};
use crate::rules::{Refusal, host};
use crate::token::Actor;

/// Creating an existing user is judged as an update with the named memberships.
pub(super) fn create(new: &NewUser, context: &Context<'_>) -> Result<(), Stop> {
    let existing = context.facts.user(&context.new_user_key(&new.user_name))?;
    match existing {
        Some(user) => may_create_again(&of_same_name(new, user), user, context)?,
        None if *context.actor == Actor::Operator
            && context.account.local_users == LocalUsers::Deny =>
        {
            let provider = shown(&context.account.provider);
            return Err(USER_CREATE
                .because(format!(
                    "Create the user in {provider}: users of this account are created only there."
                ))
                .into());
        }
        None => {
            // An application may take the owner of any e-mail for the intended user. Permission to
            // change that user does not include permission to share the e-mail.
            for email in new.profile.own_emails() {
                if let Some(user) = context.user_named(email)?
                    && context.owned_by_other(user.managed_by.as_deref())
                {
                    may_create_again(new, user, context)?;
                    return Err(is_anothers_name(email).into());
                }
            }
        }
    }
    for group in &new.groups {
        assign(existing, group, &new.user_name, true, context)?;
    }
    if let Some(user) = existing {
        may_edit_profile(&new.profile, user, &new.user_name, context)?;
    }
    match existing {
        // The new user would be mistaken for the one that the provider is creating.
        Some(user) if user.id.is_none() && context.owned_by_other(user.managed_by.as_deref()) => {
            let Owned { name, owner, .. } = Owned::user(user, &new.user_name, context);
            Err(host::FACTS_UNAVAILABLE
                .because(format!(
                    "{owner} is creating {name}, and the result is not known yet. Repeat the request later."
                ))
                .into())
        }
        _ => Ok(()),
    }
}

/// The create without the name that found the user, in whatever spelling: its other changes are
/// judged first.
fn of_same_name(new: &NewUser, user: &User) -> NewUser {
    let mut new = new.clone();
    for writes in [&mut new.profile.user_name, &mut new.profile.email] {
        if writes
            .value()
            .is_some_and(|name| fold(name) == fold(&user.user_name))
        {
            *writes = Writes::default();
        }
    }
    new
}

/// Creating an existing user is judged as an update. A create without a name keeps the old one.
fn may_create_again(new: &NewUser, user: &User, context: &Context<'_>) -> Result<(), Refusal> {
    if !user.active {
        may_delete(user, &new.user_name, Verb::Activate, context)?;
    }
    if new.active.is_some_and(|active| active != user.active) {
        may_delete(user, &new.user_name, Verb::Deactivate, context)?;
    }
    may_edit_profile(&new.profile, user, &new.user_name, context)
}

pub(super) fn change(change: &UserChange, context: &Context<'_>) -> Result<(), Stop> {
    let user = context.user(&change.user)?;
    let reference = change.user.reference.as_str();
    if let Some(user) = user {
        let unclear = user.write_pending && !change.active.is_empty();
        if unclear || change.active.may_change(user.active) {
            let verb = match user.active {
                true => Verb::Deactivate,
                false => Verb::Activate,
            };
            may_delete(user, reference, verb, context)?;
        }
        may_edit_profile(&change.profile, user, reference, context)?;
    }
    match &change.groups {
        UserGroups::Untouched => {}
        UserGroups::Add(groups) => {
            for group in groups {
                assign(user, group, reference, true, context)?;
            }
        }
        UserGroups::Remove(groups) => {
            for group in groups {
                assign(user, group, reference, false, context)?;
            }
        }
        UserGroups::Replace(groups) => {
            for group in groups {
                assign(user, group, reference, true, context)?;
            }
            let kept: BTreeSet<(&str, Option<&str>)> = groups
                .iter()
                .map(|group| (group.scope.as_str(), Some(group.id.as_str())))
                .collect();
            for held in context
                .facts
                .groups(&context.user_groups_key(&change.user))?
            {
                if !kept.contains(&(held.scope.as_str(), held.id.as_deref())) {
                    move_user(user, reference, Some((held, "the group")), false, context)?;
                }
            }
        }
        UserGroups::Changed => {
            for held in context
                .facts
                .groups(&context.user_groups_key(&change.user))?
            {
                move_user(user, reference, Some((held, "the group")), false, context)?;
            }
            move_user(user, reference, None, false, context)?;
        }
    }
    Ok(())
}

pub(super) fn delete(user: &UserRef, context: &Context<'_>) -> Result<(), Stop> {
    match context.user(user)? {
        Some(record) => Ok(may_delete(record, &user.reference, Verb::Delete, context)?),
        None => Ok(()),
    }
}

/// The operations that take a user's account away or give it back.
#[derive(Clone, Copy)]
enum Verb {
    Delete,
    Deactivate,
    Activate,
}

fn may_delete(
    user: &User,
    reference: &str,
    verb: Verb,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    if !context.owned_by_other(user.managed_by.as_deref()) {
        return Ok(());
    }
    let Owned { name, owner, came } = Owned::user(user, reference, context);
    let place = match user.in_managed_group {
        true => "group",
        false => "application",
    };
    Err(USER_DELETE.because(match verb {
        Verb::Delete => format!(
            "Remove {name} from the {place} in {owner}, or deactivate the profile there: the user {came} and is deleted only there."
        ),
        Verb::Deactivate => format!(
            "Deactivate {name} in {owner}, or remove the user from the {place} there: the user {came} and is deactivated only there."
        ),
        Verb::Activate => format!(
            "Activate {name} in {owner}, or assign the user to the {place} there again: the user {came} and is brought back only there."
        ),
    }))
}

fn may_edit_profile(
    profile: &Profile,
    user: &User,
    reference: &str,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    if !context.owned_by_other(user.managed_by.as_deref()) {
        return Ok(());
    }
    let is_locked = context.is_locked(user);
    let mut changed = match is_locked {
        true => changed_profile(profile, user),
        false => Vec::new(),
    };
    // The provider finds its users by the external id, whether their profile is locked or not.
    if profile
        .external_id
        .change_identifier(user.external_id.as_deref())
    {
        changed.push("external id");
    }
    if context.account.direct_users == DirectUsers::Locked && profile.others {
        changed.push("attributes");
    }
    let unlisted_field = profile.unlisted_field.as_ref().filter(|_| is_locked);
    let what = match (unlisted_field, changed.as_slice()) {
        (None, []) => return Ok(()),
        (Some(BodyField::Unlisted(pointer)), []) => pointer.clone(),
        (Some(BodyField::Required { pointer, value }), []) => {
            let Owned { name, owner, came } = Owned::user(user, reference, context);
            return Err(USER_PROFILE.because(format!(
                "Send {pointer} in the body with the value {value}: the user {name} {came}, and without it the application would no longer take the user for {owner}'s."
            )));
        }
        (_, changed) => changed.join(" and "),
    };
    let Owned { name, owner, came } = Owned::user(user, reference, context);
    let because = match user.in_managed_group {
        true => format!("{came} and is in a group that {owner} manages"),
        false => came,
    };
    Err(USER_PROFILE.because(format!(
        "Change the {what} of {name} in {owner}: the user {because}, and it is changed only there."
    )))
}

/// Adds a user to a group, or removes them; no change if it is so already.
fn assign(
    user: Option<&User>,
    group: &GroupRef,
    reference: &str,
    put_in: bool,
    context: &Context<'_>,
) -> Result<(), Stop> {
    let key = context.membership_key(&group.scope, &group.id, reference);
    // A user whose removal is open may be in or out.
    let mut members = context.facts.members(&key)?.iter();
    let record = context.group(&group.scope, &group.id)?;
    let is_so = match put_in {
        true => members.any(|m| context.is_in(m, group, record)),
        false => members.any(|m| !m.may_be_in()),
    };
    if is_so {
        return Ok(());
    }
    let group = record.map(|record| (record, group.id.as_str()));
    move_user(user, reference, group, put_in, context)
}

fn move_user(
    user: Option<&User>,
    reference: &str,
    group: Option<(&Group, &str)>,
    put_in: bool,
    context: &Context<'_>,
) -> Result<(), Stop> {
    if let Some((record, id)) = group {
        let who = called(user, reference, context);
        may_change_members(record, id, Some((who, put_in)), context)?;
    }
    match user {
        Some(user) => Ok(may_move(user, reference, context)?),
        None => Ok(()),
    }
}
