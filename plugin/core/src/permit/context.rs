//! What the rules see: the actor, the account, and the record as the facts describe it.

use std::collections::BTreeSet;
use std::ops::Deref;

use crate::act::{
    FieldWrite, GroupChange, GroupRef, MembersWrite, NameWrite, NewGroup, Profile, UserRef, Writes,
};
use crate::facts::{Group, Member, User};
use crate::fold::same_but_for_case;
use crate::known::{Facts, Stop};
use crate::policy::{Account, DirectUsers};
use crate::token::Actor;

/// The actor and the account.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub(crate) account_name: &'a str,
    pub(crate) account: &'a Account,
    pub(crate) actor: &'a Actor,
    /// The id of the verified token; `None`: the application authenticates its callers itself, and
    /// refusals must not reveal names that the request does not contain.
    pub(crate) token: Option<&'a str>,
    /// References to members may be user names, as in the management API.
    pub(crate) names: bool,
    /// The members that the backend lists for a group whose record is incomplete.
    pub(crate) completed: Option<&'a BTreeSet<String>>,
}

/// The actor, the account, and the record.
pub(crate) struct Context<'a> {
    setting: Setting<'a>,
    pub(crate) facts: &'a Facts,
}

/// The members that a write adds to a group and removes from it, without those that change nothing.
#[derive(Debug, Default)]
pub(crate) struct MembershipDelta<'f> {
    pub(crate) added: Vec<&'f Member>,
    pub(crate) removed: Vec<&'f Member>,
    /// The request names the members that it removes, instead of leaving them out.
    pub(crate) names_removed: bool,
    /// The members change in an unknown way.
    pub(crate) unknown: bool,
    /// A named user who is not on record, whether a member or not: this may be a user of another name.
    pub(crate) unseen: Option<&'f Member>,
}

// === impl Setting ===

impl<'a> Setting<'a> {
    pub(crate) fn with<'f>(self, facts: &'f Facts) -> Context<'f>
    where
        'a: 'f,
    {
        Context {
            setting: self,
            facts,
        }
    }
}

impl<'a> Deref for Context<'a> {
    type Target = Setting<'a>;

    fn deref(&self) -> &Setting<'a> {
        &self.setting
    }
}

// === impl Context ===

impl<'a> Context<'a> {
    /// The record of a user that a request names. If the reference is the id of one user and the
    /// name of another, the more strictly locked of them.
    pub(crate) fn user(&self, user: &UserRef) -> Result<Option<&'a User>, Stop> {
        let named = match user.may_be_name {
            true => self.facts.user(&self.name_key(&user.reference)),
            false => Ok(None),
        };
        // A create that is not settled has no id yet, and is found by its name.
        if let Ok(Some(named)) = named
            && named.id.is_none()
        {
            return Ok(Some(named));
        }
        let by_id = self.facts.user(&self.user_key(&user.reference));
        // A user that was found in one way need not be found in the other too.
        let (named, by_id) = match (named, by_id) {
            (Err(Stop::Refuse(_)), Ok(Some(by_id))) => (None, Some(by_id)),
            (Ok(Some(named)), Err(Stop::Refuse(_))) => (Some(named), None),
            (named, by_id) => (named?, by_id?),
        };
        let both = named.into_iter().chain(by_id);
        Ok(both.max_by_key(|user| user.locks()))
    }

    /// The record of the user of this name.
    pub(crate) fn user_named(&self, name: &str) -> Result<Option<&'a User>, Stop> {
        self.facts.user(&self.name_key(name))
    }

    /// The record of a group.
    pub(crate) fn group(&self, scope: &str, id: &str) -> Result<Option<&'a Group>, Stop> {
        self.facts.group(&self.group_key(scope, id))
    }

    /// The record of the group whose id is the one derived from a name, in any case.
    pub(crate) fn existing_group(&self, scope: &str, id: &str) -> Result<Option<&'a Group>, Stop> {
        self.facts.group(&self.existing_group_key(scope, id))
    }

    /// The groups whose ids may be derived from a name.
    pub(crate) fn groups_of_name(&self, scope: &str, name: &str) -> Result<Vec<&'a Group>, Stop> {
        let mut groups: Vec<&Group> = Vec::new();
        for key in self.derived_id_keys(scope, name) {
            for group in self.facts.groups(&key)? {
                if !groups.contains(&group) {
                    groups.push(group);
                }
            }
        }
        Ok(groups)
    }

    /// Whether this provider, which is not the actor, owns the resource.
    pub(crate) fn owned_by_other(&self, managed_by: Option<&str>) -> bool {
        match (managed_by, self.actor) {
            (None, _) => false,
            (Some(_), Actor::Operator) => true,
            (Some(owner), Actor::Provisioner(provider)) => owner != provider,
        }
    }

    /// The provider whose write this is, of a resource that no other one owns.
    pub(crate) fn provider_of(&self, managed_by: Option<&str>) -> Option<&'a String> {
        match self.actor {
            Actor::Provisioner(provider) if !self.owned_by_other(managed_by) => Some(provider),
            _ => None,
        }
    }

    /// Whether the provider owns a user's profile and groups.
    pub(crate) fn is_locked(&self, user: &User) -> bool {
        self.owned_by_other(user.managed_by.as_deref())
            && (user.in_managed_group || self.account.direct_users == DirectUsers::Locked)
    }

    /// How a change of a group affects its members, as far as the record knows them. Each operation
    /// counts alone, so that no later one can hide it.
    pub(crate) fn moves(&self, change: &GroupChange) -> Result<MembershipDelta<'a>, Stop> {
        let (group, members) = (&change.group, &change.members);
        let keys = self.moves_keys(group, members);
        let mut moves = MembershipDelta {
            unknown: *members.net() == MembersWrite::Unknown,
            names_removed: matches!(members.net(), MembersWrite::Delta { .. }),
            ..MembershipDelta::default()
        };
        if let Some(key) = &keys.named {
            let named = self.facts.members(key)?;
            moves.unseen = named.iter().find(|member| member.user.is_none());
            let record = self.group(&group.scope, &group.id)?;
            // Adding a user who may already be out counts as an addition.
            let replaces = members.kept().is_some();
            let stays = |m: &Member| {
                self.is_in(m, group, record) && (!replaces || self.is_named_exactly(m))
            };
            let added = named
                .iter()
                .filter(|m| members.added().contains(&m.reference) && !stays(m));
            moves.added.extend(added);
            let removed = named
                .iter()
                .filter(|m| members.removed().contains(&m.reference) && m.may_be_in());
            moves.removed.extend(removed);
        }
        if let Some(key) = &keys.replaced {
            let added = &self.facts.difference(key)?.added;
            moves.added.extend(added.iter().filter(|m| !m.is_in()));
        }
        if let Some(key) = &keys.left_out {
            moves.removed.extend(&self.facts.difference(key)?.removed);
        }
        Ok(moves)
    }

    /// Whether a user is in exactly the group that a request names: an id in another case may be
    /// another group's.
    pub(crate) fn is_in(&self, member: &Member, group: &GroupRef, record: Option<&Group>) -> bool {
        let is_group = record.is_none_or(|record| record.id.as_ref() == Some(&group.id));
        member.is_in() && is_group
    }

    /// Whether a request names a user by the recorded id, or by the recorded name where that is
    /// allowed. An application that compares exactly drops a user with another spelling from a
    /// list.
    fn is_named_exactly(&self, member: &Member) -> bool {
        member.user.as_ref().is_none_or(|user| {
            user.id.as_ref() == Some(&member.reference)
                || (self.names && same_but_for_case(&user.user_name, &member.reference))
        })
    }

    /// How all operations of a change together affect the members of a group, including users whose
    /// membership is open.
    pub(crate) fn moves_to_record(
        &self,
        change: &GroupChange,
    ) -> Result<MembershipDelta<'a>, Stop> {
        let key = self.net_members_key(&change.group, &change.members);
        Ok(match (change.members.net(), key) {
            (MembersWrite::Untouched, _) | (_, None) => MembershipDelta::default(),
            (MembersWrite::Delta { add, remove }, Some(key)) => {
                let members = self.facts.members(&key)?;
                MembershipDelta {
                    added: members
                        .iter()
                        .filter(|m| add.contains(&m.reference) && !m.is_confirmed())
                        .collect(),
                    removed: members
                        .iter()
                        .filter(|m| remove.contains(&m.reference) && m.may_be_in())
                        .collect(),
                    names_removed: true,
                    ..MembershipDelta::default()
                }
            }
            (MembersWrite::Replace(_), Some(key)) => {
                let difference = self.facts.difference(&key)?;
                MembershipDelta {
                    added: difference
                        .added
                        .iter()
                        .filter(|m| !m.is_confirmed())
                        .collect(),
                    removed: difference.removed.iter().collect(),
                    ..MembershipDelta::default()
                }
            }
            (MembersWrite::Unknown, Some(key)) => MembershipDelta {
                added: Vec::new(),
                removed: self.facts.difference(&key)?.removed.iter().collect(),
                unknown: true,
                ..MembershipDelta::default()
            },
        })
    }

    /// The members that a replacement adds and removes, compared with the backend's own list.
    pub(crate) fn completed_replacement(
        &self,
        change: &GroupChange,
    ) -> Option<(Vec<String>, Vec<String>)> {
        let (Some(actual), MembersWrite::Replace(wanted)) = (self.completed, change.members.net())
        else {
            return None;
        };
        Some((
            wanted.difference(actual).cloned().collect(),
            actual.difference(wanted).cloned().collect(),
        ))
    }

    /// How the create of an existing group affects its members, since the application may treat it
    /// as an update.
    pub(crate) fn moves_of_update(
        &self,
        new: &NewGroup,
        group: &Group,
    ) -> Result<MembershipDelta<'a>, Stop> {
        let name = new.name.as_deref();
        let derived = name.map(|name| self.account.group_ids(name));
        let mut asked = new.id.iter().chain(derived.iter().flatten());
        // By the group's own id if the request may mean it, else by the most likely id.
        let own = asked.clone().find(|id| group.id.as_ref() == Some(id));
        let likeliest = || match &derived {
            Some(derived) if !derived.is_empty() => derived.first(),
            _ => asked.next(),
        };
        match own.or_else(likeliest) {
            Some(id) => self.moves_of_replacement(new, id),
            None => Ok(MembershipDelta::default()),
        }
    }

    /// The changes that leave exactly the named members in the group of this id, recorded or not.
    pub(crate) fn moves_of_replacement(
        &self,
        new: &NewGroup,
        id: &str,
    ) -> Result<MembershipDelta<'a>, Stop> {
        let difference = self.facts.difference(&self.replacement_key(new, id))?;
        let mut added: Vec<&Member> = difference.added.iter().filter(|m| !m.is_in()).collect();
        if let Some(key) = self.new_members_key(new) {
            let is_group = match &new.id {
                Some(id) => {
                    let record = self.group(&new.scope, id)?;
                    record.is_none_or(|record| record.id.as_ref() == Some(id))
                }
                None => true,
            };
            let named = self.facts.members(&key)?.iter();
            added.extend(named.filter(|member| !is_group || !self.is_named_exactly(member)));
        }
        Ok(MembershipDelta {
            added,
            removed: difference.removed.iter().collect(),
            ..MembershipDelta::default()
        })
    }

    /// The users that a new group adds.
    pub(crate) fn new_members(&self, new: &NewGroup) -> Result<Vec<&'a Member>, Stop> {
        match self.new_members_key(new) {
            None => Ok(Vec::new()),
            Some(key) => Ok(self
                .facts
                .members(&key)?
                .iter()
                .filter(|member| !member.is_in())
                .collect()),
        }
    }
}

/// The parts of a profile that a write changes, as an administrator calls them.
pub(crate) fn changed_profile(profile: &Profile, user: &User) -> Vec<&'static str> {
    let mut changed = Vec::new();
    let is_name = |text: &str| same_but_for_case(text, &user.user_name);
    let is_display = |text: &str| user.display_name.as_deref() == Some(text);
    let differs = |writes: &Writes, same: &dyn Fn(&str) -> bool| {
        writes.any(|write| match write {
            FieldWrite::Set(value) => user.write_pending || !same(value),
            FieldWrite::Clear | FieldWrite::Unknown(_) => true,
        })
    };
    if differs(&profile.user_name, &is_name) {
        changed.push("user name");
    }
    if differs(&profile.email, &is_name) {
        changed.push("e-mail");
    }
    let display = profile.display_name.any(|write| match write {
        FieldWrite::Set(value) => user.write_pending || !is_display(value),
        // Clearing a name that is not known to be set changes nothing.
        FieldWrite::Clear => !is_display(""),
        FieldWrite::Unknown(_) => true,
    });
    if display {
        changed.push("display name");
    }
    // The record stores the full name only as the display name.
    let is_same = |name: &NameWrite| {
        name.full()
            .is_some_and(|full| !user.write_pending && is_display(&full))
    };
    let is_named_so = profile.names.iter().all(is_same) && !names_are_in_doubt(profile);
    if profile.other_names || !is_named_so || differs(&profile.formatted_name, &is_display) {
        changed.push("full name");
    }
    changed
}

/// Whether a given or family name of several words is written: the same full name, split
/// differently, is a different name. The record does not say which words are the family name.
fn names_are_in_doubt(profile: &Profile) -> bool {
    let has_words = |write: &Option<FieldWrite>| matches!(write, Some(FieldWrite::Set(name)) if name.trim().contains(char::is_whitespace));
    let mut names = profile.names.iter();
    names.any(|name| has_words(&name.given) || has_words(&name.family))
}
