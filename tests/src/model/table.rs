//! The two tables, cell by cell, and the precedence of refusals.

use std::collections::BTreeSet;

use super::change::Change;
use super::{Active, Actor, Edit, Ownership, Policy, World};

/// Why an edit is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The provider may not take over a native user.
    NativeUser,
    /// The provider may not take over a native group.
    NativeGroup,
    /// Another user has the name.
    UserName,
    /// Another pushed group has the id.
    GroupId,
    /// Another user or group has the identifier.
    ExternalId,
    /// The members of a pushed group are the provider's.
    GroupMembership,
    /// The name of a pushed group is the provider's.
    GroupRename,
    /// Only the provider creates or deletes a pushed group.
    GroupDelete,
    /// The e-mail and full name of a group-provisioned user are the provider's.
    UserProfile,
    /// The native groups of a group-provisioned user are the provider's.
    UserGroups,
    /// Only the provider deletes, activates or deactivates a managed user.
    UserDelete,
    /// Operators may not create users.
    UserCreate,
    /// A managed user is deactivated.
    Deactivated,
}

/// The outcome of an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The application decides.
    Forward,
    /// Refused by one of these rules, all of the same rank.
    Refuse(BTreeSet<Rule>),
}

impl Rule {
    /// Every rule of the model.
    pub const ALL: [Self; 13] = [
        Self::NativeUser,
        Self::NativeGroup,
        Self::UserName,
        Self::GroupId,
        Self::ExternalId,
        Self::GroupMembership,
        Self::GroupRename,
        Self::GroupDelete,
        Self::UserProfile,
        Self::UserGroups,
        Self::UserDelete,
        Self::UserCreate,
        Self::Deactivated,
    ];

    /// Returns the rule id as in answers.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::NativeUser => "ownership.native-user",
            Self::NativeGroup => "ownership.native-group",
            Self::UserName => "ownership.user-name",
            Self::GroupId => "ownership.group-id",
            Self::ExternalId => "ownership.external-id",
            Self::GroupMembership => "okta-only.group-membership",
            Self::GroupRename => "okta-only.group-rename",
            Self::GroupDelete => "okta-only.group-delete",
            Self::UserProfile => "okta-only.user-profile",
            Self::UserGroups => "okta-only.user-groups",
            Self::UserDelete => "okta-only.user-delete",
            Self::UserCreate => "okta-only.user-create",
            Self::Deactivated => "user.deactivated",
        }
    }

    /// HTTP status of the refusal.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::NativeUser | Self::UserName | Self::GroupId | Self::ExternalId => 409,
            Self::NativeGroup => 404,
            Self::Deactivated => 400,
            _ => 403,
        }
    }

    /// The precedence of refusals: ownership first, then what only the provider may do, a
    /// deactivated user last.
    fn rank(self) -> u8 {
        match self {
            Self::NativeUser
            | Self::NativeGroup
            | Self::UserName
            | Self::GroupId
            | Self::ExternalId => 0,
            Self::Deactivated => 2,
            _ => 1,
        }
    }
}

impl Verdict {
    /// Creates a refusal by one rule.
    #[must_use]
    pub fn refused(rule: Rule) -> Self {
        Self::Refuse(BTreeSet::from([rule]))
    }

    fn of(rules: BTreeSet<Rule>) -> Self {
        let Some(first) = rules.iter().map(|rule| rule.rank()).min() else {
            return Self::Forward;
        };
        let winners = rules.into_iter().filter(|rule| rule.rank() == first);
        Self::Refuse(winners.collect())
    }
}

impl World {
    /// The outcome of an edit.
    #[must_use]
    pub fn judge(&self, policy: Policy, actor: Actor, edit: &Edit) -> Verdict {
        let (changes, mut rules) = match actor {
            Actor::Operator => (self.operator_changes(edit), BTreeSet::new()),
            Actor::Provisioner => (
                self.provisioner_changes(edit),
                self.untouchable(policy, edit),
            ),
        };
        rules.extend(changes.iter().filter_map(by_anyone));
        if actor == Actor::Operator {
            rules.extend(
                changes
                    .iter()
                    .filter_map(|change| self.cell(policy, change)),
            );
        }
        if !(actor == Actor::Provisioner && decides_activity(edit)) {
            rules.extend(changes.iter().filter_map(|change| self.asleep(change)));
        }
        Verdict::of(rules)
    }

    /// The first table: an operator's change, by owner.
    fn cell(&self, policy: Policy, change: &Change) -> Option<Rule> {
        use Ownership::{Direct, GroupProvisioned, Native};
        match change {
            Change::Profile(user) => match self.ownership(user, policy) {
                Native | Direct => None,
                GroupProvisioned => Some(Rule::UserProfile),
            },
            Change::Join(_, group) | Change::Leave(_, group) if self.is_pushed(group) => {
                Some(Rule::GroupMembership)
            }
            Change::Join(user, _) | Change::Leave(user, _) => match self.ownership(user, policy) {
                Native | Direct => None,
                GroupProvisioned => Some(Rule::UserGroups),
            },
            Change::DeleteUser(user) | Change::Deactivate(user) | Change::BringBack(user) => {
                match self.ownership(user, policy) {
                    Native => None,
                    Direct | GroupProvisioned => Some(Rule::UserDelete),
                }
            }
            Change::NewUser => policy.local_denied.then_some(Rule::UserCreate),
            Change::Rename(group) => self.is_pushed(group).then_some(Rule::GroupRename),
            Change::DeleteGroup(group) => self.is_pushed(group).then_some(Rule::GroupDelete),
            Change::Link(group) => self.is_pushed(group).then_some(Rule::GroupMembership),
            Change::TakeName(_) | Change::TakeExternalId | Change::TakeGroupId => None,
        }
    }

    /// The second table: what the provisioner finds and may not touch.
    fn untouchable(&self, policy: Policy, edit: &Edit) -> BTreeSet<Rule> {
        let native_user = match edit {
            Edit::WriteUser { user, .. } | Edit::DeleteUser(user) => self.users.get(user),
            Edit::CreateUser { mail, .. } => self.named(mail).map(|user| &self.users[user]),
            _ => None,
        };
        let native_group = match edit {
            Edit::WriteGroup { group, .. }
            | Edit::ReplaceGroup { group, .. }
            | Edit::DeleteGroup(group) => self.groups.get(group),
            _ => None,
        };
        let mut rules = BTreeSet::new();
        if !policy.adopt_users && native_user.is_some_and(|user| !user.managed) {
            rules.insert(Rule::NativeUser);
        }
        if !policy.adopt_groups && native_group.is_some_and(|group| !group.managed) {
            rules.insert(Rule::NativeGroup);
        }
        rules
    }

    /// Whether a change is refused for a deactivated user.
    fn asleep(&self, change: &Change) -> Option<Rule> {
        match change {
            Change::Profile(user) | Change::Join(user, _) => {
                self.is_deactivated(user).then_some(Rule::Deactivated)
            }
            _ => None,
        }
    }
}

/// Refuses changes that nobody may make.
fn by_anyone(change: &Change) -> Option<Rule> {
    match change {
        Change::TakeName(_) => Some(Rule::UserName),
        Change::TakeExternalId => Some(Rule::ExternalId),
        Change::TakeGroupId => Some(Rule::GroupId),
        _ => None,
    }
}

/// Whether an edit by the provisioner reactivates a user, or deactivates one again.
fn decides_activity(edit: &Edit) -> bool {
    match edit {
        Edit::WriteUser { active, .. } => *active != Active::Kept,
        Edit::CreateUser { .. } => true,
        _ => false,
    }
}
