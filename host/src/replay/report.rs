//! What a replay found, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::compare::{Compared, Difference, Kind, Why};
use crate::audit::Recorded;
use crate::plural::counted;
use crate::text::printable;
use crate::times;

/// Examples of each difference.
const EXAMPLES: usize = 3;

/// What a replay found.
#[derive(Debug, Default)]
pub(crate) struct Report {
    decisions: u64,
    same: u64,
    different: BTreeMap<(Difference, String), Group>,
    not_replayed: BTreeMap<Why, u64>,
}

/// Decisions that differ in one way, of one account.
#[derive(Debug, Default)]
struct Group {
    count: u64,
    examples: Vec<Example>,
}

#[derive(Debug, Serialize)]
struct Example {
    id: i64,
    at: u64,
    method: String,
    path: String,
}

#[derive(Serialize)]
struct Document<'a> {
    decisions: u64,
    same: u64,
    differences: Vec<Entry<'a>>,
    #[serde(rename = "notReplayed")]
    not_replayed: &'a BTreeMap<Why, u64>,
}

#[derive(Serialize)]
struct Entry<'a> {
    kind: Kind,
    rule: Option<&'a str>,
    account: Option<&'a str>,
    count: u64,
    examples: &'a [Example],
}

impl Report {
    pub(super) fn add(&mut self, recorded: &Recorded, compared: Compared) {
        self.decisions += 1;
        match compared {
            Compared::Same => self.same += 1,
            Compared::NotReplayed(why) => *self.not_replayed.entry(why).or_default() += 1,
            Compared::Different(difference) => {
                let key = (difference, printable(&recorded.account));
                let group = self.different.entry(key).or_default();
                group.count += 1;
                if group.examples.len() < EXAMPLES {
                    group.examples.push(Example {
                        id: recorded.id,
                        at: recorded.at,
                        method: printable(&recorded.method),
                        path: printable(&recorded.path),
                    });
                }
            }
        }
    }

    /// How many decisions there were.
    pub(crate) fn decisions(&self) -> u64 {
        self.decisions
    }

    /// How many decisions would be others.
    pub(crate) fn differences(&self) -> u64 {
        self.different.values().map(|group| group.count).sum()
    }

    /// How many decisions could be repeated.
    pub(crate) fn replayed(&self) -> u64 {
        self.same + self.differences()
    }

    /// As one JSON object.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn json(&self) -> serde_json::Result<String> {
        let some = |text| Some(text).filter(|text: &&str| !text.is_empty());
        let entries = self.different.iter();
        let entries = entries.map(|((difference, account), group)| Entry {
            kind: difference.kind,
            rule: some(&difference.rule),
            account: some(account),
            count: group.count,
            examples: &group.examples,
        });
        serde_json::to_string_pretty(&Document {
            decisions: self.decisions,
            same: self.same,
            differences: entries.collect(),
            not_replayed: &self.not_replayed,
        })
    }

    /// As text.
    #[must_use]
    pub(crate) fn text(&self) -> String {
        let decisions = counted(self.decisions, "decision", "decisions");
        let (same, differences) = (self.same, self.differences());
        let left = self.decisions - self.replayed();
        let mut text =
            format!("{decisions}: {same} alike, {differences} different, {left} not replayed\n");
        let mut last = None;
        for ((difference, account), group) in &self.different {
            if last.replace(difference.kind) != Some(difference.kind) {
                let _ = writeln!(text, "\n{}:", difference.kind.heading());
            }
            let rule = match difference.rule.as_str() {
                "" => String::new(),
                rule => format!("{rule}, "),
            };
            let account = match account.as_str() {
                "" => "no account".to_owned(),
                account => format!("account {account}"),
            };
            let _ = writeln!(text, "  {rule}{account}: {}", group.count);
            for Example {
                id,
                at,
                method,
                path,
            } in &group.examples
            {
                let at = times::shown(Some(*at));
                let _ = writeln!(text, "    {at}  {method} {path}  (decision {id})");
            }
        }
        if left > 0 {
            text.push_str("\nNot replayed:\n");
        }
        for (why, count) in &self.not_replayed {
            let _ = writeln!(text, "  {count}: {}", why.words());
        }
        text
    }
}
