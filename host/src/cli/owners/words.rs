//! The reports of `scimguard owners` for people.

use super::super::store_args;
use crate::owners::{AccountReport, GroupReport, UserReport};
use crate::plural::counted;
use scimguard_store::{CorrectionRow, RetryRow};

/// A report for people.
pub(super) trait Lines {
    /// `name`: the resource in question.
    fn lines(&self, name: &str) -> Vec<String>;
}

impl Lines for AccountReport {
    fn lines(&self, name: &str) -> Vec<String> {
        if let Some(why) = &self.why {
            return not_on_record(name, why);
        }
        let counts = &self.counts;
        vec![
            format!(
                "users    {} owned by a provider, {} native",
                counts.managed_users, counts.native_users
            ),
            format!(
                "groups   {} owned by a provider, {} native",
                counts.managed_groups, counts.native_groups
            ),
            format!(
                "open     {}, {}; {} to repeat",
                counted(counts.open, "user or group", "users and groups"),
                counted(counts.open_memberships, "membership", "memberships"),
                counted(counts.retries, "membership change", "membership changes")
            ),
        ]
    }
}

impl Lines for UserReport {
    fn lines(&self, name: &str) -> Vec<String> {
        if !self.recorded {
            return not_on_record(name, &self.why);
        }
        let mut lines = Vec::new();
        if let Some(user) = &self.user {
            lines.push(format!(
                "user     {} ({}){}",
                user.user_name,
                user.id.as_deref().unwrap_or("no id yet"),
                if user.active { "" } else { ", deactivated" }
            ));
        }
        lines.push(format!("state    {}", self.state));
        lines.push(format!("why      {}", self.why));
        for group in &self.groups {
            let owner = group.managed_by.as_deref().unwrap_or("nobody");
            let scope = match group.scope.as_str() {
                "" => String::new(),
                scope => format!(" of {scope}"),
            };
            lines.push(format!(
                "in       {}{scope}, {owner}'s, {}",
                group.group, group.state
            ));
        }
        lines.extend(tail(&self.retries, &self.corrections));
        lines
    }
}

impl Lines for GroupReport {
    fn lines(&self, name: &str) -> Vec<String> {
        if !self.recorded {
            return not_on_record(name, &self.why);
        }
        let mut lines = Vec::new();
        if let Some(group) = &self.group {
            lines.push(format!(
                "group    {} ({})",
                group.display_name.as_deref().unwrap_or("no known name"),
                group.id.as_deref().unwrap_or("no id yet"),
            ));
        }
        lines.push(format!("state    {}", self.state));
        lines.push(format!("why      {}", self.why));
        lines.push(format!(
            "members  {} confirmed, {} being added, {} being removed",
            self.members.confirmed, self.members.joining, self.members.leaving
        ));
        lines.extend(tail(&self.retries, &self.corrections));
        lines
    }
}

fn not_on_record(name: &str, why: &str) -> Vec<String> {
    vec![
        format!("{name} is not on record"),
        format!("why      {why}"),
    ]
}

fn tail(retries: &[RetryRow], corrections: &[CorrectionRow]) -> Vec<String> {
    let time = |millis: i64| store_args::time(u64::try_from(millis).ok());
    let retries = retries.iter().map(|row| {
        let (verb, direction) = if row.present {
            ("put", "into")
        } else {
            ("take", "out of")
        };
        format!(
            "to do    {verb} {} {direction} {}: {}, since {}, tried {}",
            row.user,
            row.group,
            row.status.map_or_else(
                || "no answer".to_owned(),
                |status| format!("answer {status}")
            ),
            time(row.first_seen),
            counted(row.attempts, "time", "times")
        )
    });
    let corrections = corrections.iter().map(|row| {
        format!(
            "changed  {} from {} to {}: {}",
            time(row.at),
            row.before.as_deref().unwrap_or("nobody"),
            row.after.as_deref().unwrap_or("nobody"),
            row.reason
        )
    });
    retries.chain(corrections).collect()
}
