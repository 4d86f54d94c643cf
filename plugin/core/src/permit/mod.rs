//! Decides whether an act is permitted: asks for the facts of all rules together, then applies the
//! rules in their order.

pub(crate) mod context;
mod okta_only;
mod ownership;
mod returning;

use std::collections::BTreeSet;

use crate::act::{
    Act, Edit, GroupRef, MembersWrite, MembersWrites, NewGroup, NewUser, Profile, UserChange,
    UserGroups, Writes,
};
use crate::canonical::Canonical;
use crate::facts::{
    DerivedIdKey, ExternalIdKey, GroupKey, Key, MembersKey, Unseen, UserGroupsKey, UserKey,
};
use crate::known::Stop;
use crate::policy::{Adoption, Mode};
use crate::rules::{self, Refusal, Stage};
use crate::token::Actor;

pub(crate) use context::{Context, Setting};
pub(crate) use returning::Written;

/// A permitted act. Only [`permit`] creates one, from what it has judged.
pub(crate) struct Permitted<'c> {
    canonical: &'c Canonical,
    watched: Option<Refusal>,
}

impl<'c> Permitted<'c> {
    /// What was judged.
    pub(crate) fn canonical(&self) -> &'c Canonical {
        self.canonical
    }

    /// The rule that would have refused, if the policy only monitors.
    pub(crate) fn watched(&self) -> Option<&'static str> {
        self.watched.as_ref().map(|refusal| refusal.rule)
    }
}

/// The facts for judging a change of members.
#[derive(Default)]
pub(crate) struct DeltaKeys {
    /// The users that the request names.
    named: Option<Key>,
    /// The users that any replacement names.
    replaced: Option<Key>,
    /// The users that some replacement leaves out.
    left_out: Option<Key>,
}

/// Asks for all facts that judging and recording an act needs, in two rounds: the earlier records of
/// returning users and the groups of unseen ones are known only after the first.
pub(crate) fn ask(act: &Act, context: &Context<'_>) -> Result<(), Stop> {
    context.facts.require(keys(act, context))?;
    let mut keys = returning::keys(act, context)?;
    for edit in &act.edits {
        if let (Edit::ChangeUser(change), Actor::Provisioner(_)) = (edit, context.actor)
            && context.user(&change.user)?.is_none()
        {
            keys.push(context.user_groups_key(&change.user));
        }
    }
    context.facts.require(keys)
}

/// Judges the effect of a request.
pub(crate) fn permit<'c>(
    canonical: &'c Canonical,
    context: &Context<'_>,
) -> Result<Permitted<'c>, Stop> {
    context.facts.budget().enter(Stage::Permit);
    let act = canonical.act();
    let verdict = ownership::check(act, context)
        .and_then(|()| okta_only::check(act, context))
        .and_then(|()| okta_only::check_deactivated(act, context));
    match verdict {
        Ok(()) => Ok(Permitted {
            canonical,
            watched: None,
        }),
        Err(Stop::Refuse(refusal))
            if context.account.mode == Mode::Monitor && is_watched(refusal.rule) =>
        {
            Ok(Permitted {
                canonical,
                watched: Some(refusal),
            })
        }
        Err(stop) => Err(stop),
    }
}

/// Rules that `mode: monitor` only reports. The others protect more than ownership.
fn is_watched(rule: &str) -> bool {
    rule.starts_with("okta-only.")
        || rule == rules::ownership::NATIVE_USER.id
        || rule == rules::ownership::NATIVE_GROUP.id
}

/// The keys of all facts that the rules or the record of this act read.
fn keys(act: &Act, context: &Context<'_>) -> Vec<Key> {
    let mut keys = Vec::new();
    for edit in &act.edits {
        match edit {
            Edit::CreateUser(new) => new_user_keys(new, context, &mut keys),
            Edit::ChangeUser(change) => user_change_keys(change, context, &mut keys),
            Edit::DeleteUser(user) => keys.extend(context.user_keys(user)),
            Edit::CreateGroup(new) => new_group_keys(new, context, &mut keys),
            Edit::ChangeGroup(change) => {
                keys.push(context.group_key(&change.group.scope, &change.group.id));
                keys.extend(context.external_id_keys(&change.external_id));
                for name in change.name.values() {
                    keys.extend(context.derived_id_keys(&change.group.scope, name));
                }
                keys.extend(context.members_keys(&change.group, &change.members));
            }
            Edit::DeleteGroup(group) => keys.push(context.group_key(&group.scope, &group.id)),
            Edit::Provisioning(edit) => keys.extend(okta_only::provisioning_key(edit, context)),
        }
    }
    keys
}

fn new_user_keys(new: &NewUser, context: &Context<'_>, keys: &mut Vec<Key>) {
    keys.push(context.new_user_key(&new.user_name));
    keys.push(context.alike_key(&new.user_name));
    keys.extend(context.email_keys(&new.profile));
    keys.extend(context.external_id_keys(&new.profile.external_id));
    for group in &new.groups {
        keys.push(context.group_key(&group.scope, &group.id));
        keys.push(context.membership_key(&group.scope, &group.id, &new.user_name));
    }
}

fn user_change_keys(change: &UserChange, context: &Context<'_>, keys: &mut Vec<Key>) {
    keys.extend(context.user_keys(&change.user));
    for name in change.profile.user_name.values() {
        keys.extend([context.name_key(name), context.alike_key(name)]);
    }
    keys.extend(context.email_keys(&change.profile));
    keys.extend(context.external_id_keys(&change.profile.external_id));
    let groups = match &change.groups {
        UserGroups::Untouched => return,
        UserGroups::Add(groups) | UserGroups::Remove(groups) => groups.as_slice(),
        UserGroups::Replace(groups) => {
            keys.push(context.user_groups_key(&change.user));
            groups.as_slice()
        }
        UserGroups::Changed => {
            keys.push(context.user_groups_key(&change.user));
            &[]
        }
    };
    for group in groups {
        keys.push(context.group_key(&group.scope, &group.id));
        keys.push(context.membership_key(&group.scope, &group.id, &change.user.reference));
    }
}

fn new_group_keys(new: &NewGroup, context: &Context<'_>, keys: &mut Vec<Key>) {
    keys.extend(context.external_id_keys(&new.external_id));
    if let Some(id) = &new.id {
        keys.push(context.group_key(&new.scope, id));
    }
    if let Some(name) = &new.name {
        keys.extend(context.derived_id_keys(&new.scope, name));
    }
    keys.extend(context.new_members_key(new));
    if *context.actor == Actor::Operator {
        let name = new.name.as_deref();
        let derived = name.map(|name| context.account.group_ids(name));
        let derived: Vec<String> = derived.into_iter().flatten().collect();
        if new.id.is_none() {
            let existing = |id: &String| context.existing_group_key(&new.scope, id);
            keys.extend(derived.iter().map(existing));
        }
        for id in new.id.iter().cloned().chain(derived) {
            keys.push(context.replacement_key(new, &id));
        }
    }
}

// === impl Context: keys ===

impl Context<'_> {
    /// Whether the actor is the provider of this account.
    fn is_own_provider(&self) -> bool {
        matches!(self.actor, Actor::Provisioner(provider) if *provider == self.account.provider)
    }

    /// What an unseen user means for this actor.
    fn unseen_user(&self) -> Unseen {
        match (&self.actor, self.account.adopt_users) {
            (Actor::Operator, _) => Unseen::Pending,
            (Actor::Provisioner(_), Adoption::Deny) => Unseen::Backend,
            (Actor::Provisioner(_), Adoption::Allow) => Unseen::Absent,
        }
    }

    /// What an unseen group means for this actor.
    fn unseen_group(&self) -> Unseen {
        match (&self.actor, self.account.adopt_groups) {
            (Actor::Operator, _) => Unseen::Pending,
            (Actor::Provisioner(_), Adoption::Deny) => Unseen::Backend,
            (Actor::Provisioner(_), Adoption::Allow) => Unseen::Absent,
        }
    }

    pub(super) fn user_keys(&self, user: &crate::act::UserRef) -> Vec<Key> {
        let mut keys = vec![self.user_key(&user.reference)];
        if user.may_be_name {
            keys.push(self.name_key(&user.reference));
        }
        keys
    }

    pub(crate) fn user_key(&self, id: &str) -> Key {
        Key::User(UserKey {
            account: self.account_name.to_owned(),
            value: id.to_owned(),
            unseen: self.unseen_user(),
        })
    }

    /// The user of this name. For operators, a name that is not on record may be that of a user whom a
    /// provider has taken over without one.
    pub(crate) fn name_key(&self, name: &str) -> Key {
        Key::UserByName(UserKey {
            account: self.account_name.to_owned(),
            value: name.to_owned(),
            unseen: match self.actor {
                Actor::Operator => Unseen::Pending,
                Actor::Provisioner(_) => Unseen::Absent,
            },
        })
    }

    /// The holder of a new user's name.
    pub(crate) fn new_user_key(&self, name: &str) -> Key {
        Key::UserByName(UserKey {
            account: self.account_name.to_owned(),
            value: name.to_owned(),
            unseen: self.unseen_user(),
        })
    }

    /// The users whose names look like this one.
    pub(crate) fn alike_key(&self, name: &str) -> Key {
        Key::UserAlike(UserKey {
            account: self.account_name.to_owned(),
            value: name.to_owned(),
            unseen: Unseen::Absent,
        })
    }

    /// The holders of all e-mails other than the user name.
    fn email_keys(&self, profile: &Profile) -> Vec<Key> {
        let emails = profile.own_emails().into_iter();
        emails
            .flat_map(|email| [self.name_key(email), self.alike_key(email)])
            .collect()
    }

    pub(crate) fn group_key(&self, scope: &str, id: &str) -> Key {
        Key::Group(GroupKey {
            account: self.account_name.to_owned(),
            scope: scope.to_owned(),
            id: id.to_owned(),
            unseen: self.unseen_group(),
        })
    }

    /// The group whose id is the one derived from a name, in any case.
    pub(crate) fn existing_group_key(&self, scope: &str, id: &str) -> Key {
        Key::Group(GroupKey {
            account: self.account_name.to_owned(),
            scope: scope.to_owned(),
            id: id.to_owned(),
            unseen: Unseen::Absent,
        })
    }

    /// The groups of every id that may be derived from a name.
    pub(crate) fn derived_id_keys(&self, scope: &str, name: &str) -> Vec<Key> {
        let Some(rule) = &self.account.group_id else {
            return Vec::new();
        };
        let key = |id| {
            Key::GroupByDerivedId(DerivedIdKey {
                account: self.account_name.to_owned(),
                scope: scope.to_owned(),
                id,
                replace: rule.replace.clone(),
                with: rule.with.clone(),
            })
        };
        self.account.group_ids(name).into_iter().map(key).collect()
    }

    /// The holders of every external id that a request writes.
    fn external_id_keys(&self, external_id: &Writes) -> Vec<Key> {
        let values = external_id.values();
        values.map(|value| self.external_id_key(value)).collect()
    }

    pub(crate) fn external_id_key(&self, value: &str) -> Key {
        Key::ExternalId(ExternalIdKey {
            account: self.account_name.to_owned(),
            value: value.to_owned(),
        })
    }

    /// Whether one user is in one group.
    pub(crate) fn membership_key(&self, scope: &str, group: &str, user: &str) -> Key {
        Key::Members(MembersKey {
            account: self.account_name.to_owned(),
            scope: scope.to_owned(),
            group: group.to_owned(),
            users: vec![user.to_owned()],
            names: self.names,
        })
    }

    /// The facts for judging and recording a change of members. A single operation needs one key.
    fn members_keys(&self, group: &GroupRef, members: &MembersWrites) -> Vec<Key> {
        let moves = self.moves_keys(group, members);
        let all = [
            self.net_members_key(group, members),
            moves.named,
            moves.replaced,
            moves.left_out,
        ];
        let mut keys: Vec<Key> = all.into_iter().flatten().collect();
        keys.sort();
        keys.dedup();
        keys
    }

    /// How all operations together affect the members of a group.
    pub(crate) fn net_members_key(&self, group: &GroupRef, members: &MembersWrites) -> Option<Key> {
        match members.net() {
            MembersWrite::Untouched => None,
            MembersWrite::Delta { add, remove } => Some(self.named_members_key(group, add, remove)),
            MembersWrite::Replace(all) => Some(self.difference_key(group, all)),
            MembersWrite::Unknown => Some(self.difference_key(group, &BTreeSet::new())),
        }
    }

    /// How each operation alone affects them.
    pub(super) fn moves_keys(&self, group: &GroupRef, members: &MembersWrites) -> DeltaKeys {
        let none = BTreeSet::new();
        let (added, removed) = (members.added(), members.removed());
        match (members.net(), members.kept()) {
            (MembersWrite::Unknown, _) => DeltaKeys {
                left_out: Some(self.difference_key(group, &none)),
                ..DeltaKeys::default()
            },
            (_, Some(kept)) => DeltaKeys {
                // The account's own provider names members as the application does.
                named: match self.is_own_provider() {
                    true if removed.is_empty() => None,
                    true => Some(self.named_members_key(group, &none, removed)),
                    false => Some(self.named_members_key(group, added, removed)),
                },
                replaced: Some(self.difference_key(group, added)),
                left_out: Some(self.difference_key(group, kept)),
            },
            (MembersWrite::Untouched, None) => DeltaKeys::default(),
            (_, None) => DeltaKeys {
                named: Some(self.named_members_key(group, added, removed)),
                ..DeltaKeys::default()
            },
        }
    }

    fn named_members_key(
        &self,
        group: &GroupRef,
        add: &BTreeSet<String>,
        remove: &BTreeSet<String>,
    ) -> Key {
        let users = add.union(remove).cloned().collect();
        Key::Members(self.members_key(group, users))
    }

    fn difference_key(&self, group: &GroupRef, all: &BTreeSet<String>) -> Key {
        Key::MembersDifference(self.members_key(group, all.iter().cloned().collect()))
    }

    fn members_key(&self, group: &GroupRef, users: Vec<String>) -> MembersKey {
        MembersKey {
            account: self.account_name.to_owned(),
            scope: group.scope.clone(),
            group: group.id.clone(),
            users,
            names: self.names,
        }
    }

    /// The members that a group is created with.
    pub(crate) fn new_members_key(&self, new: &NewGroup) -> Option<Key> {
        if new.members.is_empty() {
            return None;
        }
        Some(Key::Members(MembersKey {
            account: self.account_name.to_owned(),
            scope: new.scope.clone(),
            group: new.id.clone().unwrap_or_default(),
            users: new.members.clone(),
            names: self.names,
        }))
    }

    /// How the create of an existing group affects its members, if it is treated as an update.
    pub(crate) fn replacement_key(&self, new: &NewGroup, id: &str) -> Key {
        let mut users = new.members.clone();
        users.sort();
        users.dedup();
        Key::MembersDifference(MembersKey {
            account: self.account_name.to_owned(),
            scope: new.scope.clone(),
            group: id.to_owned(),
            users,
            names: self.names,
        })
    }

    pub(crate) fn user_groups_key(&self, user: &crate::act::UserRef) -> Key {
        Key::UserGroups(UserGroupsKey {
            account: self.account_name.to_owned(),
            user: user.reference.clone(),
        })
    }
}
