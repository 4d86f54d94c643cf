//! The account that a request names outside its body and headers, for callers that allow only some
//! accounts. Reads it exactly as the decision does.

use super::management::unjudged;
use super::target::Target;
use super::{Zone, zone};
use crate::message::{Body, Request};
use crate::plain::is_plain_name;
use crate::policy::Policy;
use crate::policy::template::Fit;

/// The account in a path and its query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamedAccount {
    /// No account is named.
    None,
    /// This account, decoded.
    One(String),
    /// Path and query are ambiguous or lead to no end point. No such request needs a fact.
    Unclear,
}

/// Finds the account of a request from its head alone.
pub(crate) fn named_account(policy: &Policy, method: &str, path: &str) -> NamedAccount {
    let Ok(target) = Target::parse(path) else {
        return NamedAccount::Unclear;
    };
    let zones = (
        zone(policy, &target.folded()),
        zone(policy, &target.lenient()),
    );
    if zones.0 == Zone::Scim || zones.1 == Zone::Scim {
        return of_scim(policy, &target);
    }
    match zones {
        (Zone::Management, Zone::Management) => {
            let request = Request {
                method: method.to_owned(),
                path: path.to_owned(),
                headers: Vec::new(),
                body: Body::Unread,
                annotate: false,
            };
            let call = unjudged(policy, &request, &target, None);
            match (call.account, call.account_unclear) {
                (_, Some(_)) => NamedAccount::Unclear,
                (Some(account), None) => NamedAccount::One(account),
                (None, None) => NamedAccount::None,
            }
        }
        (Zone::Nowhere, Zone::Nowhere) if target.unambiguous().is_ok() => NamedAccount::None,
        _ => NamedAccount::Unclear,
    }
}

fn of_scim(policy: &Policy, target: &Target) -> NamedAccount {
    if target.unambiguous().is_err() {
        return NamedAccount::Unclear;
    }
    let Fit::Exact(mut parameters) = policy.base.fit_start(&target.segments) else {
        return NamedAccount::Unclear;
    };
    match parameters.remove("account") {
        Some(account) if is_plain_name(&account) => NamedAccount::One(account),
        _ => NamedAccount::Unclear,
    }
}
