//! Describes why somebody owns something.

use scimguard_core::facts::{Group, Origin, User};

use crate::times;

/// The origin of an ownership.
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
            pending: user.write_pending,
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
            pending: group.write_pending,
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
            format!("an import with the filter {filter:?} recorded it as {owner}'s")
        }
        Some(Origin::Corrected(reason)) => format!(
            "the owner was corrected to {owner}: {}",
            reason.as_deref().unwrap_or_default()
        ),
        None => match owned.managed_by {
            Some(owner) => format!("{owner} provisioned it"),
            None => "the application's own administrators created it, as far as is known".into(),
        },
    };
    if owned.since.is_some() {
        why.push_str(&format!(", {} UTC", times::shown(owned.since)));
    }
    if !owned.has_id {
        why.push_str("; whether the application created it is still open");
    } else if owned.pending {
        why.push_str("; the outcome of the last write is still open");
    }
    why
}

pub(super) fn not_recorded() -> String {
    "the guard has no record of it: check the name and the account; an import records what the application has"
        .to_owned()
}
