//! How users change in the record.

use std::collections::BTreeSet;

use super::{Claim, Effect, Plan, member};
use crate::act::{
    EmailUse, FieldWrite, GroupRef, NewUser, Profile, UserChange, UserGroups, UserRef,
};
use crate::facts::{Membership, Origin, ResourceKind, User};
use crate::fold::{fold, same_but_for_case};
use crate::known::Stop;
use crate::permit::context::changed_profile;
use crate::permit::{Context, Written};
use crate::record::{Intent, Record, ResourceKey};
use crate::token::Actor;

pub(super) fn create(
    new: &NewUser,
    context: &Context<'_>,
    now: u64,
    plan: &mut Plan,
) -> Result<(), Stop> {
    let existing = context.facts.user(&context.new_user_key(&new.user_name))?;
    let owner = existing.and_then(|user| user.managed_by.as_deref());
    let Some(provider) = context.provider_of(owner) else {
        // An operator's user is native; a management route does not say its id.
        if existing.is_none() && new.groups.is_empty() {
            plan.outcome.done.push(Effect::User {
                user: User {
                    account: context.account_name.to_owned(),
                    user_name: new.user_name.clone(),
                    display_name: new.profile.display_name.after(None),
                    external_id: new.profile.external_id.after(None),
                    active: new.active.unwrap_or(true),
                    ..User::default()
                },
                earlier: None,
                former: Vec::new(),
            });
        }
        if let Some(existing) = existing {
            update_existing(new, existing, plan);
            add_memberships(&new.user_name, Some(existing), &new.groups, context, plan)?;
        }
        return Ok(());
    };
    let claim = Claim::new(provider, context, now);
    let mut user = User {
        account: context.account_name.to_owned(),
        user_name: new.user_name.clone(),
        display_name: new.profile.display_name.after(None),
        external_id: new.profile.external_id.after(None),
        active: new.active.unwrap_or(true),
        managed_by: existing.and_then(|user| user.managed_by.clone()),
        since: existing.and_then(|user| user.since),
        origin: existing.and_then(|user| user.origin.clone()),
        ..User::default()
    };
    let native = match existing {
        Some(_) => Origin::Adopted,
        None => Origin::Created,
    };
    claim.user(&mut user, native);
    if let Some(before) = existing.filter(|user| user.id.is_some()) {
        let during = User {
            managed_by: user.managed_by.clone(),
            since: user.since,
            origin: user.origin.clone(),
            write_pending: true,
            ..before.clone()
        };
        plan.unclear(Record::User(during), Record::User(before.clone()));
    }
    let former = former_records(
        &new.profile,
        Written {
            id: existing.and_then(|user| user.id.as_deref()),
            name: Some(&new.user_name),
        },
        context,
    )?;
    // The application may give the person one of these ids again, under the new name.
    for before in &former {
        let during = User {
            write_pending: true,
            ..before.clone()
        };
        plan.unclear(Record::User(during), Record::User(before.clone()));
    }
    // A user who is on record may have been deleted, and returns with another id, which is not known
    // until the answer comes.
    let intent = Intent {
        kind: ResourceKind::User,
        account: user.account.clone(),
        key: fold(&new.user_name),
        user_name: Some(new.user_name.clone()),
        display_name: user.display_name.clone(),
        derived_id: None,
        external_id: user.external_id.clone(),
        active: user.active,
        provider: provider.clone(),
        at: user.since.unwrap_or(now),
        by: context.token.unwrap_or_default().to_owned(),
        members: Vec::new(),
    };
    plan.intend(intent, existing.is_some_and(|user| user.write_pending));
    plan.outcome.done.push(Effect::User {
        user,
        earlier: existing.cloned().map(Box::new),
        former,
    });
    Ok(())
}

/// An application may take an operator's create of an existing user for an update.
fn update_existing(new: &NewUser, before: &User, plan: &mut Plan) {
    let after = User {
        display_name: new
            .profile
            .display_name
            .after(before.display_name.as_deref()),
        external_id: new.profile.external_id.after(before.external_id.as_deref()),
        active: new.active.unwrap_or(before.active),
        ..before.clone()
    };
    if before.id.is_none() || before.managed_by.is_none() || after == *before {
        return;
    }
    let during = User {
        write_pending: true,
        active: before.active && after.active,
        ..before.clone()
    };
    plan.unclear(Record::User(during), Record::User(before.clone()));
    plan.outcome.done.push(Effect::User {
        user: after,
        earlier: None,
        former: Vec::new(),
    });
}

pub(super) fn change(
    change: &UserChange,
    context: &Context<'_>,
    now: u64,
    plan: &mut Plan,
) -> Result<(), Stop> {
    if change.profile.email_use == EmailUse::Checked {
        return Ok(());
    }
    let record = context.user(&change.user)?;
    let id = id_of(record, &change.user.reference);
    let written = Written {
        id: Some(&id),
        name: None,
    };
    let former = former_records(&change.profile, written, context)?;
    if let Some(before) = record.filter(|user| user.id.is_some()) {
        let mut after = changed_user(change, before);
        if let Some(provider) = context.provider_of(before.managed_by.as_deref()) {
            let claim = Claim::new(provider, context, now);
            claim.user(&mut after, Origin::Adopted);
        }
        let may_be_renamed = may_be_renamed(change, before);
        if (after != *before || may_be_renamed) && after.managed_by.is_some() {
            let during = User {
                managed_by: after.managed_by.clone(),
                since: after.since,
                origin: after.origin.clone(),
                write_pending: true,
                // A user who may be deactivated counts as deactivated.
                active: before.active && after.active,
                ..before.clone()
            };
            plan.unclear(Record::User(during), Record::User(before.clone()));
        }
        let provisions = matches!(context.actor, Actor::Provisioner(_));
        if after != *before || may_be_renamed || provisions {
            // Only an answer that shows the whole user can make an uncertain record certain, or show
            // that the name did not change with the e-mail.
            after.write_pending = before.write_pending || may_be_renamed;
            after.deletion_pending = before.deletion_pending && !provisions;
            plan.outcome.done.push(Effect::User {
                user: after,
                earlier: None,
                former,
            });
        }
    } else if let Actor::Provisioner(provider) = context.actor {
        // The user is not on record yet: the provider takes over an existing user of the
        // application.
        let claim = Claim::new(provider, context, now);
        let name = change.profile.user_name.value();
        let mut user = User {
            account: context.account_name.to_owned(),
            id: Some(change.user.reference.clone()),
            user_name: name.unwrap_or(&change.user.reference).to_owned(),
            display_name: change.profile.display_name.after(None),
            external_id: change.profile.external_id.after(None),
            active: change.active.after(true),
            ..User::default()
        };
        claim.user(&mut user, Origin::Adopted);
        // Until the answer comes, it is not known whether the user exists.
        let during = User {
            user_name: change.user.reference.clone(),
            write_pending: true,
            ..user.clone()
        };
        let untouched = Record::RemoveUser(ResourceKey {
            account: user.account.clone(),
            scope: String::new(),
            id: change.user.reference.clone(),
        });
        plan.unclear(Record::User(during), untouched);
        // Its memberships are forgotten with it, but some may be recorded already.
        for group in context
            .facts
            .groups(&context.user_groups_key(&change.user))?
        {
            let stays = member(
                group,
                &change.user.reference,
                Some(Membership::Unconfirmed),
                None,
            );
            plan.outcome.refused.push(stays);
        }
        // Without a name the user stays uncertain until an answer supplies it.
        user.write_pending = name.is_none();
        plan.outcome.done.push(Effect::User {
            user,
            earlier: None,
            former,
        });
    }
    let reference = &change.user.reference;
    match &change.groups {
        UserGroups::Untouched | UserGroups::Changed => Ok(()),
        UserGroups::Add(groups) => add_memberships(reference, record, groups, context, plan),
        UserGroups::Remove(groups) => {
            for group in groups {
                let key = context.membership_key(&group.scope, &group.id, reference);
                for member in context
                    .facts
                    .members(&key)?
                    .iter()
                    .filter(|m| m.may_be_in())
                {
                    let group = recorded(group, context)?;
                    let user = id_of(record, reference);
                    plan.member(group, user, false, member.is_confirmed(), context);
                }
            }
            Ok(())
        }
        UserGroups::Replace(groups) => {
            let kept: BTreeSet<&GroupRef> = groups.iter().collect();
            for held in context
                .facts
                .groups(&context.user_groups_key(&change.user))?
            {
                let held = GroupRef {
                    scope: held.scope.clone(),
                    id: held.id.clone().unwrap_or_default(),
                };
                if !kept.contains(&held) {
                    plan.member(held, id_of(record, reference), false, false, context);
                }
            }
            add_memberships(reference, record, groups, context, plan)
        }
    }
}

pub(super) fn delete(user: &UserRef, context: &Context<'_>, plan: &mut Plan) -> Result<(), Stop> {
    let record = context.user(user)?;
    if let Some(before) = record.filter(|user| user.id.is_some()) {
        if context.owned_by_other(before.managed_by.as_deref()) {
            return Ok(());
        }
        let during = User {
            write_pending: true,
            deletion_pending: true,
            ..before.clone()
        };
        plan.unclear(Record::User(during), Record::User(before.clone()));
    }
    plan.done(Record::RemoveUser(ResourceKey {
        account: context.account_name.to_owned(),
        scope: String::new(),
        id: id_of(record, &user.reference),
    }));
    Ok(())
}

pub(super) fn id_of(record: Option<&User>, reference: &str) -> String {
    record
        .and_then(|user| user.id.clone())
        .unwrap_or_else(|| reference.to_owned())
}

fn add_memberships(
    reference: &str,
    record: Option<&User>,
    groups: &[GroupRef],
    context: &Context<'_>,
    plan: &mut Plan,
) -> Result<(), Stop> {
    for group in groups {
        let key = context.membership_key(&group.scope, &group.id, reference);
        if context.facts.members(&key)?.iter().any(|m| !m.may_be_in()) {
            let group = recorded(group, context)?;
            plan.member(group, id_of(record, reference), true, true, context);
        }
    }
    Ok(())
}

/// A group with its recorded id, since the request may write it in another case.
fn recorded(group: &GroupRef, context: &Context<'_>) -> Result<GroupRef, Stop> {
    let recorded = context.group(&group.scope, &group.id)?;
    let id = recorded.and_then(|recorded| recorded.id.clone());
    Ok(GroupRef {
        scope: group.scope.clone(),
        id: id.unwrap_or_else(|| group.id.clone()),
    })
}

/// The records that lose their external id to the user whom a write gives it to.
fn former_records(
    profile: &Profile,
    written: Written<'_>,
    context: &Context<'_>,
) -> Result<Vec<User>, Stop> {
    let kept = profile.external_id.value();
    let earlier = context.earlier_records(&profile.external_id, written)?;
    let loses = |user: &&User| user.external_id.as_deref() == kept;
    Ok(earlier.into_iter().filter(loses).cloned().collect())
}

/// The record of a user after a change.
fn changed_user(change: &UserChange, before: &User) -> User {
    let Profile {
        user_name,
        email,
        display_name,
        external_id,
        ..
    } = &change.profile;
    let mut after = before.clone();
    // Routes have one for both, as Harness has. In SCIM they are two attributes.
    let email = email.value().filter(|_| change.user.may_be_name);
    if let Some(name) = user_name.value().or(email) {
        name.clone_into(&mut after.user_name);
    }
    after.display_name = display_name.after(before.display_name.as_deref());
    if display_name.is_empty() && !changed_profile(&change.profile, before).is_empty() {
        after.display_name = full_name(&change.profile, before);
    }
    after.external_id = external_id.after(before.external_id.as_deref());
    after.active = change.active.after(before.active);
    after
}

/// Whether SCIM writes another e-mail and no user name: an application may have one for both.
fn may_be_renamed(change: &UserChange, before: &User) -> bool {
    let Profile {
        user_name, email, ..
    } = &change.profile;
    let is_other = |write: &FieldWrite| match write {
        FieldWrite::Set(email) => !same_but_for_case(email, &before.user_name),
        FieldWrite::Unknown(_) => true,
        FieldWrite::Clear => false,
    };
    !change.user.may_be_name && user_name.is_empty() && email.any(is_other)
}

/// The full name after all writes of its parts; `None` if it is unknown.
fn full_name(profile: &Profile, before: &User) -> Option<String> {
    let is_other = |write: &FieldWrite| match write {
        FieldWrite::Set(name) => before.display_name.as_ref() != Some(name),
        FieldWrite::Clear | FieldWrite::Unknown(_) => true,
    };
    if profile.other_names || profile.formatted_name.any(is_other) {
        return None;
    }
    let mut last_given = None;
    let mut last_family = None;
    for name in &profile.names {
        last_given = name.given.as_ref().or(last_given);
        last_family = name.family.as_ref().or(last_family);
    }
    match (last_given, last_family) {
        (None, None) => before.display_name.clone(),
        (Some(FieldWrite::Set(given)), Some(FieldWrite::Set(family))) => {
            Some(format!("{given} {family}"))
        }
        _ => None,
    }
}
