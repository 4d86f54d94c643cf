//! What a permitted act means for the record: what is stored before it is forwarded, and what its
//! answer settles.
//!
//! An intent is stored first, so that nothing that the provider did is ever unowned: not after a
//! crash, not while an answer is missing. Only a definite refusal takes it back.

use serde::{Deserialize, Serialize};

use super::{Intent, IntentKey, MemberRecord, Record, ResourceKey};
use crate::act::{
    Act, Edit, GroupChange, GroupRef, NewGroup, NewUser, Part, Profile, UserChange, UserGroups,
};
use crate::facts::{Group, ResourceKind, Stop, User};
use crate::fold::fold;
use crate::permit::Scene;
use crate::permit::scene::changed_profile;
use crate::token::Actor;

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
            Edit::CreateUser(new) => create_user(new, scene, now, &mut plan)?,
            Edit::ChangeUser(change) => change_user(change, scene, now, &mut plan)?,
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
            Edit::CreateGroup(new) => create_group(new, scene, now, &mut plan)?,
            Edit::ChangeGroup(change) => change_group(change, scene, now, &mut plan)?,
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
}

fn create_user(new: &NewUser, scene: &Scene<'_>, now: u64, plan: &mut Plan) -> Result<(), Stop> {
    let existing = scene.facts.user(&scene.new_user_key(&new.user_name))?;
    let Actor::Provisioner(provider) = scene.actor else {
        // An operator's user is native; a management route does not tell its id.
        if existing.is_none() && new.groups.is_empty() {
            plan.outcome.done.push(Done::User(User {
                account: scene.account_name.to_owned(),
                user_name: new.user_name.clone(),
                display_name: new.profile.display_name.after(None),
                external_id: new.profile.external_id.after(None),
                active: new.active.unwrap_or(true),
                ..User::default()
            }));
        }
        return match existing {
            Some(_) => add_memberships(&new.user_name, existing, &new.groups, scene, plan),
            None => Ok(()),
        };
    };
    let user = User {
        account: scene.account_name.to_owned(),
        id: existing.and_then(|user| user.id.clone()),
        user_name: new.user_name.clone(),
        display_name: new.profile.display_name.after(None),
        external_id: new.profile.external_id.after(None),
        active: new.active.unwrap_or(true),
        managed_by: Some(provider.clone()),
        pending: false,
        since: existing.and_then(|user| user.since).or(Some(now)),
        in_managed_group: false,
    };
    match existing {
        Some(before) if before.id.is_some() => {
            plan.before.push(Record::User(User {
                managed_by: Some(provider.clone()),
                pending: true,
                ..before.clone()
            }));
            plan.outcome.refused.push(Record::User(before.clone()));
        }
        existing => {
            let intent = Intent {
                kind: ResourceKind::User,
                account: user.account.clone(),
                key: fold(&new.user_name),
                user_name: Some(new.user_name.clone()),
                display_name: user.display_name.clone(),
                derived_id: None,
                external_id: user.external_id.clone(),
                active: user.active,
                provider: provider.clone(),
                at: user.since.unwrap_or(now),
                members: Vec::new(),
            };
            plan.intend(intent, existing.is_some());
        }
    }
    plan.outcome.done.push(Done::User(user));
    Ok(())
}

// === impl Plan: intents ===

impl Plan {
    /// An earlier create of the same name whose outcome is not known is not taken back when the
    /// backend says now that the name exists.
    fn intend(&mut self, intent: Intent, again: bool) {
        if !again {
            self.outcome.refused.push(Record::Withdraw(IntentKey {
                kind: intent.kind,
                account: intent.account.clone(),
                key: intent.key.clone(),
            }));
        }
        self.before.push(Record::Intent(intent));
    }
}

fn change_user(
    change: &UserChange,
    scene: &Scene<'_>,
    now: u64,
    plan: &mut Plan,
) -> Result<(), Stop> {
    let record = scene.user(&change.user)?;
    if let Some(before) = record.filter(|user| user.id.is_some()) {
        let mut after = changed_user(change, before);
        if let Actor::Provisioner(provider) = scene.actor
            && !scene.is_others(before.managed_by.as_deref())
        {
            if before.managed_by.is_none() {
                after.since = Some(now);
            }
            after.managed_by = Some(provider.clone());
        }
        let unclear = after != *before && after.managed_by.is_some();
        if unclear {
            plan.before.push(Record::User(User {
                managed_by: after.managed_by.clone(),
                since: after.since,
                pending: true,
                ..before.clone()
            }));
            plan.outcome.refused.push(Record::User(before.clone()));
        }
        let provisions = matches!(scene.actor, Actor::Provisioner(_));
        if after != *before || provisions {
            // Only the provider's own answer makes an unclear record clear again.
            after.pending = before.pending && !provisions;
            plan.outcome.done.push(Done::User(after));
        }
    } else if let Actor::Provisioner(provider) = scene.actor {
        plan.outcome.done.push(Done::User(User {
            account: scene.account_name.to_owned(),
            id: Some(change.user.reference.clone()),
            user_name: change
                .profile
                .user_name
                .value()
                .unwrap_or(&change.user.reference)
                .to_owned(),
            display_name: change.profile.display_name.after(None),
            external_id: change.profile.external_id.after(None),
            active: change.active.after(true),
            managed_by: Some(provider.clone()),
            since: Some(now),
            ..User::default()
        }));
    }
    let reference = &change.user.reference;
    match &change.groups {
        UserGroups::Untouched | UserGroups::Changed => Ok(()),
        UserGroups::Add(groups) => add_memberships(reference, record, groups, scene, plan),
        UserGroups::Remove(groups) => {
            for group in groups {
                plan.member(group, id_of(record, reference), false, scene);
            }
            Ok(())
        }
        UserGroups::Replace(groups) => {
            for held in scene.facts.groups(&scene.user_groups_key(&change.user))? {
                let held = GroupRef {
                    scope: held.scope.clone(),
                    id: held.id.clone().unwrap_or_default(),
                };
                if !groups.contains(&held) {
                    plan.member(&held, id_of(record, reference), false, scene);
                }
            }
            add_memberships(reference, record, groups, scene, plan)
        }
    }
}

fn id_of(record: Option<&User>, reference: &str) -> String {
    record
        .and_then(|user| user.id.clone())
        .unwrap_or_else(|| reference.to_owned())
}

fn add_memberships(
    reference: &str,
    record: Option<&User>,
    groups: &[GroupRef],
    scene: &Scene<'_>,
    plan: &mut Plan,
) -> Result<(), Stop> {
    for group in groups {
        let key = scene.membership_key(&group.scope, &group.id, reference);
        if scene.facts.members(&key)?.iter().any(|m| !m.present) {
            plan.member(group, id_of(record, reference), true, scene);
        }
    }
    Ok(())
}

// === impl Plan: memberships ===

impl Plan {
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

/// The record of a user after a change.
fn changed_user(change: &UserChange, before: &User) -> User {
    let Profile {
        user_name,
        email,
        display_name,
        external_id,
        ..
    } = &change.profile;
    let mut after = before.clone();
    // Where only the e-mail is known to change, it is the user name (Harness has one for both).
    if let Some(name) = user_name.value().or(email.value()) {
        name.clone_into(&mut after.user_name);
    }
    after.display_name = display_name.after(before.display_name.as_deref());
    if *display_name == Part::Untouched && !changed_profile(&change.profile, before).is_empty() {
        let full = match (&change.profile.given_name, &change.profile.family_name) {
            (Part::Untouched, Part::Untouched) => before.display_name.clone(),
            (Part::To(given), Part::To(family)) => Some(format!("{given} {family}")),
            _ => None,
        };
        after.display_name = full;
    }
    after.external_id = external_id.after(before.external_id.as_deref());
    after.active = change.active.after(before.active);
    after
}

fn create_group(new: &NewGroup, scene: &Scene<'_>, now: u64, plan: &mut Plan) -> Result<(), Stop> {
    let name = new.name.clone().unwrap_or_default();
    let derived_id = scene.account.derived_group_id(&name);
    let mut group = Group {
        account: scene.account_name.to_owned(),
        scope: new.scope.clone(),
        id: new.id.clone(),
        display_name: new.name.clone(),
        derived_id: derived_id.clone(),
        external_id: new.external_id.after(None),
        managed_by: None,
        pending: false,
        since: None,
        members_known: true,
    };
    let members = new.members.clone();
    match scene.actor {
        Actor::Operator => {
            let existing = match &new.id {
                Some(id) => scene.group(&new.scope, id)?,
                None => None,
            };
            match existing {
                // What exists is changed, never owned anew.
                Some(existing) => group = existing.clone(),
                None if group.id.is_none() && !new.scope.is_empty() => return Ok(()),
                None => {}
            }
        }
        Actor::Provisioner(provider) => {
            group.managed_by = Some(provider.clone());
            group.since = Some(now);
            let again = scene
                .groups_of_name(&new.scope, &name)?
                .iter()
                .any(|existing| existing.id.is_none());
            let intent = Intent {
                kind: ResourceKind::Group,
                account: group.account.clone(),
                key: group_intent_key(derived_id.as_deref(), &name),
                user_name: None,
                display_name: new.name.clone(),
                derived_id,
                external_id: group.external_id.clone(),
                active: true,
                provider: provider.clone(),
                at: now,
                members: members.clone(),
            };
            plan.intend(intent, again);
        }
    }
    plan.outcome.done.push(Done::Group {
        group,
        added: members,
        removed: Vec::new(),
    });
    Ok(())
}

/// What identifies an unsettled create of a group.
pub(crate) fn group_intent_key(derived_id: Option<&str>, name: &str) -> String {
    derived_id.map_or_else(|| fold(name), str::to_owned)
}

fn change_group(
    change: &GroupChange,
    scene: &Scene<'_>,
    now: u64,
    plan: &mut Plan,
) -> Result<(), Stop> {
    let record = scene
        .group(&change.group.scope, &change.group.id)?
        .filter(|group| group.id.is_some());
    let before = record.cloned().unwrap_or_else(|| Group {
        account: scene.account_name.to_owned(),
        scope: change.group.scope.clone(),
        id: Some(change.group.id.clone()),
        ..Group::default()
    });
    let mut after = before.clone();
    if change.name != Part::Untouched {
        after.display_name = change.name.after(before.display_name.as_deref());
        after.derived_id = after
            .display_name
            .as_deref()
            .and_then(|name| scene.account.derived_group_id(name));
    }
    after.external_id = change.external_id.after(before.external_id.as_deref());
    let provisions = match scene.actor {
        Actor::Provisioner(provider) if !scene.is_others(before.managed_by.as_deref()) => {
            if before.managed_by.is_none() {
                after.since = Some(now);
            }
            after.managed_by = Some(provider.clone());
            true
        }
        _ => false,
    };
    let moves = scene.moves(change)?;
    let id = before.id.clone().unwrap_or_default();
    let ids = |members: &[&crate::facts::Member]| -> Vec<String> {
        members
            .iter()
            .map(|member| id_of(member.user.as_ref(), &member.reference))
            .collect()
    };
    let (added, removed) = match scene.completed_replacement(change) {
        Some(replacement) => {
            after.members_known = true;
            replacement
        }
        None => (ids(&moves.added), ids(&moves.removed)),
    };
    if provisions {
        let member = |user: &String, present: bool| {
            Record::Member(MemberRecord {
                account: scene.account_name.to_owned(),
                scope: change.group.scope.clone(),
                group: id.clone(),
                user: user.clone(),
                present,
                pending: present,
            })
        };
        if after != before || record.is_none() {
            plan.before.push(Record::Group(Group {
                managed_by: after.managed_by.clone(),
                since: after.since,
                pending: true,
                ..before.clone()
            }));
            plan.outcome.refused.push(match record {
                Some(record) => Record::Group(record.clone()),
                None => Record::RemoveGroup(ResourceKey {
                    account: scene.account_name.to_owned(),
                    scope: change.group.scope.clone(),
                    id: id.clone(),
                }),
            });
        }
        plan.before
            .extend(added.iter().map(|user| member(user, true)));
        if record.is_some() {
            plan.outcome
                .refused
                .extend(added.iter().map(|user| member(user, false)));
        }
    }
    let changes = after != before || !added.is_empty() || !removed.is_empty();
    if provisions || changes {
        after.pending = before.pending && !provisions;
        plan.outcome.done.push(Done::Group {
            group: after,
            added,
            removed,
        });
    }
    Ok(())
}
