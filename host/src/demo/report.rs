//! Tells the story on the terminal: coloured where a person reads, plain in a pipe.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

use super::play::Outcome;
use super::story::{Expected, Step};

const GOOD: Style = AnsiColor::Green.on_default();
const REFUSED: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const TITLE: Style = Style::new().bold();
const QUIET: Style = Style::new().dimmed();

/// What has been told so far.
pub(super) struct Report {
    passed: usize,
    refused: usize,
    wrong: usize,
}

impl Report {
    /// Says where the servers are.
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

    /// Begins a chapter.
    pub(super) fn chapter(&self, title: &str) {
        anstream::println!("\n{}", styled(TITLE, title));
    }

    /// Tells one step: what was done and what happened.
    pub(super) fn step(&mut self, step: &Step, outcome: &Outcome) {
        let as_told = outcome.faults.is_empty();
        let mark = if as_told {
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
        if let (Some(stored), true) = (&outcome.stored, as_told) {
            anstream::println!(
                "      {}",
                styled(QUIET, format!("the application has {stored}"))
            );
        }
        for fault in &outcome.faults {
            anstream::println!("      {}", styled(BAD, fault));
        }
        match step.expected {
            _ if !as_told => self.wrong += 1,
            Expected::Done => self.passed += 1,
            Expected::Refused { .. } => self.refused += 1,
        }
    }

    /// Sums up, and tells whether all went as told. If not, `log` is the end of the guard's log.
    pub(super) fn end(self, log: &str) -> bool {
        let Self {
            passed,
            refused,
            wrong,
        } = self;
        let counts = format!("{passed} requests passed, {refused} were refused with a reason");
        if wrong == 0 {
            anstream::println!("\n{}", styled(GOOD, format!("All as told: {counts}.")));
            return true;
        }
        let verdict = format!("{wrong} steps did not go as told; {counts}.");
        anstream::println!("\n{}\nThe guard's last words:\n{log}", styled(BAD, verdict));
        false
    }
}

/// Says where the pages are.
pub(super) fn pages(admin: &str) {
    anstream::println!("\nPaste a request, and see why the guard lets it through or not:");
    anstream::println!("  {admin}/explain/");
    anstream::println!("{}", styled(QUIET, "Ctrl-C ends the guard."));
}

fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}
