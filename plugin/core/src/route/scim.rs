//! SCIM end points (RFC 7644 §3.2).

use serde::{Deserialize, Serialize};

use super::known_method;
use super::target::{Target, ambiguous};
use crate::facts::ResourceKind;
use crate::message::Request;
use crate::plain::is_plain_name;
use crate::policy::Policy;
use crate::policy::template::Fit;
use crate::rules::{Refusal, route};

/// The query parameters of a list (RFC 7644 §3.4.2, §3.9, RFC 9865 §2). No other SCIM call has
/// more.
pub(crate) const LIST_PARAMETERS: &[&str] = &[
    "filter",
    "sortBy",
    "sortOrder",
    "startIndex",
    "count",
    "cursor",
    "attributes",
    "excludedAttributes",
];

/// A call of a SCIM end point.
#[derive(Clone, Debug)]
pub(crate) struct ScimCall {
    pub(crate) account: String,
    /// The account as encoded in the path.
    raw_account: String,
    pub(crate) operation: Operation,
    /// The end point and id as encoded, with leading slashes.
    raw_tail: String,
    pub(crate) query: Vec<(String, String, String)>,
}

/// What a SCIM call does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// `GET /Users`; without a type, `GET` of the base itself (RFC 7644 §3.4.2.1)
    List(Option<ResourceKind>),
    /// `POST /Users/.search`, `POST /.search` (RFC 7644 §3.4.3)
    Search(Option<ResourceKind>),
    /// `GET /Users/{id}`
    Read(ResourceKind, String),
    /// `POST /Users`
    Create(ResourceKind),
    /// `PUT /Users/{id}`
    Replace(ResourceKind, String),
    /// `PATCH /Users/{id}`
    Patch(ResourceKind, String),
    /// `DELETE /Users/{id}`
    Delete(ResourceKind, String),
    /// `POST /Bulk` (RFC 7644 §3.7)
    Bulk,
    /// `GET /Schemas`, `/ResourceTypes`, `/ServiceProviderConfig` (RFC 7644 §4)
    Discover(Discovery),
}

/// The resources in which a backend describes itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Discovery {
    Schemas,
    ResourceTypes,
    ServiceProviderConfig,
}

/// Reads a call from a path under the SCIM base.
pub(super) fn call(
    policy: &Policy,
    request: &Request,
    target: &Target,
) -> Result<ScimCall, Refusal> {
    let unknown = || {
        route::UNKNOWN.because(format!(
            "This is not a SCIM end point. Users are at {base}/Users, groups at {base}/Groups.",
            base = policy.base
        ))
    };
    let Fit::Exact(parameters) = policy.base.fit_start(&target.segments) else {
        return Err(unknown());
    };
    let account = parameters.get("account").cloned().unwrap_or_default();
    if !is_plain_name(&account) {
        return Err(ambiguous(
            "the account is empty or contains white space or an invisible character",
        ));
    }
    known_method(&request.method)?;
    let depth = policy.base.len();
    let tail = target.segments.get(depth..).unwrap_or_default();
    // The bare base is no end point; with a query it lists resources of every type.
    if tail.is_empty() && target.query.parameters.is_empty() {
        return Err(unknown());
    }
    // RFC 9110 §9.3.2: HEAD is GET without the response body.
    let method = match request.method.as_str() {
        "HEAD" => "GET",
        method => method,
    };
    let operation = operation(method, tail)?.ok_or_else(unknown)?;
    if method != "GET" {
        target.query.unambiguous()?;
        for name in LIST_PARAMETERS {
            target.query.parameter(name)?;
        }
    }
    let raw_tail = target
        .raw
        .get(depth..)
        .unwrap_or_default()
        .iter()
        .fold(String::new(), |tail, segment| tail + "/" + segment);
    Ok(ScimCall {
        raw_account: target
            .raw
            .get(depth.saturating_sub(1))
            .cloned()
            .unwrap_or_default(),
        account,
        operation,
        raw_tail,
        query: target
            .query
            .parameters
            .iter()
            .map(|p| (p.name.clone(), p.value.clone(), p.raw_value.clone()))
            .collect(),
    })
}

/// Returns `None` if there is no such end point.
fn operation(method: &str, tail: &[String]) -> Result<Option<Operation>, Refusal> {
    let wrong_method = |allowed: &'static str| {
        route::METHOD
            .because(format!("{method} is not allowed here. Allowed: {allowed}."))
            .allowing(allowed)
    };
    let tail: Vec<&str> = tail.iter().map(String::as_str).collect();
    let search = |kind| match method {
        "POST" => Ok(Some(Operation::Search(kind))),
        _ => Err(wrong_method("POST")),
    };
    let discover = |document| match method {
        "GET" => Ok(Some(Operation::Discover(document))),
        _ => Err(wrong_method("GET")),
    };
    let kind = match tail.first() {
        None if method == "GET" => return Ok(Some(Operation::List(None))),
        None => return Err(wrong_method("GET")),
        Some(&".search") if tail.len() == 1 => return search(None),
        Some(&"Bulk") if tail.len() == 1 => {
            return match method {
                "POST" => Ok(Some(Operation::Bulk)),
                _ => Err(wrong_method("POST")),
            };
        }
        Some(&"Users") => ResourceKind::User,
        Some(&"Groups") => ResourceKind::Group,
        Some(&"Schemas") if tail.len() <= 2 => return discover(Discovery::Schemas),
        Some(&"ResourceTypes") if tail.len() <= 2 => return discover(Discovery::ResourceTypes),
        Some(&"ServiceProviderConfig") if tail.len() == 1 => {
            return discover(Discovery::ServiceProviderConfig);
        }
        _ => return Ok(None),
    };
    match (tail.as_slice(), method) {
        ([_], "GET") => Ok(Some(Operation::List(Some(kind)))),
        ([_], "POST") => Ok(Some(Operation::Create(kind))),
        ([_], _) => Err(wrong_method("GET, POST")),
        ([_, ".search"], _) => search(Some(kind)),
        ([_, id], _) if !is_plain_name(id) => Err(ambiguous(
            "the id is too long or contains white space or an invisible character",
        )),
        ([_, id], "GET") => Ok(Some(Operation::Read(kind, (*id).to_owned()))),
        ([_, id], "PUT") => Ok(Some(Operation::Replace(kind, (*id).to_owned()))),
        ([_, id], "PATCH") => Ok(Some(Operation::Patch(kind, (*id).to_owned()))),
        ([_, id], "DELETE") => Ok(Some(Operation::Delete(kind, (*id).to_owned()))),
        ([_, _], _) => Err(wrong_method("GET, PUT, PATCH, DELETE")),
        _ => Ok(None),
    }
}

// === impl ScimCall ===

impl ScimCall {
    /// Returns the resource that a PUT or PATCH changes.
    pub(crate) fn changed(&self) -> Option<(ResourceKind, String)> {
        match &self.operation {
            Operation::Patch(kind, id) | Operation::Replace(kind, id) => Some((*kind, id.clone())),
            _ => None,
        }
    }

    /// Returns the path at the backend, without a query.
    pub(crate) fn upstream_path(&self, policy: &Policy) -> String {
        match policy.upstream_base.fill(&self.raw_account) + &self.raw_tail {
            path if path.is_empty() => "/".to_owned(),
            path => path,
        }
    }

    /// Returns this account's base as clients see it and its base at the backend.
    pub(crate) fn bases(&self, policy: &Policy) -> (String, String) {
        (
            policy.base.fill(&self.raw_account),
            policy.upstream_base.fill(&self.raw_account),
        )
    }
}
