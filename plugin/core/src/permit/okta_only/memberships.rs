//! Memberships: who may add or remove members of a group, and which users may be moved.

use super::words::Owned;
use crate::facts::{Group, User};
use crate::permit::context::Context;
use crate::rules::Refusal;
use crate::rules::okta_only::{GROUP_MEMBERSHIP, USER_GROUPS};

/// `who`: the user that the write adds (`true`) or removes, if known.
pub(super) fn may_change_members(
    group: &Group,
    id: &str,
    who: Option<(&str, bool)>,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    if !context.owned_by_other(group.managed_by.as_deref()) {
        return Ok(());
    }
    let Owned { name, owner, came } = Owned::group(group, id, context);
    let instead = match who {
        Some((who, true)) => format!("Add {who} to the group in {owner}"),
        Some((who, false)) => format!("Remove {who} from the group in {owner}"),
        None => format!("Change the members of the group in {owner}"),
    };
    Err(GROUP_MEMBERSHIP.because(format!(
        "{instead}: {name} {came}, and its members are changed only there."
    )))
}

/// Refuses moving a user whose groups are the provider's.
pub(super) fn may_move(user: &User, reference: &str, context: &Context<'_>) -> Result<(), Refusal> {
    if !context.is_locked(user) {
        return Ok(());
    }
    let Owned { name, owner, came } = Owned::user(user, reference, context);
    Err(USER_GROUPS.because(format!(
        "Change the groups of {name} in {owner}: the user {came}, and the group assignments are changed only there."
    )))
}
