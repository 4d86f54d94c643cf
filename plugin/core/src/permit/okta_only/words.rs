//! How a refusal says who owns a resource, since when, and where to change it instead.
//!
//! A caller whom the application has not authenticated yet must not learn a name that the request
//! does not contain.

use crate::facts::{Group, Origin, User};
use crate::permit::context::Context;

/// An owned user or group, described for a refusal.
pub(super) struct Owned<'a> {
    /// Its name, or the reference in the request.
    pub(super) name: &'a str,
    /// The provider.
    pub(super) owner: String,
    /// Such as "was pushed by Okta on 2026-03-01".
    pub(super) came: String,
}

impl<'a> Owned<'a> {
    /// The user that the request calls `reference`.
    pub(super) fn user(user: &'a User, reference: &'a str, context: &Context<'_>) -> Self {
        let owner = owner(user.managed_by.as_deref());
        Self {
            name: called(Some(user), reference, context),
            came: came("provisioned", &owner, user.origin.as_ref(), user.since),
            owner,
        }
    }

    /// The group that the request calls `reference`.
    pub(super) fn group(group: &'a Group, reference: &'a str, context: &Context<'_>) -> Self {
        let owner = owner(group.managed_by.as_deref());
        let name = match (&group.display_name, context.token.is_some()) {
            (Some(name), true) => name,
            _ => reference,
        };
        Self {
            name,
            came: came("pushed", &owner, group.origin.as_ref(), group.since),
            owner,
        }
    }
}

/// The name of a user whom the request names by id, if the caller may learn it.
pub(super) fn called<'a>(
    user: Option<&'a User>,
    reference: &'a str,
    context: &Context<'_>,
) -> &'a str {
    match user {
        Some(user) if context.token.is_some() => &user.user_name,
        _ => reference,
    }
}

/// The provider's name as a person writes it.
pub(super) fn shown(provider: &str) -> String {
    let mut letters = provider.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

fn owner(managed_by: Option<&str>) -> String {
    shown(managed_by.unwrap_or("the identity provider"))
}

fn came(verb: &str, owner: &str, origin: Option<&Origin>, since: Option<u64>) -> String {
    let day = since.and_then(day);
    match (origin, day) {
        (Some(Origin::Imported(_) | Origin::Corrected(_)), Some(day)) => {
            format!("is on record as {owner}'s since {day}")
        }
        (Some(Origin::Imported(_) | Origin::Corrected(_)), None) => {
            format!("is on record as {owner}'s")
        }
        (Some(Origin::Adopted(_)), Some(day)) => format!("was taken over by {owner} on {day}"),
        (Some(Origin::Adopted(_)), None) => format!("was taken over by {owner}"),
        (_, Some(day)) => format!("was {verb} by {owner} on {day}"),
        (_, None) => format!("was {verb} by {owner}"),
    }
}

/// The day of a time, in UTC.
fn day(millis: u64) -> Option<String> {
    let seconds = i64::try_from(millis / 1000).ok()?;
    let time = time::UtcDateTime::from_unix_timestamp(seconds).ok()?;
    Some(time.date().to_string())
}
