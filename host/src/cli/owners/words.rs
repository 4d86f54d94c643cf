//! What `scimguard owners` tells people.

use scimguard_core::facts::{Group, Origin, User};

use super::super::ledger;
use super::{AccountReport, GroupReport, UserReport};
use crate::store::{CorrectionRow, RetryRow};

/// How ownership came to be.
pub(super) struct Owned<'a> {
    managed_by: Option<&'a str>,
    since: Option<u64>,
    origin: Option<&'a Origin>,
    pending: bool,
    has_id: bool,
}

impl<'a> From<&'a User> for Owned<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            managed_by: user.managed_by.as_deref(),
            since: user.since,
            origin: user.origin.as_ref(),
            pending: user.pending,
            has_id: user.id.is_some(),
        }
    }
}

impl<'a> From<&'a Group> for Owned<'a> {
    fn from(group: &'a Group) -> Self {
        Self {
            managed_by: group.managed_by.as_deref(),
            since: group.since,
            origin: group.origin.as_ref(),
            pending: group.pending,
            has_id: group.id.is_some(),
        }
    }
}

pub(super) fn why(owned: &Owned<'_>) -> String {
    let owner = owned.managed_by.unwrap_or("nobody");
    let with = |token: &Option<String>| match token {
        Some(token) => format!(" with the token {token}"),
        None => String::new(),
    };
    let mut why = match owned.origin {
        Some(Origin::Created(token)) => format!("{owner} created it{}", with(token)),
        Some(Origin::Adopted(token)) => {
            format!("it was native, and {owner} took it over{}", with(token))
        }
        Some(Origin::Imported(None)) => format!("an import recorded it as {owner}'s"),
        Some(Origin::Imported(Some(filter))) => {
            format!("an import of what fits {filter:?} recorded it as {owner}'s")
        }
        Some(Origin::Corrected(reason)) => format!(
            "it was corrected to be {owner}'s: {}",
            reason.as_deref().unwrap_or_default()
        ),
        None => match owned.managed_by {
            Some(owner) => format!("{owner} provisioned it"),
            None => "the application's own administrators created it, or nobody said more".into(),
        },
    };
    if owned.since.is_some() {
        why.push_str(&format!(", {} UTC", ledger::time(owned.since)));
    }
    if !owned.has_id {
        why.push_str("; whether the application created it is not settled yet");
    } else if owned.pending {
        why.push_str("; the outcome of the last write is not settled yet");
    }
    why
}

pub(super) fn not_recorded() -> String {
    "it is not on record: nobody's, as far as the guard knows".to_owned()
}

/// A report for people.
pub(super) trait Lines {
    fn lines(&self) -> Vec<String>;
}

impl Lines for AccountReport {
    fn lines(&self) -> Vec<String> {
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
                "open     {} users and groups, {} memberships; {} membership changes to repeat",
                counts.open, counts.open_memberships, counts.retries
            ),
        ]
    }
}

impl Lines for UserReport {
    fn lines(&self) -> Vec<String> {
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
    fn lines(&self) -> Vec<String> {
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
            "members  {} for certain, {} being put in, {} being taken out",
            self.members.confirmed, self.members.joining, self.members.leaving
        ));
        lines.extend(tail(&self.retries, &self.corrections));
        lines
    }
}

fn tail(retries: &[RetryRow], corrections: &[CorrectionRow]) -> Vec<String> {
    let time = |millis: i64| ledger::time(u64::try_from(millis).ok());
    let retries = retries.iter().map(|row| {
        let (verb, direction) = if row.present {
            ("put", "into")
        } else {
            ("take", "out of")
        };
        format!(
            "to do    {verb} {} {direction} {}: {}, since {}, tried {} times",
            row.user,
            row.group,
            row.status.map_or_else(
                || "no answer".to_owned(),
                |status| format!("answer {status}")
            ),
            time(row.first_seen),
            row.attempts
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
