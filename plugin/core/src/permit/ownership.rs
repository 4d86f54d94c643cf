//! Refuses names and ids that belong to somebody else.

use crate::act::{Act, Edit, EmailUse, GroupRef, NewUser, UserRef, Writes};
use crate::facts::{Group, Holder, ResourceKind, User};
use crate::fold::{fold, look_alike};
use crate::known::Stop;
use crate::permit::{Context, Written};
use crate::policy::Adoption;
use crate::rules::Refusal;
use crate::rules::ownership::{EXTERNAL_ID, GROUP_ID, NATIVE_GROUP, NATIVE_USER, USER_NAME};
use crate::token::Actor;

/// Refuses names and ids that belong to somebody else, and take-overs that the policy denies.
pub(super) fn check(act: &Act, context: &Context<'_>) -> Result<(), Stop> {
    for edit in &act.edits {
        match edit {
            Edit::CreateUser(new) => {
                let existing = context.facts.user(&context.new_user_key(&new.user_name))?;
                take_over_user(existing, context)?;
                let id = existing.and_then(|user| user.id.as_deref());
                let external_id = &new.profile.external_id;
                let written = Written {
                    id,
                    name: Some(&new.user_name),
                };
                let person = Person {
                    now: existing,
                    earlier: context.earlier_records(external_id, written)?,
                };
                new_emails_are_free(new, &person, context)?;
                nobody_looks_alike(&new.user_name, &person, context)?;
                external_id_is_free(
                    external_id,
                    ResourceKind::User,
                    id,
                    Some(&new.user_name),
                    &person,
                    context,
                )?;
            }
            Edit::ChangeUser(change) => {
                let user = context.user(&change.user)?;
                take_over_user(user, context)?;
                let profile = &change.profile;
                let id = id_of(user, &change.user);
                let written = Written {
                    id: Some(id),
                    name: None,
                };
                let person = Person {
                    now: user,
                    earlier: context.earlier_records(&profile.external_id, written)?,
                };
                for name in profile.user_name.values().chain(profile.own_emails()) {
                    if names_locked(profile.email_use, name, user, context)? {
                        continue;
                    }
                    name_is_free(name, &person, context)?;
                    nobody_looks_alike(name, &person, context)?;
                }
                external_id_is_free(
                    &profile.external_id,
                    ResourceKind::User,
                    Some(id),
                    profile.user_name.value(),
                    &person,
                    context,
                )?;
            }
            Edit::DeleteUser(user) => take_over_user(context.user(user)?, context)?,
            Edit::CreateGroup(new) => {
                external_id_is_free(
                    &new.external_id,
                    ResourceKind::Group,
                    new.id.as_deref(),
                    new.name.as_deref(),
                    &Person::default(),
                    context,
                )?;
                if let (Actor::Provisioner(_), Some(name)) = (context.actor, &new.name) {
                    group_id_is_free(name, None, &new.scope, context)?;
                }
            }
            Edit::ChangeGroup(change) => {
                let group = context.group(&change.group.scope, &change.group.id)?;
                take_over_group(group, context)?;
                external_id_is_free(
                    &change.external_id,
                    ResourceKind::Group,
                    Some(&change.group.id),
                    None,
                    &Person::default(),
                    context,
                )?;
                if let Actor::Provisioner(_) = context.actor {
                    for name in change.name.values() {
                        group_id_is_free(name, Some(&change.group), &change.group.scope, context)?;
                    }
                }
            }
            Edit::DeleteGroup(group) => {
                take_over_group(context.group(&group.scope, &group.id)?, context)?;
            }
            Edit::Provisioning(_) => {}
        }
    }
    Ok(())
}

/// The records of the person that a write is about: the user's own, and earlier ones of a returning
/// user.
#[derive(Default)]
struct Person<'a> {
    now: Option<&'a User>,
    earlier: Vec<&'a User>,
}

impl Person<'_> {
    /// Whether a record is an earlier one of this person.
    fn was(&self, id: Option<&str>) -> bool {
        id.is_some() && self.earlier.iter().any(|user| user.id.as_deref() == id)
    }
}

fn take_over_user(user: Option<&User>, context: &Context<'_>) -> Result<(), Stop> {
    match (user, context.actor) {
        (Some(user), Actor::Provisioner(_))
            if user.managed_by.is_none() && context.account.adopt_users == Adoption::Deny =>
        {
            Err(NATIVE_USER
                .because(format!(
                    "{} exists in the application and was not provisioned by the identity provider. Set adopt.users to allow, or remove the user there first.",
                    user.user_name
                ))
                .into())
        }
        _ => Ok(()),
    }
}

fn take_over_group(group: Option<&Group>, context: &Context<'_>) -> Result<(), Stop> {
    match (group, context.actor) {
        (Some(group), Actor::Provisioner(_))
            if group.managed_by.is_none() && context.account.adopt_groups == Adoption::Deny =>
        {
            Err(NATIVE_GROUP
                .because(
                    "The group belongs to the application and was not pushed by the identity provider. Push a group of your own: both are kept.",
                )
                .into())
        }
        _ => Ok(()),
    }
}

/// Refuses a new user if any e-mail in the request belongs to another user.
fn new_emails_are_free(
    new: &NewUser,
    person: &Person<'_>,
    context: &Context<'_>,
) -> Result<(), Stop> {
    for email in new.profile.own_emails() {
        // An operator's create with an owned user's e-mail is judged as an update of that user.
        let is_update = person.now.is_none()
            && *context.actor == Actor::Operator
            && context
                .user_named(email)?
                .is_some_and(|holder| context.owned_by_other(holder.managed_by.as_deref()));
        if !is_update {
            name_is_free(email, person, context)?;
            nobody_looks_alike(email, person, context)?;
        }
    }
    Ok(())
}

/// Whether an e-mail only says which user to change, and that user, or the one that the application
/// only checks, is locked by the provider. The edit is then judged as an edit of that user.
fn names_locked(
    email_use: EmailUse,
    name: &str,
    user: Option<&User>,
    context: &Context<'_>,
) -> Result<bool, Stop> {
    if email_use == EmailUse::Given {
        return Ok(false);
    }
    let named = context.user_named(name)?;
    Ok([user, named]
        .into_iter()
        .flatten()
        .any(|user| context.is_locked(user)))
}

/// Refuses a user name or e-mail that belongs to another user.
fn name_is_free(name: &str, person: &Person<'_>, context: &Context<'_>) -> Result<(), Stop> {
    let Some(holder) = context.user_named(name)? else {
        return Ok(());
    };
    let is_same = match (&holder.id, context.actor) {
        // The provider's own create whose outcome was unclear becomes visible.
        (None, Actor::Provisioner(_)) => true,
        (Some(_), _) if person.was(holder.id.as_deref()) => true,
        (id, _) => person
            .now
            .is_some_and(|user| user.id == *id && fold(&user.user_name) == fold(&holder.user_name)),
    };
    if is_same {
        return Ok(());
    }
    Err(is_anothers_name(name).into())
}

/// The refusal of a name that another user has.
pub(super) fn is_anothers_name(name: &str) -> Refusal {
    USER_NAME.because(format!(
        "{name} is the name of another user of this account. Give each user a name and an e-mail of their own."
    ))
}

/// Refuses a name that can be mistaken for another user's.
fn nobody_looks_alike(name: &str, person: &Person<'_>, context: &Context<'_>) -> Result<(), Stop> {
    for holder in context.facts.holders(&context.alike_key(name))? {
        let other = holder.name.as_deref().unwrap_or_default();
        let is_same = fold(name) == fold(other)
            || person.was(holder.id.as_deref())
            || person
                .now
                .is_some_and(|user| user.id == holder.id && user.user_name == other);
        if !is_same && look_alike(name, other) {
            return Err(USER_NAME
                .because(format!(
                    "{name} looks like the name of another user of this account, with other characters. Give each user a name and an e-mail that cannot be mistaken for another user's."
                ))
                .into());
        }
    }
    Ok(())
}

fn external_id_is_free(
    external_id: &Writes,
    kind: ResourceKind,
    id: Option<&str>,
    name: Option<&str>,
    person: &Person<'_>,
    context: &Context<'_>,
) -> Result<(), Stop> {
    let is_same = |holder: &Holder| {
        holder.kind == kind
            && match (&holder.id, id) {
                (Some(holder), Some(id)) if holder == id => true,
                (Some(holder), _) if person.was(Some(holder)) => true,
                // A create that is not settled: sent again, or its resource was returned.
                (None, _) => name.is_none() || holder.name.as_deref().map(fold) == name.map(fold),
                _ => false,
            }
    };
    for value in external_id.values() {
        let key = context.external_id_key(value);
        if !context.facts.holders(&key)?.iter().all(is_same) {
            return Err(EXTERNAL_ID
                .because(
                    "The externalId is already the id or externalId of another user or group of this account. Map externalId to an id of the identity provider that is unique.",
                )
                .into());
        }
    }
    Ok(())
}

/// Refuses a pushed group that would get the id of another pushed group.
fn group_id_is_free(
    name: &str,
    target: Option<&GroupRef>,
    scope: &str,
    context: &Context<'_>,
) -> Result<(), Stop> {
    for group in context.groups_of_name(scope, name)? {
        let is_target = target.is_some_and(|target| group.id.as_ref() == Some(&target.id));
        if group.managed_by.is_some() && !is_target && group.display_name.as_deref() != Some(name) {
            let other = group.display_name.as_deref().unwrap_or("of this id");
            let id = context.account.derived_group_id(other);
            let advice = match id == context.account.derived_group_id(name) {
                true => "that differs in more than periods, dashes and spaces",
                false => "whose letters differ, not only its accents, leading digits and signs",
            };
            return Err(GROUP_ID
                .because(format!(
                    "{name} would get the same id as the pushed group {other}. Choose a name {advice}."
                ))
                .into());
        }
    }
    Ok(())
}

fn id_of<'a>(user: Option<&'a User>, reference: &'a UserRef) -> &'a str {
    user.and_then(|user| user.id.as_deref())
        .unwrap_or(&reference.reference)
}
