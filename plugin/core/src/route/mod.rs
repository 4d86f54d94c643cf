//! Routes a request: to a SCIM call or an edit of the application's management API, and to its
//! account.

pub(crate) mod account;
pub(crate) mod management;
mod percent;
pub(crate) mod query;
pub(crate) mod scim;
pub(crate) mod target;

use crate::fold;
use crate::message::Request;
use crate::policy::Policy;
use crate::refusal::ErrorForm;
use crate::rules::{Refusal, route};

pub(crate) use management::ManagementCall;
pub(crate) use scim::{Discovery, Operation, ScimCall};
use target::{Target, ambiguous};

/// A routed request.
pub(crate) enum Routed<'p> {
    Scim(ScimCall),
    Management(Box<ManagementCall<'p>>),
}

/// A refusal, and the form in which its route reports errors.
pub(crate) struct Misrouted {
    pub(crate) refusal: Refusal,
    pub(crate) form: ErrorForm,
}

/// Where a path leads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Zone {
    Scim,
    Management,
    Nowhere,
}

/// Routes a request.
pub(crate) fn route<'p>(policy: &'p Policy, request: &Request) -> Result<Routed<'p>, Misrouted> {
    let as_scim = |refusal| Misrouted {
        refusal,
        form: ErrorForm::Scim,
    };
    let as_problem = |refusal| Misrouted {
        refusal,
        form: ErrorForm::Problem,
    };
    let target = Target::parse(&request.path).map_err(as_scim)?;
    let zones = (
        zone(policy, &target.folded()),
        zone(policy, &target.lenient()),
    );
    if zones.0 == Zone::Scim || zones.1 == Zone::Scim {
        target.unambiguous().map_err(as_scim)?;
        let call = scim::call(policy, request, &target).map_err(as_scim)?;
        return Ok(Routed::Scim(call));
    }
    match zones {
        (Zone::Management, Zone::Management) => {
            let call = management::call(policy, request, target).map_err(as_problem)?;
            Ok(Routed::Management(Box::new(call)))
        }
        (Zone::Nowhere, Zone::Nowhere) => {
            Err(as_scim(target.unambiguous().err().unwrap_or_else(|| {
                route::UNKNOWN.because(format!(
                    "There is nothing at this path. SCIM is at {}.",
                    policy.base
                ))
            })))
        }
        _ => Err(as_problem(ambiguous(
            "it leads to different places for different readers",
        ))),
    }
}

/// Returns where a path leads; its segments are case-folded.
fn zone(policy: &Policy, path: &[String]) -> Zone {
    let in_prefix = |path: &[String]| {
        policy
            .management
            .prefixes
            .iter()
            .any(|prefix| path.starts_with(prefix))
    };
    let upstream: Vec<String> = policy
        .upstream_base
        .literal_prefix()
        .map(|segment| fold::key(segment).into_owned())
        .collect();
    if policy.base.literal_prefix_covers(path)
        || (in_prefix(&upstream) && path.starts_with(&upstream))
    {
        Zone::Scim
    } else if in_prefix(path) {
        Zone::Management
    } else {
        Zone::Nowhere
    }
}

/// Refuses unknown methods and other spellings of known ones.
fn known_method(method: &str) -> Result<(), Refusal> {
    match method {
        "GET" | "HEAD" | "OPTIONS" | "POST" | "PUT" | "PATCH" | "DELETE" => Ok(()),
        _ => Err(route::METHOD
            .because("The method is unknown. Methods are spelt in upper case.")
            .allowing("GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE")),
    }
}
