//! Changes that only the identity provider may make.

mod deactivated;
mod groups;
mod memberships;
mod provisioning;
mod users;
mod words;

pub(super) use provisioning::key as provisioning_key;

use crate::act::{Act, Edit};
use crate::known::Stop;
use crate::permit::context::Context;
use crate::policy::Deactivated;

/// Refuses changes that only the provider may make.
pub(super) fn check(act: &Act, context: &Context<'_>) -> Result<(), Stop> {
    for edit in &act.edits {
        match edit {
            Edit::CreateUser(new) => users::create(new, context)?,
            Edit::ChangeUser(change) => users::change(change, context)?,
            Edit::DeleteUser(user) => users::delete(user, context)?,
            Edit::CreateGroup(new) => groups::create(new, context)?,
            Edit::ChangeGroup(change) => groups::change(change, context)?,
            Edit::DeleteGroup(group) => groups::delete(group, context)?,
            Edit::Provisioning(edit) => provisioning::check(edit, context)?,
        }
    }
    Ok(())
}

/// Refuses changes of deactivated users. Checked last, so that ownership is reported first.
pub(super) fn check_deactivated(act: &Act, context: &Context<'_>) -> Result<(), Stop> {
    if context.account.deactivated == Deactivated::Editable {
        return Ok(());
    }
    act.edits
        .iter()
        .try_for_each(|edit| deactivated::check(edit, context))
}
