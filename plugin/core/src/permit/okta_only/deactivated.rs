//! A deactivated user cannot be changed until the provider reactivates them.

use super::words::Owned;
use crate::act::{Edit, UserChange, UserGroups};
use crate::facts::{Member, User};
use crate::known::Stop;
use crate::permit::context::{Context, changed_profile};
use crate::rules::Refusal;
use crate::rules::okta_only::USER_DEACTIVATED;

pub(super) fn check(edit: &Edit, context: &Context<'_>) -> Result<(), Stop> {
    let joins = |members: Vec<&Member>| -> Result<(), Stop> {
        for member in members {
            let user = member.user.as_ref();
            if let Some(user) = user.filter(|user| is_deactivated(user, context)) {
                return Err(
                    refused(user, &member.reference, "be put into a group", context).into(),
                );
            }
        }
        Ok(())
    };
    match edit {
        Edit::ChangeUser(change) => check_change(change, context),
        Edit::CreateGroup(new) => joins(context.new_members(new)?),
        Edit::ChangeGroup(change) => joins(context.moves(change)?.added),
        // A create of a deactivated user activates them, which is judged before.
        Edit::CreateUser(_)
        | Edit::DeleteUser(_)
        | Edit::DeleteGroup(_)
        | Edit::Provisioning(_) => Ok(()),
    }
}

fn check_change(change: &UserChange, context: &Context<'_>) -> Result<(), Stop> {
    let Some(user) = context.user(&change.user)? else {
        return Ok(());
    };
    // The provider may write the whole profile if it also sets the activity, to one value.
    let is_provider = !context.owned_by_other(user.managed_by.as_deref());
    let says = is_provider && change.active.agreed().is_some();
    if !is_deactivated(user, context) || says {
        return Ok(());
    }
    let reference = &change.user.reference;
    let profile = &change.profile;
    if profile
        .external_id
        .change_identifier(user.external_id.as_deref())
        || profile.others
        || profile.unlisted_field.is_some()
        || !changed_profile(profile, user).is_empty()
    {
        return Err(refused(user, reference, "be changed", context).into());
    }
    let joins = match &change.groups {
        UserGroups::Add(groups) | UserGroups::Replace(groups) => groups.as_slice(),
        _ => &[],
    };
    for group in joins {
        let key = context.membership_key(&group.scope, &group.id, reference);
        if context.facts.members(&key)?.iter().any(|m| !m.is_in()) {
            return Err(refused(user, reference, "be put into a group", context).into());
        }
    }
    Ok(())
}

/// Deactivated native users are the application's own business. If it is unclear whether a user is
/// deactivated, the provider may still write.
fn is_deactivated(user: &User, context: &Context<'_>) -> bool {
    let unclear = user.write_pending && !context.owned_by_other(user.managed_by.as_deref());
    user.managed_by.is_some() && !user.active && !unclear
}

fn refused(user: &User, reference: &str, what: &str, context: &Context<'_>) -> Refusal {
    let Owned { name, owner, came } = Owned::user(user, reference, context);
    USER_DEACTIVATED.because(format!(
        "Activate {name} in {owner} first: the user {came}, is deactivated there, and cannot {what} until then."
    ))
}
