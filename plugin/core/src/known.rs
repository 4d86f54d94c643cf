//! Reads the facts of one evaluation. A fact is known, or the evaluation stops to ask for it.

use std::sync::Arc;

use crate::budget::{Budget, BudgetExceeded};
use crate::facts::{
    Answer, Difference, Fact, Group, GroupKey, Holder, Key, Member, Principal, Token, Unseen, User,
    UserKey,
};
use crate::json::Json;
use crate::jwt::read_claims;
use crate::message::Need;
use crate::rules::{Refusal, host, scim};

/// Why a stage stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    /// A fact must be known first.
    Need(Need),
    /// The request is refused.
    Refuse(Refusal),
}

/// The keys that one decision may ask for. A key with a list of users counts as one: the policy
/// limits how many users a request may name.
pub(crate) const MAX_KEYS: usize = 4096;

/// The facts that were gathered so far, and the remaining budget.
#[derive(Default)]
pub(crate) struct Facts {
    lists: Vec<Arc<Vec<Fact>>>,
    /// Where each fact is, by list and index, sorted by key.
    order: Vec<(usize, usize)>,
    budget: Budget,
    now: u64,
}

// === impl Stop ===

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(refusal)
    }
}

impl Stop {
    /// Converts to a refusal once everything was asked for. A fact that is still missing then means
    /// that the request cannot be decided.
    pub(crate) fn refusal(self) -> Refusal {
        match self {
            Self::Refuse(refusal) => refusal,
            Self::Need(_) => host::FACTS_UNAVAILABLE
                .because("The record of what the request names cannot be read now. Repeat the request later."),
        }
    }
}

impl From<BudgetExceeded> for Stop {
    fn from(exceeded: BudgetExceeded) -> Self {
        Self::Refuse(exceeded.into())
    }
}

// === impl Facts ===

impl Facts {
    /// Adds the facts of a list, starting at this index.
    pub(crate) fn add(&mut self, list: Arc<Vec<Fact>>, from: usize, now: u64) {
        let new = list.get(from..).unwrap_or_default();
        self.budget.facts(new);
        self.now = now;
        let number = self.lists.len();
        self.order
            .extend((from..list.len()).map(|place| (number, place)));
        self.lists.push(list);
        let lists = &self.lists;
        self.order.sort_by_key(|at| key_at(lists, *at));
    }

    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        self.now
    }

    /// The remaining budget.
    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Asks for all of these together, so that one round is enough.
    pub(crate) fn require(&self, keys: Vec<Key>) -> Result<(), Stop> {
        if keys.len() > MAX_KEYS {
            return Err(scim::PATCH_TOO_MANY
                .because(
                    "The request names too many users or groups at once. Send several requests, each with a part of them.",
                )
                .into());
        }
        self.budget.keys(&keys)?;
        let mut missing: Vec<Key> = keys
            .into_iter()
            .filter(|key| self.find(key).is_none())
            .collect();
        missing.sort();
        missing.dedup();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Stop::Need(Need {
            keys: missing,
            body_limit: None,
        }))
    }

    pub(crate) fn token(&self, key: &Key) -> Result<Option<&Token>, Stop> {
        match self.answer(key)? {
            Answer::Absent => Ok(None),
            Answer::Token(token) => Ok(Some(token)),
            _ => Err(unfit(key)),
        }
    }

    /// The claims of a token, if its issuer has verified it.
    pub(crate) fn claims(&self, key: &Key) -> Result<Option<Json>, Stop> {
        match self.answer(key)? {
            Answer::Absent => Ok(None),
            Answer::Claims(claims) => match read_claims(claims.as_bytes()) {
                Some(claims) => Ok(Some(claims)),
                None => Err(unfit(key)),
            },
            _ => Err(unfit(key)),
        }
    }

    pub(crate) fn principal(&self, key: &Key) -> Result<Option<&Principal>, Stop> {
        match self.answer(key)? {
            Answer::Absent => Ok(None),
            Answer::Principal(principal) => Ok(Some(principal)),
            _ => Err(unfit(key)),
        }
    }

    pub(crate) fn user(&self, key: &Key) -> Result<Option<&User>, Stop> {
        match self.answer(key)? {
            Answer::Absent => Ok(None),
            Answer::User(user) => Ok(Some(user)),
            _ => Err(unfit(key)),
        }
    }

    pub(crate) fn group(&self, key: &Key) -> Result<Option<&Group>, Stop> {
        match self.answer(key)? {
            Answer::Absent => Ok(None),
            Answer::Group(group) => Ok(Some(group)),
            _ => Err(unfit(key)),
        }
    }

    pub(crate) fn groups(&self, key: &Key) -> Result<&[Group], Stop> {
        match self.answer(key)? {
            Answer::Absent => Ok(&[]),
            Answer::Groups(groups) => Ok(groups),
            _ => Err(unfit(key)),
        }
    }

    pub(crate) fn holders(&self, key: &Key) -> Result<&[Holder], Stop> {
        match self.answer(key)? {
            Answer::Absent => Ok(&[]),
            Answer::Holders(holders) => Ok(holders),
            _ => Err(unfit(key)),
        }
    }

    pub(crate) fn members(&self, key: &Key) -> Result<&[Member], Stop> {
        match self.answer(key)? {
            Answer::Members(members) => Ok(members),
            _ => Err(unfit(key)),
        }
    }

    pub(crate) fn difference(&self, key: &Key) -> Result<&Difference, Stop> {
        match self.answer(key)? {
            Answer::Difference(difference) => Ok(difference),
            _ => Err(unfit(key)),
        }
    }

    fn find(&self, key: &Key) -> Option<&Answer> {
        let place = self
            .order
            .binary_search_by(|at| key_at(&self.lists, *at).cmp(&Some(key)))
            .ok()?;
        let (list, place) = *self.order.get(place)?;
        let fact = self.lists.get(list)?.get(place)?;
        Some(&fact.answer)
    }

    fn answer(&self, key: &Key) -> Result<&Answer, Stop> {
        match self.find(key) {
            Some(Answer::Unavailable) => Err(unavailable(key)),
            Some(answer) => Ok(answer),
            None => Err(Stop::Need(Need {
                keys: vec![key.clone()],
                body_limit: None,
            })),
        }
    }
}

fn key_at(lists: &[Arc<Vec<Fact>>], (list, place): (usize, usize)) -> Option<&Key> {
    let fact = lists.get(list)?.get(place)?;
    Some(&fact.key)
}

fn unavailable(key: &Key) -> Stop {
    let what = match key {
        // The token is not verified yet, so its sender must not learn which issuer was asked.
        Key::Verified(_) => {
            "The token cannot be verified, because its issuer does not answer now.".to_owned()
        }
        Key::Principal(_) => {
            "The permissions of the token's user or service account cannot be read now.".to_owned()
        }
        Key::User(UserKey {
            account,
            unseen: Unseen::Pending,
            ..
        })
        | Key::UserByName(UserKey {
            account,
            unseen: Unseen::Pending,
            ..
        })
        | Key::Group(GroupKey {
            account,
            unseen: Unseen::Pending,
            ..
        }) => {
            return host::FACTS_UNAVAILABLE
                .because(format!(
                    "The guard does not know whether {} belongs to an identity provider. If account \
                     {account} has not been imported (scimguard import) and unseen = \"refuse\", import it: \
                     repeating does not help. Otherwise a create or a take-over in the account is still open: repeat the request later.",
                    subject(key)
                ))
                .into();
        }
        _ => format!(
            "The record of {} cannot be read now, or an operation on it is still open.",
            subject(key)
        ),
    };
    host::FACTS_UNAVAILABLE
        .because(format!("{what} Repeat the request later."))
        .into()
}

/// A fact of the wrong form is as good as none.
fn unfit(key: &Key) -> Stop {
    host::FACTS_UNAVAILABLE
        .because(format!(
            "The record of {} was returned in an invalid form.",
            subject(key)
        ))
        .into()
}

/// Describes the subject of a key in a message, without any token.
fn subject(key: &Key) -> String {
    match key {
        Key::Token(_) | Key::Verified(_) => "the token".to_owned(),
        Key::Principal(_) => "the token's user or service account".to_owned(),
        Key::User(key) | Key::UserByName(key) | Key::UserAlike(key) => {
            format!("user {:?}", key.value)
        }
        Key::Group(key) => format!("group {:?}", key.id),
        Key::GroupByDerivedId(key) => format!("group {:?}", key.id),
        Key::ExternalId(key) => format!("external id {:?}", key.value),
        Key::Members(key) | Key::MembersDifference(key) => {
            format!("the members of group {:?}", key.group)
        }
        Key::UserGroups(key) => format!("the groups of user {:?}", key.user),
    }
}
