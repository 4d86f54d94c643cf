//! What only the identity provider may change.

mod deactivated;
mod groups;
mod memberships;
mod provisioning;
mod users;
mod words;

pub(super) use provisioning::key as provisioning_key;

use crate::act::{Act, Edit};
use crate::known::Stop;
use crate::permit::scene::Scene;
use crate::policy::Deactivated;

/// Refuses what only the provider may do.
pub(super) fn check(act: &Act, scene: &Scene<'_>) -> Result<(), Stop> {
    for edit in &act.edits {
        match edit {
            Edit::CreateUser(new) => users::create(new, scene)?,
            Edit::ChangeUser(change) => users::change(change, scene)?,
            Edit::DeleteUser(user) => users::delete(user, scene)?,
            Edit::CreateGroup(new) => groups::create(new, scene)?,
            Edit::ChangeGroup(change) => groups::change(change, scene)?,
            Edit::DeleteGroup(group) => groups::delete(group, scene)?,
            Edit::Provisioning(edit) => provisioning::check(edit, scene)?,
        }
    }
    Ok(())
}

/// Refuses changes of deactivated users. The last rule: ownership is told first.
pub(super) fn check_deactivated(act: &Act, scene: &Scene<'_>) -> Result<(), Stop> {
    if scene.account.deactivated == Deactivated::Editable {
        return Ok(());
    }
    act.edits
        .iter()
        .try_for_each(|edit| deactivated::check(edit, scene))
}
