//! What the backend's later answers mean for the record, as lists of transitions that a store applies
//! in one transaction.

use std::collections::BTreeSet;

use super::transition::{Presence, Transition};
use super::{IntentKey, Record, Settled};
use crate::facts::{Group, GroupRowKey, MembershipKey, ResourceKind, RowId};

/// A transition that owns its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// [`Transition::Record`].
    Record(Record),
    /// [`Transition::Conclude`].
    Conclude(IntentKey, Option<String>),
    /// [`Transition::Reopen`]: kind, account, id.
    Reopen(ResourceKind, String, String),
    /// [`Transition::DoubtMembers`].
    DoubtMembers(GroupRowKey),
    /// [`Transition::SettleMember`].
    SettleMember(MembershipKey, Presence),
    /// [`Transition::DropRetry`].
    DropRetry(MembershipKey, Presence),
}

// === impl Step ===

impl Step {
    /// The transition.
    #[must_use]
    pub fn transition(&self) -> Transition<'_> {
        match self {
            Self::Record(record) => Transition::Record(record),
            Self::Conclude(intent, id) => Transition::Conclude(intent, id.as_deref()),
            Self::Reopen(kind, account, id) => Transition::Reopen(*kind, account, id),
            Self::DoubtMembers(group) => Transition::DoubtMembers(group.clone()),
            Self::SettleMember(key, found) => Transition::SettleMember(key, *found),
            Self::DropRetry(key, wanted) => Transition::DropRetry(key, *wanted),
        }
    }
}

/// A resource with the name of a create settles it. The resource's other fields stay open: the backend
/// is asked for them by its id.
#[must_use]
pub fn settle_by_name(intent: IntentKey, id: String) -> Vec<Step> {
    let reopen = Step::Reopen(intent.kind, intent.account.clone(), id.clone());
    vec![Step::Record(Record::Settle(Settled { intent, id })), reopen]
}

/// All attempts of a create are over: they created the resource of this id, or nothing.
#[must_use]
pub fn settle_at_last(intent: IntentKey, id: Option<String>) -> Vec<Step> {
    let known = id.clone();
    let reopen = known.map(|id| Step::Reopen(intent.kind, intent.account.clone(), id));
    let conclude = [Step::Conclude(intent, id)];
    conclude.into_iter().chain(reopen).collect()
}

/// A group still exists although its deletion was sent and not answered. It may be a new group of the
/// same id, so that its members are open now.
#[must_use]
pub fn settle_deletion(group: Group) -> Vec<Step> {
    let id = RowId::Known(group.id.clone().unwrap_or_default());
    let key = GroupRowKey::new(&group.account, &group.scope, id);
    vec![Step::Record(Record::Group(group)), Step::DoubtMembers(key)]
}

/// Which users of a group's open memberships are in, and which are not. A change that was not made is
/// kept to be repeated.
#[must_use]
pub fn settle_members(
    group: &GroupRowKey,
    members: &BTreeSet<String>,
    others: &BTreeSet<String>,
) -> Vec<Step> {
    let step = |user: &String, found| Step::SettleMember(MembershipKey::of(group, user), found);
    let members = members.iter().map(|user| step(user, Presence::In));
    let others = others.iter().map(|user| step(user, Presence::Out));
    members.chain(others).collect()
}
