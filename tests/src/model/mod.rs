//! An independent model of ownership: the two tables of who may change what. It is written only
//! from the design's tables and text and shares no code with the policy. It has no requests; its
//! input is an actor, a record, an edit and a policy.
//!
//! ```
//! use scimguard_tests::model::{Actor, Edit, Policy, Rule, User, Verdict, World};
//!
//! let mut world = World::default();
//! world.users.insert("u1".into(), User::managed("ann@example.com", "Ann Lee"));
//! let verdict = world.judge(Policy::default(), Actor::Operator, &Edit::DeleteUser("u1".into()));
//! assert_eq!(verdict, Verdict::refused(Rule::UserDelete));
//! ```

mod change;
mod edit;
mod table;

use std::collections::{BTreeMap, BTreeSet};

pub use edit::{Active, Edit, Profile, ids};
pub use table::{Rule, Verdict};

/// The id of a user or group.
pub type Id = String;

/// The users and groups of one account, as they are recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct World {
    /// Keyed by id.
    pub users: BTreeMap<Id, User>,
    /// Keyed by id.
    pub groups: BTreeMap<Id, Group>,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The e-mail, which is also the user name.
    pub mail: String,
    /// The full name.
    pub name: String,
    /// Whether the provider provisioned the user.
    pub managed: bool,
    /// Whether the user is not deactivated.
    pub active: bool,
    /// The provider's id, if the application shows it.
    pub external_id: Option<String>,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The name, which may differ from the id.
    pub name: String,
    /// Whether the provider pushed the group.
    pub managed: bool,
    /// Ids of users.
    pub members: BTreeSet<Id>,
}

/// The actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Actor {
    /// The provider, with a token bound to it.
    Provisioner,
    /// Anyone else.
    Operator,
}

/// The settings of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Policy {
    /// `adopt.users` is `allow`.
    pub adopt_users: bool,
    /// `adopt.groups` is `allow`.
    pub adopt_groups: bool,
    /// `direct_users` is `locked`.
    pub direct_locked: bool,
    /// `local_users` is `deny`.
    pub local_denied: bool,
}

/// The owner of a user: the columns of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ownership {
    /// No provider: the user is native or does not exist.
    Native,
    /// The provider; the user is in none of its groups.
    Direct,
    /// The provider; the user is in at least one of its groups.
    GroupProvisioned,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            adopt_users: true,
            adopt_groups: false,
            direct_locked: false,
            local_denied: false,
        }
    }
}

impl User {
    /// Creates an active native user.
    #[must_use]
    pub fn native(mail: &str, name: &str) -> Self {
        Self {
            mail: mail.to_owned(),
            name: name.to_owned(),
            managed: false,
            active: true,
            external_id: None,
        }
    }

    /// Creates an active user provisioned by the provider.
    #[must_use]
    pub fn managed(mail: &str, name: &str) -> Self {
        Self {
            managed: true,
            ..Self::native(mail, name)
        }
    }
}

impl World {
    /// Returns the owner of a user under a policy.
    #[must_use]
    pub fn ownership(&self, user: &str, policy: Policy) -> Ownership {
        let managed = self.users.get(user).is_some_and(|user| user.managed);
        let pushed = self.groups.values().filter(|group| group.managed);
        match managed {
            false => Ownership::Native,
            true if policy.direct_locked => Ownership::GroupProvisioned,
            true if pushed.into_iter().any(|group| group.members.contains(user)) => {
                Ownership::GroupProvisioned
            }
            true => Ownership::Direct,
        }
    }

    /// Whether the provider pushed a group.
    #[must_use]
    pub fn is_pushed(&self, group: &str) -> bool {
        self.groups.get(group).is_some_and(|group| group.managed)
    }

    fn is_deactivated(&self, user: &str) -> bool {
        self.users
            .get(user)
            .is_some_and(|user| user.managed && !user.active)
    }

    fn is_in(&self, user: &str, group: &str) -> bool {
        self.groups
            .get(group)
            .is_some_and(|group| group.members.contains(user))
    }

    /// Finds the user with this e-mail.
    #[must_use]
    pub fn named(&self, mail: &str) -> Option<&Id> {
        let has = |user: &User| user.mail.eq_ignore_ascii_case(mail);
        self.users
            .iter()
            .find_map(|(id, user)| has(user).then_some(id))
    }
}
