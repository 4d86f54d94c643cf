//! Gathers what a policy asks for in one pass: under leases and from one state of the record.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use scimguard_core::facts::{Answer, Fact, Key};
use scimguard_exchange::Needed;
use scimguard_wire::{Stage, is_read};

use super::leases::{self, Busy, Held, LeaseKey};
use super::lookup;

/// How often leases are retaken because the record named more resources than the request did.
const LEASE_ROUNDS: usize = 4;

/// How many resources the keys of one pass may name together: more than this project's policy asks
/// for with the preset's largest limits.
const MAX_NAMED: usize = 100_000;

/// The keys of one request name too many resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the policy asks for more than {MAX_NAMED} users and groups for one request")]
pub struct TooMany;

/// Where the facts of a pass come from.
pub trait Sources: Send {
    /// Why facts are unavailable.
    type Error: From<TooMany> + From<Busy> + Send;
    /// Holds leases until it is dropped.
    type Guard: Send;

    /// Answers every key, in order, from one state of the record.
    fn recorded(
        &mut self,
        keys: &[Key],
    ) -> impl Future<Output = Result<Vec<Answer>, Self::Error>> + Send;

    /// Completes a recorded token or principal from elsewhere.
    fn vouch(&mut self, fact: &mut Fact) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Asks the application of an account for what is not recorded. `facts`: all of this pass.
    fn look_up(
        &mut self,
        key: &Key,
        account: &str,
        facts: &[Fact],
    ) -> impl Future<Output = Answer> + Send;

    /// Whether an operator's edit concerns a resource that is not recorded and may still be a
    /// provider's.
    fn may_be_owned(
        &mut self,
        fact: &Fact,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Takes a lease on every name.
    fn lease(
        &mut self,
        names: &BTreeSet<LeaseKey>,
    ) -> impl Future<Output = Result<Self::Guard, Busy>> + Send;
}

/// The facts and leases of one pass of an exchange.
pub struct Pass<G> {
    keys: Vec<Key>,
    found: Arc<Vec<Fact>>,
    /// Answers of the application, asked for once a pass.
    looked_up: BTreeMap<Key, Answer>,
    held: Held<G>,
}

impl<G> Default for Pass<G> {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            found: Arc::default(),
            looked_up: BTreeMap::new(),
            held: Held::default(),
        }
    }
}

impl<G: Send> Pass<G> {
    /// The facts so far.
    #[must_use]
    pub fn found(&self) -> Arc<Vec<Fact>> {
        Arc::clone(&self.found)
    }

    /// Ends the pass: its leases are released.
    pub fn end(&mut self) {
        self.held = Held::default();
    }

    /// Finds facts; for a write before the application is asked, under leases on what its keys name.
    ///
    /// # Errors
    /// If they are unavailable now.
    pub async fn find<S: Sources<Guard = G>>(
        &mut self,
        sources: &mut S,
        method: &str,
        needed: Needed,
    ) -> Result<(), S::Error> {
        let is_leased = needed.stage == Stage::Decide && !is_read(method);
        if needed.first {
            self.keys.clear();
            self.found = Arc::default();
            self.looked_up.clear();
            if is_leased {
                // Another part of the request begins: the leases of the previous one end.
                self.end();
            }
        }
        match is_leased {
            true => self.answer_leased(sources, needed.keys).await,
            false => self.answer(sources, needed.keys).await,
        }
    }

    /// Answers these keys, and the earlier ones again, so that a policy always decides on one state.
    async fn answer<S: Sources>(
        &mut self,
        sources: &mut S,
        keys: Vec<Key>,
    ) -> Result<(), S::Error> {
        let known: BTreeSet<&Key> = self.keys.iter().collect();
        let new: BTreeSet<Key> = keys
            .into_iter()
            .filter(|key| !known.contains(key))
            .collect();
        self.keys.extend(new);
        if self.keys.iter().map(weight).sum::<usize>() > MAX_NAMED {
            return Err(TooMany.into());
        }
        let answers = sources.recorded(&self.keys).await?;
        let keys = self.keys.iter().cloned();
        let mut found: Vec<Fact> = keys
            .zip(answers)
            .map(|(key, answer)| Fact { key, answer })
            .collect();
        for fact in &mut found {
            sources.vouch(fact).await?;
        }
        for position in 0..found.len() {
            let Some(account) = lookup::due(&found[position]) else {
                continue;
            };
            let key = &found[position].key;
            let answer = match self.looked_up.get(key) {
                Some(answer) => answer.clone(),
                None => sources.look_up(key, account, &found).await,
            };
            self.looked_up.insert(key.clone(), answer.clone());
            found[position].answer = answer;
        }
        for fact in &mut found {
            if sources.may_be_owned(fact).await? {
                fact.answer = Answer::Unavailable;
            }
        }
        self.found = Arc::new(found);
        Ok(())
    }

    /// Answers these keys under leases on all that they name. The leases grow with what the record
    /// adds: a user named by id is leased by name too.
    async fn answer_leased<S: Sources<Guard = G>>(
        &mut self,
        sources: &mut S,
        keys: Vec<Key>,
    ) -> Result<(), S::Error> {
        let mut keys = Some(keys);
        for _ in 0..LEASE_ROUNDS {
            let new = keys.take().unwrap_or_default();
            if self.keys.iter().chain(&new).map(weight).sum::<usize>() > MAX_NAMED {
                return Err(TooMany.into());
            }
            let wanted = leases::names(self.keys.iter().chain(&new), &self.found);
            if !self.held.covers(&wanted) {
                // Releasing first keeps the order in which leases are taken.
                self.end();
                let guard = sources.lease(&wanted).await?;
                self.held = Held::new(wanted, guard);
            }
            self.answer(sources, new).await?;
            if self.held.covers(&leases::names(&self.keys, &self.found)) {
                return Ok(());
            }
        }
        Err(Busy.into())
    }
}

/// Counts the resources that a key names: itself and each of its users.
fn weight(key: &Key) -> usize {
    match key {
        Key::Members(key) | Key::MembersDifference(key) => 1 + key.users.len(),
        _ => 1,
    }
}
