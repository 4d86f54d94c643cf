//! Findings, for people and for programs.

use std::path::PathBuf;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::cli::store_args;
use crate::plural::counted;

const PROBLEM: Style = AnsiColor::Red.on_default();

/// All findings, in order.
#[derive(Serialize)]
pub(super) struct Findings {
    /// The configuration, for commands that can be pasted.
    #[serde(skip)]
    config: PathBuf,
    findings: Vec<Finding>,
}

#[derive(Serialize)]
struct Finding {
    verdict: Verdict,
    /// What was checked.
    about: &'static str,
    detail: String,
    /// The guard's rule that applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Fine,
    /// Worth knowing, but nothing to do.
    Note,
    Problem,
}

impl Findings {
    pub(super) fn of(config: PathBuf) -> Self {
        Self {
            config,
            findings: Vec::new(),
        }
    }

    /// A command of this program, with the configuration in use.
    pub(super) fn command(&self, command: &str, arguments: &str) -> String {
        store_args::command(&self.config, command, arguments)
    }

    /// The command that creates a principal.
    pub(super) fn new_principal(&self, account: &str, id: &str) -> String {
        store_args::new_principal(&self.config, account, id)
    }

    /// The command that creates a token: a provider's, or an operator's.
    pub(super) fn new_token(
        &self,
        account: &str,
        principal: &str,
        provider: Option<&str>,
    ) -> String {
        store_args::new_token(&self.config, account, principal, provider)
    }

    pub(super) fn fine(&mut self, about: &'static str, detail: impl Into<String>) {
        self.add(Verdict::Fine, about, detail.into(), None, None);
    }

    pub(super) fn note(&mut self, about: &'static str, detail: impl Into<String>) {
        self.add(Verdict::Note, about, detail.into(), None, None);
    }

    pub(super) fn problem(
        &mut self,
        about: &'static str,
        detail: impl Into<String>,
        advice: impl Into<String>,
    ) {
        let advice = Some(advice.into());
        self.add(Verdict::Problem, about, detail.into(), None, advice);
    }

    /// Adds a guard's refusal by one of its rules.
    pub(super) fn refused(
        &mut self,
        about: &'static str,
        rule: &str,
        detail: String,
        advice: String,
    ) {
        let rule = Some(rule.to_owned());
        self.add(Verdict::Problem, about, detail, rule, Some(advice));
    }

    fn add(
        &mut self,
        verdict: Verdict,
        about: &'static str,
        detail: String,
        rule: Option<String>,
        advice: Option<String>,
    ) {
        self.findings.push(Finding {
            verdict,
            about,
            detail,
            rule,
            advice,
        });
    }

    pub(super) fn print(&self, json: bool) -> anyhow::Result<ExitCode> {
        let problems = self.problems();
        if json {
            anstream::println!("{}", serde_json::to_string_pretty(self)?);
        } else {
            self.findings.iter().for_each(Finding::print);
            anstream::println!(
                "{}",
                match problems {
                    0 => "nothing is wrong".to_owned(),
                    count => counted(count, "problem", "problems"),
                }
            );
        }
        Ok(match problems {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        })
    }

    fn problems(&self) -> usize {
        let all = self.findings.iter();
        all.filter(|finding| finding.verdict == Verdict::Problem)
            .count()
    }
}

impl Finding {
    fn print(&self) {
        let (verdict, style) = match self.verdict {
            Verdict::Fine => ("fine", Style::new()),
            Verdict::Note => ("note", Style::new()),
            Verdict::Problem => ("PROBLEM", PROBLEM),
        };
        let rule = self.rule.as_ref();
        let rule = rule.map_or_else(String::new, |rule| format!(" [{rule}]"));
        anstream::println!(
            "{style}{verdict:8}{style:#} {:13} {}{rule}",
            self.about,
            self.detail
        );
        if let Some(advice) = &self.advice {
            anstream::println!("{:8} {:13} -> {advice}", "", "");
        }
    }
}
