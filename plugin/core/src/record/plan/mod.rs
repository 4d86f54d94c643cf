//! What a permitted act means for the record: what is stored before it is forwarded, and what its
//! answer settles.
//!
//! An intent is stored first, so that nothing that the provider did is ever unowned: not after a
//! crash, not while an answer is missing. Only a definite refusal takes it back.

use serde::{Deserialize, Serialize};

mod groups;
mod users;

pub(crate) use groups::group_intent_key;

use super::{Intent, IntentKey, MemberRecord, Record, ResourceKey};
use crate::act::{Act, Edit, GroupRef};
use crate::facts::{Group, Stop, User};
use crate::permit::Scene;

/// What becomes of the record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Before the request is forwarded.
    pub(crate) before: Vec<Record>,
    /// What its answer decides about.
    pub(crate) outcome: Outcome,
}

/// What the answer decides about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// If the backend refuses definitely.
    pub(crate) refused: Vec<Record>,
    /// An earlier create of the same name is still unclear: a conflict may well be with that.
    pub(crate) may_exist: bool,
    /// If it does what was asked.
    pub(crate) done: Vec<Done>,
}

/// A write that the backend is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Done {
    /// A user as the request describes it; the answer tells the rest.
    User(User),
    /// A group, and whom the request puts in and takes out.
    Group {
        group: Group,
        added: Vec<String>,
        removed: Vec<String>,
    },
    /// Whatever the answer says.
    Record(Record),
}

/// Plans the record of an act.
pub(crate) fn plan(act: &Act, scene: &Scene<'_>, now: u64) -> Result<Plan, Stop> {
    let mut plan = Plan::default();
    for edit in &act.edits {
        match edit {
            Edit::CreateUser(new) => users::create(new, scene, now, &mut plan)?,
            Edit::ChangeUser(change) => users::change(change, scene, now, &mut plan)?,
            Edit::DeleteUser(user) => {
                let record = scene.user(user)?;
                let id = record.and_then(|record| record.id.clone());
                let owned = record.is_some_and(|r| scene.is_others(r.managed_by.as_deref()));
                if !owned {
                    plan.done(Record::RemoveUser(ResourceKey {
                        account: scene.account_name.to_owned(),
                        scope: String::new(),
                        id: id.unwrap_or_else(|| user.reference.clone()),
                    }));
                }
            }
            Edit::CreateGroup(new) => groups::create(new, scene, now, &mut plan)?,
            Edit::ChangeGroup(change) => groups::change(change, scene, now, &mut plan)?,
            Edit::DeleteGroup(group) => {
                let record = scene.group(&group.scope, &group.id)?;
                let owned = record.is_some_and(|r| scene.is_others(r.managed_by.as_deref()));
                if !owned {
                    let id = record.and_then(|record| record.id.clone());
                    plan.done(Record::RemoveGroup(ResourceKey {
                        account: scene.account_name.to_owned(),
                        scope: group.scope.clone(),
                        id: id.unwrap_or_else(|| group.id.clone()),
                    }));
                }
            }
        }
    }
    Ok(plan)
}

// === impl Plan ===

impl Plan {
    fn done(&mut self, record: Record) {
        self.outcome.done.push(Done::Record(record));
    }

    /// `again`: an earlier create of the same name has no outcome yet.
    fn intend(&mut self, intent: Intent, again: bool) {
        self.outcome.may_exist = again;
        self.outcome.refused.push(Record::Withdraw(IntentKey {
            kind: intent.kind,
            account: intent.account.clone(),
            key: intent.key.clone(),
        }));
        self.before.push(Record::Intent(intent));
    }

    fn member(&mut self, group: &GroupRef, user: String, present: bool, scene: &Scene<'_>) {
        self.done(Record::Member(MemberRecord {
            account: scene.account_name.to_owned(),
            scope: group.scope.clone(),
            group: group.id.clone(),
            user,
            present,
            pending: false,
        }));
    }
}
