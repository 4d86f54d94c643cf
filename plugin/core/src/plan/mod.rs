//! What a permitted act means for the record: what is stored before it is forwarded, and what its
//! answer settles.
//!
//! An intent is stored first, so that everything that the provider does has an owner, even after a
//! crash or while an answer is missing. Only a definite refusal withdraws it.

use serde::{Deserialize, Serialize};

mod groups;
mod kept;
mod users;

pub(crate) use groups::group_intent_key;

use crate::act::{Act, Edit, GroupRef};
use crate::facts::{Group, Membership, Origin, User};
use crate::known::Stop;
use crate::permit::Context;
use crate::record::{Intent, IntentKey, MemberRecord, Record};

/// The changes of the record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Stored before the request is forwarded.
    pub(crate) before: Vec<Record>,
    /// Depends on the answer.
    pub(crate) outcome: Effects,
}

/// Changes that depend on the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Effects {
    /// If the backend definitely refuses.
    #[serde(with = "kept")]
    pub(crate) refused: Vec<Record>,
    /// An earlier create of the same name is still unclear, so a conflict may be with that one.
    pub(crate) may_exist: bool,
    /// If the backend does what was asked.
    pub(crate) done: Vec<Effect>,
}

/// A write that the backend is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Effect {
    /// A user as the request describes them; the answer supplies the rest.
    User {
        user: User,
        /// The existing record of this user name, if the user is created again.
        earlier: Option<Box<User>>,
        /// Records of other names that lose their external id to this one: the same person, who
        /// returns.
        former: Vec<User>,
    },
    /// A group, and the members that the request adds and removes.
    Group {
        group: Group,
        added: Vec<String>,
        removed: Vec<String>,
    },
    /// A record that does not depend on the content of the answer.
    Record(#[serde(with = "kept::Kept")] Record),
}

/// Plans the record of an act.
pub(crate) fn plan(act: &Act, context: &Context<'_>, now: u64) -> Result<Plan, Stop> {
    let mut plan = Plan::default();
    for edit in &act.edits {
        match edit {
            Edit::CreateUser(new) => users::create(new, context, now, &mut plan)?,
            Edit::ChangeUser(change) => users::change(change, context, now, &mut plan)?,
            Edit::DeleteUser(user) => users::delete(user, context, &mut plan)?,
            Edit::CreateGroup(new) => groups::create(new, context, now, &mut plan)?,
            Edit::ChangeGroup(change) => groups::change(change, context, now, &mut plan)?,
            Edit::DeleteGroup(group) => groups::delete(group, context, &mut plan)?,
            Edit::Provisioning(_) => {}
        }
    }
    Ok(plan)
}

// === impl Effects ===

impl Effects {
    /// Whether the request only deletes.
    pub(crate) fn is_deletion(&self) -> bool {
        let deletes = |done: &Effect| {
            matches!(
                done,
                Effect::Record(Record::RemoveUser(_) | Record::RemoveGroup(_))
            )
        };
        !self.done.is_empty() && self.done.iter().all(deletes)
    }

    /// Whether the create was of a user who already had this id.
    pub(crate) fn knew(&self, id: Option<&str>) -> bool {
        self.done.iter().any(|done| match done {
            Effect::User {
                earlier, former, ..
            } => earlier
                .as_deref()
                .into_iter()
                .chain(former)
                .any(|known| known.id.as_deref() == id),
            Effect::Group { .. } | Effect::Record(_) => false,
        })
    }
}

// === impl Plan ===

impl Plan {
    /// An owned resource that is about to be written: uncertain until the answer comes.
    fn unclear(&mut self, during: Record, before: Record) {
        self.before.push(during);
        self.outcome.refused.push(before);
    }

    fn done(&mut self, record: Record) {
        self.outcome.done.push(Effect::Record(record));
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

    /// Adds a user to a native group with its recorded id, or removes a member. Until the answer
    /// comes, the user counts as a member. `certain`: the opposite state was certain before the
    /// write, so a refusal restores it; an uncertain state stays uncertain.
    fn member(
        &mut self,
        group: GroupRef,
        user: String,
        present: bool,
        certain: bool,
        context: &Context<'_>,
    ) {
        let done = MemberRecord {
            account: context.account_name.to_owned(),
            scope: group.scope,
            group: group.id,
            user,
            state: present.then_some(Membership::Confirmed),
            by: None,
        };
        let during = MemberRecord {
            state: Some(match present {
                true => Membership::Unconfirmed,
                false => Membership::Removing,
            }),
            ..done.clone()
        };
        let before = MemberRecord {
            state: (!present).then_some(Membership::Confirmed),
            ..done.clone()
        };
        self.before.push(Record::Member(during));
        if certain {
            self.outcome.refused.push(Record::Member(before));
        }
        self.done(Record::Member(done));
    }
}

/// What is recorded of a user in a group; without a state the user is not in it.
fn member(group: &Group, user: &str, state: Option<Membership>, by: Option<&str>) -> Record {
    Record::Member(MemberRecord {
        account: group.account.clone(),
        scope: group.scope.clone(),
        group: group.id.clone().unwrap_or_default(),
        user: user.to_owned(),
        state,
        by: by.map(str::to_owned),
    })
}

/// Gives a provider the ownership of what it writes.
struct Claim<'a> {
    provider: &'a str,
    token: Option<&'a str>,
    now: u64,
}

impl<'a> Claim<'a> {
    fn new(provider: &'a str, context: &Context<'a>, now: u64) -> Self {
        Self {
            provider,
            token: context.token,
            now,
        }
    }

    /// `origin`: how an unowned resource becomes the provider's.
    fn user(&self, user: &mut User, origin: fn(Option<String>) -> Origin) {
        if user.managed_by.is_none() {
            user.since = Some(self.now);
            user.origin = Some(origin(self.token.map(str::to_owned)));
        }
        user.managed_by = Some(self.provider.to_owned());
    }

    fn group(&self, group: &mut Group, origin: fn(Option<String>) -> Origin) {
        if group.managed_by.is_none() {
            group.since = Some(self.now);
            group.origin = Some(origin(self.token.map(str::to_owned)));
        }
        group.managed_by = Some(self.provider.to_owned());
    }
}
