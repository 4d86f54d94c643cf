//! How logs name a request of the management API: the edit of its route, and the user or group that
//! it names. Logs contain no other part of its body.

use serde::{Deserialize, Serialize};

use crate::json::{Json, pointer_tokens};
use crate::message::{Body, Request};
use crate::policy::{Policy, Source};
use crate::refusal::ErrorForm;
use crate::route::management::Match;
use crate::route::{Routed, route};

/// An edit, as logs show it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedEdit {
    /// Its name in the policy document, such as `group.rename`.
    pub edit: String,
    /// The id of the group that the request names.
    pub group: Option<String>,
    /// The user that the request names, by id or user name.
    pub user: Option<String>,
}

/// Whether a request is a SCIM call, or would be one if it were valid.
pub(crate) fn is_scim(policy: &Policy, request: &Request) -> bool {
    match route(policy, request) {
        Ok(Routed::Scim(_)) => true,
        Ok(Routed::Management(_)) => false,
        Err(misrouted) => misrouted.form == ErrorForm::Scim,
    }
}

/// The edit of a request that a route of the policy names.
pub(crate) fn named(policy: &Policy, request: &Request) -> Option<NamedEdit> {
    let Ok(Routed::Management(call)) = route(policy, request) else {
        return None;
    };
    let matched = call.matched?;
    let body = match &request.body {
        Body::Bytes(bytes) => Json::parse(bytes),
        _ => None,
    };
    let edit = serde_json::to_value(matched.route.edit).ok()?;
    Some(NamedEdit {
        edit: edit.as_str()?.to_owned(),
        group: part(&matched, &matched.route.group, request, body.as_ref()),
        user: part(&matched, &matched.route.targets, request, body.as_ref())
            .or_else(|| part(&matched, &matched.route.user, request, body.as_ref())),
    })
}

fn part(
    matched: &Match<'_>,
    sources: &[Source],
    request: &Request,
    body: Option<&Json>,
) -> Option<String> {
    let outside = matched.outside_body(sources, request, "part").ok()?;
    outside.or_else(|| {
        sources.iter().find_map(|source| match source {
            Source::Body(pointer) => {
                let tokens: Vec<String> = pointer_tokens(pointer).collect();
                Some(body?.at(&tokens)?.as_str()?.to_owned())
            }
            _ => None,
        })
    })
}
