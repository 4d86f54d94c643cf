//! A header on the answer of a management read lists what belongs to a provider, so that a user
//! interface can disable the buttons for it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::{answer, management};
use crate::facts::{GroupKey, Key, Unseen, UserKey};
use crate::inputs::Inputs;
use crate::json::{self, Json};
use crate::known::{Facts, MAX_KEYS, Stop};
use crate::message::{BackendOutcome, Outcome, Respond};
use crate::plan::Effects;
use crate::policy::{DirectUsers, Policy};
use crate::route::management::Described;

/// The header: a list of strings with parameters (RFC 9651).
const HEADER: &str = "scimguard-managed";

/// Servers and clients commonly accept 8 KiB of headers in total.
const LONGEST: usize = 6 * 1024;

/// The characters that a string of RFC 9651 §3.3.3 cannot hold, and `%` itself.
const NOT_IN_STRING: &AsciiSet = &CONTROLS.add(b'"').add(b'\\').add(b'%');

// === impl Described ===

impl Described {
    /// The answer as it came, with the header if there is something to list.
    pub(crate) async fn answered(
        &self,
        policy: &Policy,
        outcome: &BackendOutcome,
        inputs: &mut Inputs,
    ) -> Outcome {
        let respond = management(Effects::default(), outcome);
        let BackendOutcome::Answered(answered) = outcome else {
            return Outcome::Respond(respond);
        };
        let body = answer::read(answered).ok();
        let Some(body) = body.filter(|_| (200..=299).contains(&answered.status)) else {
            return Outcome::Respond(respond);
        };
        match inputs.until(|facts| self.told(policy, &body, facts)).await {
            Ok(list) => Outcome::Respond(with_header(respond, list)),
            // The owners are not known now; the read passes all the same.
            Err(_) => Outcome::Respond(respond),
        }
    }

    fn told(&self, policy: &Policy, body: &Json, facts: &Facts) -> Result<String, Stop> {
        let (groups, users) = (named(body, &self.groups), named(body, &self.users));
        let all = groups.len() + users.len();
        let groups: Vec<Key> = groups
            .into_iter()
            .take(MAX_KEYS)
            .map(|id| {
                Key::Group(GroupKey {
                    account: self.account.clone(),
                    scope: self.scope.clone(),
                    id: id.to_owned(),
                    unseen: Unseen::Absent,
                })
            })
            .collect();
        let users: Vec<Key> = users
            .into_iter()
            .take(MAX_KEYS - groups.len())
            .map(|id| {
                Key::User(UserKey {
                    account: self.account.clone(),
                    value: id.to_owned(),
                    unseen: Unseen::Absent,
                })
            })
            .collect();
        facts.require(groups.iter().chain(&users).cloned().collect())?;
        let mut list = String::new();
        for key in &groups {
            if let Some(group) = facts.group(key)? {
                let (id, by) = (group.id.as_deref(), group.managed_by.as_deref());
                add(&mut list, id, "group", by, false);
            }
        }
        let is_cut = groups.len() + users.len() < all;
        let strict = policy.account(&self.account).direct_users == DirectUsers::Locked;
        for key in &users {
            if let Some(user) = facts.user(key)? {
                let (id, by) = (user.id.as_deref(), user.managed_by.as_deref());
                add(&mut list, id, "user", by, strict || user.in_managed_group);
            }
        }
        if is_cut {
            incomplete(&mut list);
        }
        Ok(list)
    }
}

/// `locked`: profile and groups are the provider's too, not only the deletion.
fn add(list: &mut String, id: Option<&str>, kind: &str, by: Option<&str>, locked: bool) {
    let (Some(id), Some(by)) = (id, by) else {
        return;
    };
    if list.len() > LONGEST {
        incomplete(list);
        return;
    }
    if !list.is_empty() {
        list.push_str(", ");
    }
    let (id, by) = (
        utf8_percent_encode(id, NOT_IN_STRING),
        utf8_percent_encode(by, NOT_IN_STRING),
    );
    // Writing to a String cannot fail.
    let _ = write!(list, "\"{id}\";type={kind};by=\"{by}\"");
    if locked {
        list.push_str(";locked");
    }
}

/// Notes that the list may be incomplete.
fn incomplete(list: &mut String) {
    if !list.ends_with("incomplete") {
        list.push_str(if list.is_empty() { "" } else { ", " });
        list.push_str("*;incomplete");
    }
}

fn with_header(mut respond: Respond, list: String) -> Respond {
    // Only the guard may set it.
    respond.response.headers.retain(|(name, _)| name != HEADER);
    if !list.is_empty() {
        let header = (HEADER.to_owned(), list.into_bytes());
        respond.response.headers.push(header);
    }
    respond
}

/// The strings at these pointers.
fn named<'a>(body: &'a Json, pointers: &[String]) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    for pointer in pointers {
        let tokens: Vec<String> = json::pointer_tokens(pointer).collect();
        collect(body, &tokens, &mut found);
    }
    found
}

fn collect<'a>(at: &'a Json, tokens: &[String], found: &mut BTreeSet<&'a str>) {
    match (tokens.split_first(), at) {
        (None, Json::String(text)) => {
            found.insert(text);
        }
        (Some((token, rest)), Json::Array(elements)) if token == "*" => {
            for element in elements {
                collect(element, rest, found);
            }
        }
        (Some((token, rest)), Json::Array(elements)) => {
            let element = token.parse().ok().and_then(|n: usize| elements.get(n));
            element
                .into_iter()
                .for_each(|next| collect(next, rest, found));
        }
        (Some((token, rest)), Json::Object(_)) => {
            let member = at.get(token);
            member
                .into_iter()
                .for_each(|next| collect(next, rest, found));
        }
        _ => {}
    }
}
