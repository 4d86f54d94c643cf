//! The compiled sizes of patterns in an account's JSON Schemas. They limit the cost of loading the
//! policy and of each searched byte of text.

use std::collections::BTreeMap;

use jsonschema::PatternCache;
use jsonschema_regex::{split_leading_lookaheads, to_rust_regex};
use regex_automata::nfa::thompson;

use super::fault::SchemaFault;

/// Maximum states of one compiled pattern.
const MAX_STATES: u64 = 100_000;

/// Maximum states of all distinct patterns in a policy document.
const MAX_ALL_STATES: u64 = 200_000;

/// Maximum bytes of a compiled pattern, as the regex engine counts them; more than [`MAX_STATES`]
/// states need.
pub(crate) const MAX_COMPILED_BYTES: usize = 32 << 20;

/// Maximum bytes used to count the states.
const MAX_COUNTED_BYTES: usize = 16 << 20;

/// The patterns of a policy document. Each is compiled once, however many accounts share it.
#[derive(Default)]
pub(crate) struct Patterns {
    states: BTreeMap<String, u64>,
    all: u64,
    /// The compiled patterns.
    pub(crate) compiled: PatternCache,
}

// === impl Patterns ===

impl Patterns {
    /// Returns the number of states of a pattern. An invalid pattern has none and is refused when
    /// it is compiled.
    ///
    /// # Errors
    /// The pattern, or all patterns together, have too many states.
    pub(super) fn states(
        &mut self,
        pattern: &str,
        pointer: impl FnOnce() -> String,
    ) -> Result<u64, SchemaFault> {
        if let Some(states) = self.states.get(pattern) {
            return Ok(*states);
        }
        let fault = |message| SchemaFault {
            pointer: pointer(),
            message,
        };
        let states = match count(pattern) {
            Count::States(states) if states <= MAX_STATES => states,
            Count::States(states) => {
                return Err(fault(format!(
                    "the pattern compiles to {states} states; at most {MAX_STATES} are allowed. Use fewer repetitions"
                )));
            }
            Count::TooMany => {
                return Err(fault(format!(
                    "the pattern compiles to more than {MAX_STATES} states. Use fewer repetitions"
                )));
            }
            Count::NoPattern => 0,
        };
        let all = self.all + states;
        if all > MAX_ALL_STATES {
            return Err(fault(format!(
                "with this pattern of {states} states, all patterns in the document compile to {all} states; at most {MAX_ALL_STATES} are allowed"
            )));
        }
        self.all = all;
        self.states.insert(pattern.to_owned(), states);
        Ok(states)
    }
}

enum Count {
    States(u64),
    TooMany,
    NoPattern,
}

/// Counts states as the validator compiles them: each leading lookahead is a separate pattern.
fn count(pattern: &str) -> Count {
    let parts = split_leading_lookaheads(pattern).unwrap_or_else(|| vec![pattern.to_owned()]);
    let mut all = 0;
    for part in parts {
        let Ok(part) = to_rust_regex(&part) else {
            return Count::NoPattern;
        };
        let config = thompson::NFA::config().nfa_size_limit(Some(MAX_COUNTED_BYTES));
        match thompson::NFA::compiler().configure(config).build(&part) {
            Ok(nfa) => all += u64::try_from(nfa.states().len()).unwrap_or(u64::MAX),
            Err(error) if error.size_limit().is_some() => return Count::TooMany,
            Err(_) => return Count::NoPattern,
        }
    }
    Count::States(all)
}
