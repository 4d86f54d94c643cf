//! What the rules see: who acts in which account, and the record as the facts tell it.

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

/// Who acts, and where.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub(crate) account_name: &'a str,
    pub(crate) account: &'a Account,
    pub(crate) actor: &'a Actor,
    /// The id of the verified token; `None`: the application authenticates its callers itself, and
    /// they hear no name that they did not say.
    pub(crate) token: Option<&'a str>,
    /// References to members may be user names, as in the management API.
    pub(crate) names: bool,
    /// The members that the backend says a group has, where the record is not complete.
    pub(crate) completed: Option<&'a BTreeSet<String>>,
}

/// Who acts, where, and what is on record.
pub(crate) struct Context<'a> {
    setting: Setting<'a>,
    pub(crate) facts: &'a Facts,
}

/// Whom a write puts into a group and takes out of it, beyond what is so already.
#[derive(Debug, Default)]
pub(crate) struct MembershipDelta<'f> {
    pub(crate) added: Vec<&'f Member>,
    pub(crate) removed: Vec<&'f Member>,
    /// The request names those whom it takes out, instead of leaving them out.
    pub(crate) names_removed: bool,
    /// Members change in a way that cannot be told.
    pub(crate) unknown: bool,
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
    /// The record of a user that a request names. A reference that means two users, one by id and one
    /// by name, means the one who is locked more.
    pub(crate) fn user(&self, user: &UserRef) -> Result<Option<&'a User>, Stop> {
        let named = match user.may_be_name {
            true => self.facts.user(&self.name_key(&user.reference))?,
            false => None,
        };
        // A create that is not settled has no id yet, and is found by its name.
        if named.is_some_and(|named| named.id.is_none()) {
            return Ok(named);
        }
        let by_id = self.facts.user(&self.user_key(&user.reference));
        let by_id = match (by_id, named) {
            // Whom the name tells need not be told by the id.
            (Err(Stop::Refuse(_)), Some(_)) => None,
            (by_id, _) => by_id?,
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

    /// The record of the group that has the id which a name gives, in this or another case.
    pub(crate) fn existing_group(&self, scope: &str, id: &str) -> Result<Option<&'a Group>, Stop> {
        self.facts.group(&self.existing_group_key(scope, id))
    }

    /// Groups of the ids that a name may give.
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

    /// Whether somebody else than the actor owns what is managed by this provider.
    pub(crate) fn owned_by_other(&self, managed_by: Option<&str>) -> bool {
        match (managed_by, self.actor) {
            (None, _) => false,
            (Some(_), Actor::Operator) => true,
            (Some(owner), Actor::Provisioner(provider)) => owner != provider,
        }
    }

    /// Whether a user's profile and groups are the provider's.
    pub(crate) fn is_locked(&self, user: &User) -> bool {
        self.owned_by_other(user.managed_by.as_deref())
            && (user.in_managed_group || self.account.direct_users == DirectUsers::Locked)
    }

    /// What a change of a group does to its members, as far as the record knows them: each operation
    /// as if it stood alone, so that none hides in what a later one makes of it.
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
            let record = self.group(&group.scope, &group.id)?;
            // An administrator who adds a user who is perhaps out already adds the user.
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

    /// Whether a user is in the very group that a request names: an id in another case may be another
    /// group's.
    pub(crate) fn is_in(&self, member: &Member, group: &GroupRef, record: Option<&Group>) -> bool {
        let is_group = record.is_none_or(|record| record.id.as_ref() == Some(&group.id));
        member.is_in() && is_group
    }

    /// Whether a request names a user by the recorded id, or by the recorded name where it may. Who is
    /// named in another way is left out of a list by an application that compares exactly.
    fn is_named_exactly(&self, member: &Member) -> bool {
        member.user.as_ref().is_none_or(|user| {
            user.id.as_ref() == Some(&member.reference)
                || (self.names && same_but_for_case(&user.user_name, &member.reference))
        })
    }

    /// What all operations of a change together do to the members of a group, with those whose
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
                    unknown: false,
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
                names_removed: false,
                unknown: true,
            },
        })
    }

    /// Whom a replacement of members puts in and takes out, by the backend's own list.
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

    /// What the create of a group that exists does to its members: it may be taken for an update.
    pub(crate) fn moves_of_update(
        &self,
        new: &NewGroup,
        group: &Group,
    ) -> Result<MembershipDelta<'a>, Stop> {
        let name = new.name.as_deref();
        let derived = name.map(|name| self.account.group_ids(name));
        let mut asked = new.id.iter().chain(derived.iter().flatten());
        // Under the id that it has, of those that were asked for, else under the likeliest.
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

    /// Whom it takes for just the named members to be in the group of this id, on record or not.
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

    /// Whom a new group takes in.
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

/// The parts of a profile that a write changes, in the words of an administrator.
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
        // An empty name where none is known to be is no change.
        FieldWrite::Clear => !is_display(""),
        FieldWrite::Unknown(_) => true,
    });
    if display {
        changed.push("display name");
    }
    // The record knows the full name as the display name only.
    let is_same = |name: &NameWrite| {
        name.full()
            .is_some_and(|full| !user.write_pending && is_display(&full))
    };
    if !profile.names.iter().all(is_same) || differs(&profile.formatted_name, &is_display) {
        changed.push("full name");
    }
    changed
}
