//! What only the identity provider may change.
super::rules! {
    /// Members of a pushed group are added and removed only by the provider that pushed it.
    GROUP_MEMBERSHIP = "okta-only.group-membership", Some(403), None, "Harness documentation: add, remove, edit group members only in Okta";
    /// A pushed group is renamed only by the provider that pushed it.
    GROUP_RENAME = "okta-only.group-rename", Some(403), None, "Harness documentation: rename groups only in Okta";
    /// A pushed group is deleted only by the provider that pushed it.
    GROUP_DELETE = "okta-only.group-delete", Some(403), None, "Harness documentation: delete groups only in Okta";
    /// The e-mail and full name of a user who came with a pushed group are changed only by the
    /// provider. With `direct_users: locked` this holds for every user that a provider provisioned.
    USER_PROFILE = "okta-only.user-profile", Some(403), None, "Harness documentation: edit a user's e-mail and full name only in Okta";
    /// The group assignments of a user who came with a pushed group are changed only by the
    /// provider.
    USER_GROUPS = "okta-only.user-groups", Some(403), None, "Harness documentation: edit a user's group assignments only in Okta";
    /// A user whom a provider provisioned is deleted, deactivated and brought back only by the
    /// provider.
    USER_DELETE = "okta-only.user-delete", Some(403), None, "Harness documentation: delete Okta-provisioned users only in Okta";
    /// Users are created only by the provider, where the policy says `local_users: deny`.
    USER_CREATE = "okta-only.user-create", Some(403), None, "IPSIE SCIM profile, AL2";
    /// A deactivated user whom a provider provisioned is not changed until the provider activates it
    /// again.
    USER_DEACTIVATED = "user.deactivated", Some(400), Some("mutability"), "Harness documentation: a deactivated user cannot be changed";
}

use crate::act::{Act, Activity, Edit, GroupRef, NewGroup, NewUser, Part, UserChange, UserGroups};
use crate::facts::{Group, Stop, User};
use crate::permit::scene::{Moves, Scene, changed_profile};
use crate::policy::LocalUsers;
use crate::refusal::Refusal;
use crate::token::Actor;

/// Refuses what only the provider may do.
pub(crate) fn check(act: &Act, scene: &Scene<'_>) -> Result<(), Stop> {
    for edit in &act.edits {
        match edit {
            Edit::CreateUser(new) => create_user(new, scene)?,
            Edit::ChangeUser(change) => change_user(change, scene)?,
            Edit::DeleteUser(user) => {
                if let Some(record) = scene.user(user)? {
                    delete_user(record, "Delete", scene)?;
                }
            }
            Edit::CreateGroup(new) => create_group(new, scene)?,
            Edit::ChangeGroup(change) => {
                let group = scene.group(&change.group.scope, &change.group.id)?;
                if let Some(group) = group {
                    rename_group(&change.name, change.rides_along.as_deref(), group, scene)?;
                }
                let moves = scene.moves(change)?;
                move_members(group, &change.group.id, &moves, scene)?;
            }
            Edit::DeleteGroup(group) => {
                if let Some(record) = scene.group(&group.scope, &group.id)? {
                    delete_group(record, scene)?;
                }
            }
        }
    }
    Ok(())
}

/// Refuses changes of deactivated users. The last rule: ownership is told first.
pub(crate) fn check_deactivated(act: &Act, scene: &Scene<'_>) -> Result<(), Stop> {
    for edit in &act.edits {
        match edit {
            Edit::CreateUser(new) => {
                if let Some(user) = scene.facts.user(&scene.new_user_key(&new.user_name))?
                    && is_deactivated(user)
                    && !new.groups.is_empty()
                {
                    return Err(deactivated(user, "be put into a group").into());
                }
            }
            Edit::ChangeUser(change) => change_deactivated(change, scene)?,
            Edit::CreateGroup(new) => {
                for member in scene.new_members(new)? {
                    refuse_new_member(member.user.as_ref())?;
                }
            }
            Edit::ChangeGroup(change) => {
                for member in scene.moves(change)?.added {
                    refuse_new_member(member.user.as_ref())?;
                }
            }
            Edit::DeleteUser(_) | Edit::DeleteGroup(_) => {}
        }
    }
    Ok(())
}

/// Creating whom exists is judged as an update, with the named memberships.
fn create_user(new: &NewUser, scene: &Scene<'_>) -> Result<(), Stop> {
    let mut existing = scene.facts.user(&scene.new_user_key(&new.user_name))?;
    if existing.is_none()
        && let Some(email) = new.profile.email.value()
    {
        existing = scene.user_named(email)?;
    }
    match existing {
        Some(user) => {
            if !user.active {
                delete_user(user, "Bring back", scene)?;
            }
            if new.active.is_some_and(|active| active != user.active) {
                delete_user(user, "Deactivate", scene)?;
            }
            // A create that says nothing of the name leaves it.
            edit_profile(&new.profile, user, scene)?;
        }
        None if *scene.actor == Actor::Operator
            && scene.account.local_users == LocalUsers::Deny =>
        {
            let provider = shown(&scene.account.provider);
            return Err(USER_CREATE
                .because(format!(
                    "Create the user in {provider}: users of this account are created only there."
                ))
                .into());
        }
        None => {}
    }
    for group in &new.groups {
        assign(existing, group, &new.user_name, true, scene)?;
    }
    Ok(())
}

fn change_user(change: &UserChange, scene: &Scene<'_>) -> Result<(), Stop> {
    let user = scene.user(&change.user)?;
    if let Some(user) = user {
        let unclear = user.pending && change.active != Activity::Untouched;
        if unclear || change.active.may_change(user.active) {
            let verb = if user.active {
                "Deactivate"
            } else {
                "Activate"
            };
            delete_user(user, verb, scene)?;
        }
        edit_profile(&change.profile, user, scene)?;
    }
    let reference = change.user.reference.as_str();
    match &change.groups {
        UserGroups::Untouched => {}
        UserGroups::Add(groups) => {
            for group in groups {
                assign(user, group, reference, true, scene)?;
            }
        }
        UserGroups::Remove(groups) => {
            for group in groups {
                assign(user, group, reference, false, scene)?;
            }
        }
        UserGroups::Replace(groups) => {
            for group in groups {
                assign(user, group, reference, true, scene)?;
            }
            for held in scene.facts.groups(&scene.user_groups_key(&change.user))? {
                let kept = groups
                    .iter()
                    .any(|group| group.scope == held.scope && Some(&group.id) == held.id.as_ref());
                if !kept {
                    move_user(user, Some(held), reference, scene)?;
                }
            }
        }
        UserGroups::Changed => {
            for held in scene.facts.groups(&scene.user_groups_key(&change.user))? {
                move_user(user, Some(held), reference, scene)?;
            }
            move_user(user, None, reference, scene)?;
        }
    }
    Ok(())
}

/// Puts a user into a group, or takes the user out; what is so already is no change.
fn assign(
    user: Option<&User>,
    group: &GroupRef,
    reference: &str,
    put_in: bool,
    scene: &Scene<'_>,
) -> Result<(), Stop> {
    let key = scene.membership_key(&group.scope, &group.id, reference);
    let is_in = scene.facts.members(&key)?.iter().any(|m| m.present);
    let record = scene.group(&group.scope, &group.id)?;
    if is_in == put_in {
        return Ok(());
    }
    move_user(user, record, reference, scene)
}

fn move_user(
    user: Option<&User>,
    group: Option<&Group>,
    reference: &str,
    scene: &Scene<'_>,
) -> Result<(), Stop> {
    if let Some(group) = group {
        membership_is_others(group, shown_user(user, reference), scene)?;
    }
    match user {
        Some(user) if scene.is_locked(user) => Err(groups_are_others(user).into()),
        _ => Ok(()),
    }
}

/// Creating what exists is judged as an update, with the named memberships.
fn create_group(new: &NewGroup, scene: &Scene<'_>) -> Result<(), Stop> {
    let mut existing: Vec<&Group> = Vec::new();
    if let Some(id) = &new.id {
        existing.extend(scene.group(&new.scope, id)?);
    }
    if *scene.actor == Actor::Operator
        && let Some(name) = &new.name
    {
        existing.extend(scene.groups_of_name(&new.scope, name)?);
    }
    let name = new.name.clone().map_or(Part::Untouched, Part::To);
    let id = new.id.as_deref().or(new.name.as_deref()).unwrap_or("");
    for group in existing {
        rename_group(&name, new.rides_along.as_deref(), group, scene)?;
        let moves = scene.moves_of_update(new, group)?;
        move_members(Some(group), id, &moves, scene)?;
    }
    let moves = Moves {
        added: scene.new_members(new)?,
        ..Moves::default()
    };
    move_members(None, id, &moves, scene)
}

fn rename_group(
    name: &Part,
    rides_along: Option<&str>,
    group: &Group,
    scene: &Scene<'_>,
) -> Result<(), Stop> {
    if !scene.is_others(group.managed_by.as_deref()) {
        return Ok(());
    }
    let owner = owner(group.managed_by.as_deref());
    let shown_name = shown_group(group);
    let renames = match name {
        Part::Untouched => false,
        Part::To(name) => group.pending || group.display_name.as_deref() != Some(name),
        Part::Empty | Part::Changed => true,
    };
    if renames {
        return Err(GROUP_RENAME
            .because(format!(
                "Rename the group in {owner}: {shown_name} was pushed by {owner} and its name is changed only there."
            ))
            .into());
    }
    if let Some(pointer) = rides_along {
        return Err(GROUP_RENAME
            .because(format!(
                "Leave {pointer} as it is: {shown_name} was pushed by {owner}, and only description, tags and the like may be changed here."
            ))
            .into());
    }
    Ok(())
}

fn move_members(
    group: Option<&Group>,
    id: &str,
    moves: &Moves<'_>,
    scene: &Scene<'_>,
) -> Result<(), Stop> {
    let first = moves.added.first().or(moves.removed.first());
    if let Some(group) = group
        && (moves.untold || first.is_some())
    {
        let who = first.map_or("its members", |member| {
            shown_user(member.user.as_ref(), &member.reference)
        });
        membership_is_others(group, who, scene)?;
    }
    let locked = moves
        .added
        .iter()
        .chain(&moves.removed)
        .filter_map(|member| member.user.as_ref())
        .find(|user| scene.is_locked(user));
    match locked {
        Some(user) => {
            let mut refusal = groups_are_others(user);
            refusal
                .detail
                .push_str(&format!(" Nothing was changed in {id}."));
            Err(refusal.into())
        }
        None => Ok(()),
    }
}

fn membership_is_others(group: &Group, who: &str, scene: &Scene<'_>) -> Result<(), Refusal> {
    if !scene.is_others(group.managed_by.as_deref()) {
        return Ok(());
    }
    let owner = owner(group.managed_by.as_deref());
    Err(GROUP_MEMBERSHIP.because(format!(
        "Change the members of {group} in {owner}: it was pushed by {owner}, and {who} is put in or taken out only there.",
        group = shown_group(group),
    )))
}

fn delete_group(group: &Group, scene: &Scene<'_>) -> Result<(), Refusal> {
    if !scene.is_others(group.managed_by.as_deref()) {
        return Ok(());
    }
    let owner = owner(group.managed_by.as_deref());
    Err(GROUP_DELETE.because(format!(
        "Delete the group in {owner}: {} was pushed by {owner} and is deleted only there.",
        shown_group(group)
    )))
}

fn delete_user(user: &User, verb: &str, scene: &Scene<'_>) -> Result<(), Refusal> {
    if !scene.is_others(user.managed_by.as_deref()) {
        return Ok(());
    }
    let owner = owner(user.managed_by.as_deref());
    let how = if user.in_managed_group {
        "take the user out of the pushed group, or deactivate the profile"
    } else {
        "remove the user from the application, or deactivate the profile"
    };
    Err(USER_DELETE.because(format!(
        "{verb} the user in {owner}: {name} was provisioned by {owner}. There, {how}.",
        name = user.user_name
    )))
}

fn edit_profile(
    profile: &crate::act::Profile,
    user: &User,
    scene: &Scene<'_>,
) -> Result<(), Refusal> {
    if !scene.is_locked(user) {
        return Ok(());
    }
    let changed = changed_profile(profile, user);
    let what = match (&profile.rides_along, changed.as_slice()) {
        (None, []) => return Ok(()),
        (Some(pointer), []) => pointer.clone(),
        (_, changed) => changed.join(" and "),
    };
    let owner = owner(user.managed_by.as_deref());
    let because = if user.in_managed_group {
        "came with a group that"
    } else {
        "was provisioned as a user that"
    };
    Err(USER_PROFILE.because(format!(
        "Change the {what} of {name} in {owner}: the user {because} {owner} manages, and it is changed only there.",
        name = user.user_name
    )))
}

fn groups_are_others(user: &User) -> Refusal {
    let owner = owner(user.managed_by.as_deref());
    USER_GROUPS.because(format!(
        "Change the groups of {name} in {owner}: the user is managed by {owner}, and the group assignments are changed only there.",
        name = user.user_name
    ))
}

fn change_deactivated(change: &UserChange, scene: &Scene<'_>) -> Result<(), Stop> {
    let Some(user) = scene.user(&change.user)? else {
        return Ok(());
    };
    if !is_deactivated(user) || matches!(change.active, Activity::To(_)) {
        return Ok(());
    }
    let external_id = match &change.profile.external_id {
        Part::Untouched => false,
        Part::To(value) => user.external_id.as_ref() != Some(value),
        Part::Empty | Part::Changed => true,
    };
    if external_id
        || change.profile.others
        || change.profile.rides_along.is_some()
        || !changed_profile(&change.profile, user).is_empty()
    {
        return Err(deactivated(user, "be changed").into());
    }
    let joins = match &change.groups {
        UserGroups::Add(groups) | UserGroups::Replace(groups) => groups.as_slice(),
        _ => &[],
    };
    for group in joins {
        let key = scene.membership_key(&group.scope, &group.id, &change.user.reference);
        if scene.facts.members(&key)?.iter().any(|m| !m.present) {
            return Err(deactivated(user, "be put into a group").into());
        }
    }
    Ok(())
}

fn refuse_new_member(user: Option<&User>) -> Result<(), Refusal> {
    match user {
        Some(user) if is_deactivated(user) => Err(deactivated(user, "be put into a group")),
        _ => Ok(()),
    }
}

/// Deactivated native users are the application's own business.
fn is_deactivated(user: &User) -> bool {
    user.managed_by.is_some() && !user.active
}

fn deactivated(user: &User, what: &str) -> Refusal {
    let owner = owner(user.managed_by.as_deref());
    USER_DEACTIVATED.because(format!(
        "Activate the user in {owner} first: {name} is deactivated and cannot {what} until then.",
        name = user.user_name
    ))
}

fn owner(managed_by: Option<&str>) -> String {
    shown(managed_by.unwrap_or("the identity provider"))
}

/// A provider's name as a person writes it.
fn shown(provider: &str) -> String {
    let mut letters = provider.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// By name where the request named an id.
fn shown_user<'a>(user: Option<&'a User>, reference: &'a str) -> &'a str {
    user.map_or(reference, |user| user.user_name.as_str())
}

fn shown_group(group: &Group) -> String {
    group
        .display_name
        .clone()
        .or_else(|| group.id.clone())
        .unwrap_or_else(|| "the group".to_owned())
}
