//! What a witness before the application knows, who sees each write that gets there: whose the users and
//! groups are, and where it can say nothing.

mod record;

use std::collections::BTreeSet;

pub use self::record::{Intended, Known, Record};
use crate::model::{Actor, Edit, Id, Profile, Rule, Verdict, World};

/// The user or group that a successful edit of the provider was about. `created`: the id in the answer.
#[must_use]
pub fn provisioned(edit: &Edit, created: Option<&str>) -> Option<Id> {
    match edit {
        Edit::WriteUser { user, .. } => Some(user.clone()),
        Edit::WriteGroup { group, .. } | Edit::ReplaceGroup { group, .. } => Some(group.clone()),
        _ => created.map(str::to_owned),
    }
}

/// Whether a write that the model refuses may reach the application all the same, since no guard can
/// know better. What became of an unclear write of its own, the provider need not know: the application
/// tells. It also tells everybody which name a user of the operators' own has, of whom the management API
/// tells the guard no id.
#[must_use]
pub fn is_undecided(
    world: &World,
    actor: Actor,
    edit: &Edit,
    verdict: &Verdict,
    is_faulty: bool,
) -> bool {
    let own_affair = [Rule::Deactivated, Rule::GroupId].map(Verdict::refused);
    let is_managed = |id: &Id| world.users.get(id).is_some_and(|user| user.managed);
    let takes_native_name = |profile: &Profile| {
        let holder = profile.mail.as_deref().and_then(|mail| world.named(mail));
        *verdict == Verdict::refused(Rule::UserName)
            && holder.is_some_and(|holder| !is_managed(holder))
    };
    match (actor, edit) {
        (Actor::Provisioner, _) if is_faulty && own_affair.contains(verdict) => true,
        (_, Edit::WriteUser { profile, .. }) => takes_native_name(profile),
        _ => false,
    }
}

/// Whom the provider claimed, by name or id, may be its own although the application did not do it: the
/// guard was killed on the way, or an answer was lost, and nobody can tell whose the user is that is
/// found later. The record decides.
pub fn grant_claims(world: &mut World, claimed: &BTreeSet<String>, record: &Record) {
    for (id, user) in &mut world.users {
        let mail = user.mail.to_lowercase();
        let claimed = claimed.contains(id) || claimed.contains(&mail);
        user.managed |= claimed && record.users.contains_key(id);
    }
}
