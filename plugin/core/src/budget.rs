//! The work of one decision, or of one judged answer, counted in steps before it is done.
//!
//! The count depends only on the request, the facts and the policy, so every host refuses the same
//! requests on fast and slow machines alike. A step stands for about 100 ns of native code.

use std::cell::{Cell, RefCell};

use crate::facts::{Answer, Fact, Key};
use crate::json::Json;
use crate::rules::{Refusal, Stage, host, scim};

/// Steps of one decision, or of one judged answer.
pub(crate) const STEPS: u64 = 2_000_000;

/// How many bytes of ASCII in a request's body make one step: reading, normalising, judging and
/// writing them.
const BYTES_OF_A_STEP: u64 = 2;

/// Steps for each byte beyond ASCII: keys are folded, which takes longer for Unicode.
const BYTE_BEYOND_ASCII: u64 = 2;

/// How many bytes of an answer make one step, in addition to each value and name in it: reading,
/// cleaning and writing them.
const ANSWER_BYTES_OF_A_STEP: u64 = 10;

/// How many bytes of a continuation make one step.
const KEPT_BYTES_OF_A_STEP: u64 = 64;

/// Steps for a key, or for a fact: it is looked up several times.
const KEY: u64 = 10;

/// Steps for each user, group or holder that a key or an answer names.
const ENTRY: u64 = 4;

/// How many bytes of ASCII in a name make one step.
const NAME_BYTES_OF_A_STEP: u64 = 16;

/// Steps for a character beyond ASCII in a name. A comparison folds it, by NFKC twice and by case
/// folding, and the compatibility forms of Unicode turn one character into up to 18 (U+FDFA).
const NAME_CHARACTER: u64 = 16;

/// How many states of a pattern, times the bytes of the text, make one step.
const STATES_OF_A_STEP: u64 = 16;

/// How many users one request may create, and how many memberships it may name as pairs of a user
/// and a group.
const MAX_PAIRS: usize = 1_000;

/// The remaining steps.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: u64,
    spent: Cell<u64>,
    /// The steps that were spent on facts.
    of_facts: Cell<u64>,
    /// The stages that spent them, in order.
    stages: RefCell<Vec<Stage>>,
}

/// The work takes more steps than are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BudgetExceeded {
    work: Work,
}

/// The kind of work, for the refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Reading a body.
    Body,
    /// Reading an answer.
    Answer,
    /// Looking up and comparing what the request names.
    Names,
    /// Checking against the account's own JSON Schema.
    Schema,
    /// Looking for the values that a filter names.
    Values,
}

// === impl Budget ===

impl Default for Budget {
    fn default() -> Self {
        Self::of_a_pass()
    }
}

impl Budget {
    /// The budget of one pass.
    pub(crate) fn of_a_pass() -> Self {
        Self::new(STEPS)
    }

    /// A budget of this many steps.
    pub(crate) fn new(limit: u64) -> Self {
        Self {
            limit,
            spent: Cell::new(0),
            of_facts: Cell::new(0),
            stages: RefCell::default(),
        }
    }

    /// Notes that a stage starts.
    pub(crate) fn enter(&self, stage: Stage) {
        self.stages.borrow_mut().push(stage);
    }

    /// The stages that have started so far, in order.
    pub(crate) fn stages(&self) -> Vec<Stage> {
        self.stages.borrow().clone()
    }

    /// Resets to an earlier number of spent steps.
    pub(crate) fn reset(&self, spent: u64) {
        self.spent.set(spent);
    }

    /// The steps spent so far.
    pub(crate) fn spent(&self) -> u64 {
        self.spent.get()
    }

    /// The steps spent so far, without those for facts, so it does not depend on when the facts arrived.
    pub(crate) fn spent_on_request(&self) -> u64 {
        self.spent.get().saturating_sub(self.of_facts.get())
    }

    /// Adds what earlier calls spent on the same request.
    pub(crate) fn carry(&self, spent: u64) {
        self.spent.set(self.spent.get().saturating_add(spent));
    }

    /// Takes steps.
    ///
    /// # Errors
    /// Too few steps are left.
    pub(crate) fn spend(&self, work: Work, steps: u64) -> Result<(), BudgetExceeded> {
        self.carry(steps);
        match self.spent.get() <= self.limit {
            true => Ok(()),
            false => Err(BudgetExceeded { work }),
        }
    }

    /// Counts the reading of a body.
    pub(crate) fn body(&self, bytes: &[u8]) -> Result<(), BudgetExceeded> {
        let plain = count(bytes, u8::is_ascii);
        let others = length(bytes) - plain;
        self.spend(
            Work::Body,
            plain / BYTES_OF_A_STEP + others * BYTE_BEYOND_ASCII,
        )
    }

    /// Counts the reading of an answer.
    pub(crate) fn answer(&self, bytes: &[u8]) -> Result<(), BudgetExceeded> {
        let strings = count(bytes, |byte| *byte == b'"') / 2;
        let others = count(bytes, |byte| matches!(byte, b',' | b'{' | b'['));
        let bytes = length(bytes) / ANSWER_BYTES_OF_A_STEP;
        self.spend(Work::Answer, bytes + strings + others)
    }

    /// Counts the reading of a continuation. It must be read in any case.
    pub(crate) fn kept(&self, bytes: &[u8]) {
        self.carry(length(bytes) / KEPT_BYTES_OF_A_STEP);
    }

    /// Counts the facts known so far. The next step that is spent checks the sum.
    pub(crate) fn facts(&self, facts: &[Fact]) {
        let steps = facts.iter().map(|fact| KEY + answer_steps(&fact.answer));
        let steps = steps.fold(0, u64::saturating_add);
        self.of_facts.set(self.of_facts.get().saturating_add(steps));
        self.carry(steps);
    }

    /// Counts the keys that are asked for.
    pub(crate) fn keys<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k Key>,
    ) -> Result<(), BudgetExceeded> {
        let steps = keys.into_iter().map(key_steps);
        self.spend(Work::Names, steps.fold(0, u64::saturating_add))
    }

    /// Counts a search by a pattern.
    pub(crate) fn pattern(&self, states: u64, text: &str) -> Result<(), BudgetExceeded> {
        let work = states.saturating_mul(length(text.as_bytes()));
        self.spend(Work::Schema, work / STATES_OF_A_STEP)
    }

    /// Counts this many searches through the values of a resource.
    pub(crate) fn searches(&self, count: usize, resource: &Json) -> Result<(), BudgetExceeded> {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.spend(Work::Values, count.saturating_mul(value_steps(resource)))
    }
}

/// Limits what a client can name by two lists (each user for each group) before the pairs are
/// built.
///
/// # Errors
/// There are too many users, or pairs.
pub(crate) fn pairs(users: usize, groups: usize) -> Result<(), Refusal> {
    if users > MAX_PAIRS {
        return Err(scim::PATCH_TOO_MANY.because(format!(
            "The request names {users} users to create; at most {MAX_PAIRS} are possible in one request. Send several requests, each with some of the users."
        )));
    }
    let memberships = users.saturating_mul(groups);
    if memberships > MAX_PAIRS {
        return Err(scim::PATCH_TOO_MANY.because(format!(
            "The request puts {users} users into {groups} groups, which is {memberships} memberships; at most {MAX_PAIRS} are possible in one request. Send several requests, each with some of the users or groups."
        )));
    }
    Ok(())
}

fn key_steps(key: &Key) -> u64 {
    let names = match key {
        Key::Token(_) | Key::Verified(_) => 0,
        Key::Principal(key) => name_steps(&key.id),
        Key::User(key) | Key::UserByName(key) | Key::UserAlike(key) => name_steps(&key.value),
        Key::Group(key) => name_steps(&key.id),
        Key::GroupByDerivedId(key) => name_steps(&key.id),
        Key::ExternalId(key) => name_steps(&key.value),
        Key::UserGroups(key) => name_steps(&key.user),
        Key::Members(key) | Key::MembersDifference(key) => {
            let users = key.users.iter().map(|user| ENTRY + name_steps(user));
            users.fold(name_steps(&key.group), u64::saturating_add)
        }
    };
    KEY.saturating_add(names)
}

/// The steps for folding and comparing a name.
fn name_steps(name: &str) -> u64 {
    match name.is_ascii() {
        true => length(name.as_bytes()) / NAME_BYTES_OF_A_STEP,
        false => {
            let characters = u64::try_from(name.chars().count()).unwrap_or(u64::MAX);
            characters.saturating_mul(NAME_CHARACTER)
        }
    }
}

/// The steps for comparing a value with another one.
fn value_steps(value: &Json) -> u64 {
    let inner: u64 = match value {
        Json::String(text) => name_steps(text),
        Json::Array(elements) => elements.iter().map(value_steps).sum(),
        Json::Object(members) => members
            .iter()
            .map(|member| value_steps(&member.value))
            .sum(),
        Json::Null | Json::Bool(_) | Json::Number(_) => 0,
    };
    inner.saturating_add(1)
}

fn answer_steps(answer: &Answer) -> u64 {
    let entries = match answer {
        Answer::Absent | Answer::Unavailable | Answer::Token(_) | Answer::Principal(_) => 0,
        Answer::User(_) | Answer::Group(_) => 1,
        Answer::Claims(claims) => claims.len() / 64,
        Answer::Groups(groups) => groups.len(),
        Answer::Holders(holders) => holders.len(),
        Answer::Members(members) => members.len(),
        Answer::Difference(difference) => difference.added.len() + difference.removed.len(),
    };
    u64::try_from(entries)
        .unwrap_or(u64::MAX)
        .saturating_mul(ENTRY)
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn count(bytes: &[u8], is_counted: impl Fn(&u8) -> bool) -> u64 {
    let counted = bytes.iter().filter(|byte| is_counted(byte)).count();
    u64::try_from(counted).unwrap_or(u64::MAX)
}

// === impl BudgetExceeded ===

impl From<BudgetExceeded> for Refusal {
    fn from(exceeded: BudgetExceeded) -> Self {
        host::PLUGIN_TIMEOUT.because(match exceeded.work {
            Work::Body => "The body takes too long to judge. Send fewer members, users or operations at once.",
            Work::Answer => {
                "The application's answer takes too long to judge. Ask for fewer resources at once (count), or leave out members (excludedAttributes). If it was a write, it may have been done."
            }
            Work::Names => {
                "Looking up the users and groups that the request names takes too long. Send fewer of them at once, with plainer names."
            }
            Work::Schema => {
                "The account's own schema takes too long for this request. Send less at once, or simplify the schema."
            }
            Work::Values => {
                "Looking for the values that the filters of the request name takes too long. Send fewer operations at once."
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_spent_is_spent_for_all_that_follows() {
        let budget = Budget::new(100);
        assert_eq!(budget.spend(Work::Body, 60), Ok(()));
        let exceeded = Err(BudgetExceeded { work: Work::Names });
        assert_eq!(budget.spend(Work::Names, 41), exceeded);
        assert_eq!(budget.spend(Work::Names, 0), exceeded);
        budget.carry(u64::MAX);
        assert_eq!(budget.spent(), u64::MAX);
    }

    #[test]
    fn what_is_in_an_answer_counts_beside_its_length() {
        let steps = |answer: &str| {
            let budget = Budget::of_a_pass();
            budget.answer(answer.as_bytes()).unwrap();
            budget.spent()
        };
        let text = format!("[\"{}\"]", "a".repeat(9_996));
        assert_eq!(steps(&text), 1_002);
        let numbers = format!("[{}1]", "1,".repeat(4_999));
        assert_eq!(steps(&numbers), 1_000 + 5_000);
        let objects = format!("[{}{{\"a\":1}}]", "{\"a\":1},".repeat(1_000));
        assert_eq!(steps(&objects), 800 + 3 * 1_001);
    }

    #[test]
    fn a_body_beyond_ascii_counts_what_folding_may_make_of_it() {
        let steps = |text: &str| {
            let budget = Budget::of_a_pass();
            budget.body(text.as_bytes()).unwrap();
            budget.spent()
        };
        assert_eq!(steps(&"a".repeat(3_000)), 1_500);
        assert_eq!(steps(&"\u{fdfa}".repeat(1_000)), 6_000);
    }

    #[test]
    fn a_name_beyond_ascii_counts_what_folding_may_make_of_it() {
        let plain = name_steps(&"a".repeat(1_000));
        let expanding = name_steps(&"\u{fdfa}".repeat(1_000));
        assert!(expanding > 100 * plain, "{plain}, {expanding}");
    }
}
