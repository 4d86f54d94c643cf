//! Finds where a recorded exchange violates RFC 7643, RFC 7644 and the two profiles, for developers
//! of applications before the first customer connects.
//!
//! A file is read as a sequence of requests and answers ([`read`]); each is checked from the
//! client's side ([`client`]) and from the server's ([`server`]); findings have places and
//! [`points`], never values.

mod client;
mod exchange;
mod findings;
mod judge;
pub(crate) mod points;
mod read;
mod redact;
pub(crate) mod report;
mod server;

#[cfg(test)]
mod tests;

use std::path::Path;

use exchange::{Bases, Call, Entry};
use findings::{Finding, Findings};
use judge::Judge;
use read::{LoggedDecision, Recording};
use server::History;

use crate::plural::counted;

/// The findings of one file.
pub(crate) struct Found {
    pub(crate) file: String,
    pub(crate) kind: &'static str,
    /// Number of entries, and of those without a SCIM endpoint.
    pub(crate) entries: usize,
    pub(crate) passed_over: usize,
    /// Entries with findings, in order.
    pub(crate) at: Vec<At>,
}

/// The findings at one entry.
pub(crate) struct At {
    pub(crate) entry: usize,
    pub(crate) name: Option<String>,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) findings: Vec<Finding>,
}

/// Checks a file. `base`: the path of the SCIM endpoints, unless it follows from the requests.
pub(crate) fn file(path: &Path, base: Option<&str>) -> anyhow::Result<Found> {
    let judge = Judge::new()?;
    let mut found = Found {
        file: path.display().to_string(),
        kind: "",
        entries: 0,
        passed_over: 0,
        at: Vec::new(),
    };
    match read::read(path)? {
        Recording::Exchange(kind, sequences) => {
            found.kind = kind;
            let paths = sequences.iter().flatten().map(|entry| entry.path.as_str());
            let bases = Bases::new(base, paths);
            for entries in &sequences {
                found.sequence(entries, &bases, &judge)?;
            }
        }
        Recording::Log(lines) => {
            found.kind = "decision log";
            for line in lines {
                found.decision(line);
            }
        }
    }
    // A file without findings must have been checked.
    anyhow::ensure!(
        found.entries > found.passed_over,
        "{}: no entry of this {} ({}) has a SCIM endpoint; give their path with --base, such as --base /scim/v2",
        found.file,
        found.kind,
        found.entries
    );
    Ok(found)
}

// === impl Found ===

impl Found {
    fn sequence(&mut self, entries: &[Entry], bases: &Bases, judge: &Judge) -> anyhow::Result<()> {
        let mut history = History::default();
        for entry in entries {
            self.entries += 1;
            let Some(call) = Call::of(entry, bases) else {
                self.passed_over += 1;
                continue;
            };
            let mut found = Findings::default();
            client::look(&call, judge, &mut found)?;
            server::look(&call, judge, &mut history, &mut found)?;
            let at = At {
                entry: entry.number,
                name: entry.name.clone(),
                method: entry.method.clone(),
                path: entry.path.clone(),
                findings: found.into_all(),
            };
            self.at
                .extend(Some(at).filter(|at| !at.findings.is_empty()));
        }
        Ok(())
    }

    /// A log shows which rule refused and how much was rewritten, but not where.
    fn decision(&mut self, line: LoggedDecision) {
        self.entries += 1;
        let mut found = Findings::default();
        match line.rule.as_deref() {
            Some("upstream.invalid") => found.at(
                &points::server::INVALID,
                "body",
                "what was answered is not in the log",
            ),
            Some(rule) => {
                let what = "refused by the guard; the body is not in the log";
                found.of_id(rule, "body".to_owned(), what.to_owned());
            }
            None => {}
        }
        if line.changes > 0 {
            found.at(
                &points::client::REWRITTEN,
                "body",
                format!("rewritten in {}", counted(line.changes, "place", "places")),
            );
        }
        let at = At {
            entry: line.number,
            name: None,
            method: line.method,
            path: line.path,
            findings: found.into_all(),
        };
        self.at
            .extend(Some(at).filter(|at| !at.findings.is_empty()));
    }
}
