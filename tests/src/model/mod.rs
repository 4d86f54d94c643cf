//! Who may change what: the two tables of ownership, told a second time. It is written from the
//! design's tables and sentences alone, shares nothing with the policy's code and knows no request:
//! who acts, on what record, by which edit, under which policy.
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

pub use edit::{Active, Edit, Profile};
pub use table::{Rule, Verdict};

/// What an id is: of a user or of a group.
pub type Id = String;

/// The users and groups of one account, as they are recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct World {
    /// By id.
    pub users: BTreeMap<Id, User>,
    /// By id.
    pub groups: BTreeMap<Id, Group>,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The e-mail, which is the user name.
    pub mail: String,
    /// The full name.
    pub name: String,
    /// Provisioned by the provider.
    pub managed: bool,
    /// Not deactivated.
    pub active: bool,
    /// The provider's id, where the application shows it.
    pub external_id: Option<String>,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What it is called; its id may be another.
    pub name: String,
    /// Pushed by the provider.
    pub managed: bool,
    /// Ids of users.
    pub members: BTreeSet<Id>,
}

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Actor {
    /// The provider, by a token that is bound to it.
    Provisioner,
    /// Anybody else.
    Operator,
}

/// What an account may decide for itself.
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

/// Whose a user is: the columns of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ownership {
    /// Nobody's: there is no such user, or the application's own.
    Native,
    /// The provider's, in none of its groups.
    Direct,
    /// The provider's, in at least one of its groups.
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
    /// An active user of the application's own.
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

    /// An active user whom the provider provisioned.
    #[must_use]
    pub fn managed(mail: &str, name: &str) -> Self {
        Self {
            managed: true,
            ..Self::native(mail, name)
        }
    }
}

impl World {
    /// Whose a user is under a policy.
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

    /// Who has this e-mail.
    #[must_use]
    pub fn named(&self, mail: &str) -> Option<&Id> {
        let has = |user: &User| user.mail.eq_ignore_ascii_case(mail);
        self.users
            .iter()
            .find_map(|(id, user)| has(user).then_some(id))
    }
}
