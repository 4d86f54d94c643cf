//! Reports the demo on the terminal, coloured unless in a pipe.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

use super::play::Outcome;
use super::story::{Expected, Step};
use crate::plural::counted;

const GOOD: Style = AnsiColor::Green.on_default();
const REFUSED: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const TITLE: Style = Style::new().bold();
const QUIET: Style = Style::new().dimmed();

/// Prints the report and counts results.
pub(super) struct Report {
    passed: usize,
    refused: usize,
    wrong: usize,
}

impl Report {
    /// Prints the addresses of the servers.
    pub(super) fn begin(application: &str, guard: &str) -> Self {
        anstream::println!("{}", styled(TITLE, "scimguard demo"));
        anstream::println!("  application  {application}");
        anstream::println!("  guard        {guard}, in front of it");
        Self {
            passed: 0,
            refused: 0,
            wrong: 0,
        }
    }

    /// Starts a chapter.
    pub(super) fn chapter(&self, title: &str) {
        anstream::println!("\n{}", styled(TITLE, title));
    }

    /// Reports one step and its result.
    pub(super) fn step(&mut self, step: &Step, outcome: &Outcome) {
        let as_expected = outcome.faults.is_empty();
        let mark = if as_expected {
            styled(GOOD, "✓")
        } else {
            styled(BAD, "✗")
        };
        let happened = match &outcome.rule {
            Some(rule) => styled(REFUSED, format!("{} refused: {rule}", outcome.status)),
            None => styled(GOOD, outcome.status.to_string()),
        };
        anstream::println!("  {mark} {} → {happened}", step.what);
        if let (Some(detail), Some(_)) = (&outcome.detail, &outcome.rule) {
            anstream::println!("      {}", styled(QUIET, format!("“{detail}”")));
        }
        if let (Some(stored), true) = (&outcome.stored, as_expected) {
            anstream::println!(
                "      {}",
                styled(QUIET, format!("the application has {stored}"))
            );
        }
        for fault in &outcome.faults {
            anstream::println!("      {}", styled(BAD, fault));
        }
        match step.expected {
            _ if !as_expected => self.wrong += 1,
            Expected::Done => self.passed += 1,
            Expected::Refused { .. } => self.refused += 1,
        }
    }

    /// Sums up, and returns whether everything went as expected. If not, prints the end of the
    /// guard's `log`.
    pub(super) fn end(self, log: &str) -> bool {
        let Self {
            passed,
            refused,
            wrong,
        } = self;
        let counts = format!(
            "{} allowed, {} denied with a reason",
            counted(passed, "request was", "requests were"),
            counted(refused, "was", "were")
        );
        if wrong == 0 {
            anstream::println!(
                "\n{}",
                styled(GOOD, format!("Everything went as expected: {counts}."))
            );
            return true;
        }
        let wrong = counted(wrong, "step", "steps");
        let verdict = format!("{wrong} did not go as expected; {counts}.");
        anstream::println!(
            "\n{}\nThe end of the guard's log:\n{log}",
            styled(BAD, verdict)
        );
        false
    }
}

/// Prints where the pages are.
pub(super) fn pages(admin: &str) {
    anstream::println!("\nPaste a request to see why the guard allows or denies it:");
    anstream::println!("  {admin}/explain/");
    anstream::println!("{}", styled(QUIET, "Ctrl-C ends the guard."));
}

fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}
