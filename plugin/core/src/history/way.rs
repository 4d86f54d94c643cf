//! The stages that a request reached, and the place in its body that stopped it.

use serde::Serialize;

use super::decided::Decided;
use crate::Guard;
use crate::json;
use crate::message::{Reject, Request, ResponseBody};
use crate::refusal::ErrorForm;
use crate::route::{Routed, route};
use crate::rules::{self, Stage};

/// One stage of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Passage {
    /// The stage.
    pub stage: Stage,
    /// How it ended.
    pub outcome: Passed,
}

/// How a stage ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Passed {
    /// It passed the request on.
    Passed,
    /// It refused the request.
    Refused,
    /// The request was refused before.
    NotReached,
}

const SCIM: &[Stage] = &Stage::ALL;

/// The application authenticates its own administrators.
const MANAGEMENT: &[Stage] = &[Stage::Route, Stage::Parse, Stage::Permit, Stage::Write];

const AUTHENTICATED_MANAGEMENT: &[Stage] = &[
    Stage::Route,
    Stage::Token,
    Stage::Parse,
    Stage::Permit,
    Stage::Write,
];

/// The stages of a request, up to its first decision.
#[must_use]
pub fn way(guard: &Guard, request: &Request, decided: &Decided) -> Vec<Passage> {
    let stages = stages(guard, request);
    let refused = match decided {
        Decided::Forward(_) => None,
        Decided::Reject(reject) => Some(refused_at(reject, stages)),
        Decided::Respond(respond) => respond.rule.as_deref().and_then(rules::stage),
    };
    stages
        .iter()
        .map(|&stage| Passage {
            stage,
            outcome: match refused {
                Some(refused) if stage == refused => Passed::Refused,
                Some(refused) if stage > refused => Passed::NotReached,
                _ => Passed::Passed,
            },
        })
        .collect()
}

fn stages(guard: &Guard, request: &Request) -> &'static [Stage] {
    match route(&guard.policy, request) {
        Ok(Routed::Scim(_)) => SCIM,
        Ok(Routed::Management(call)) => {
            let account = match &call.account {
                Some(account) => guard.policy.account(account),
                None => guard.policy.default_account(),
            };
            if account.authenticate_management {
                AUTHENTICATED_MANAGEMENT
            } else {
                MANAGEMENT
            }
        }
        Err(misrouted) => match misrouted.form {
            ErrorForm::Scim => SCIM,
            ErrorForm::Problem => MANAGEMENT,
        },
    }
}

/// The stage of the rule; if facts were missing, the stage that asked for them.
fn refused_at(reject: &Reject, stages: &[Stage]) -> Stage {
    let of_rule = rules::stage(&reject.rule);
    of_rule.unwrap_or(
        if reject.verified_token.is_none() && stages.contains(&Stage::Token) {
            Stage::Token
        } else {
            Stage::Permit
        },
    )
}

/// The line and column in the request's body that a refusal refers to, both starting at 1.
#[must_use]
pub fn place(reject: &Reject) -> Option<(usize, usize)> {
    if rules::stage(&reject.rule) != Some(Stage::Parse) {
        return None;
    }
    let ResponseBody::Bytes(body) = &reject.response.body else {
        return None;
    };
    json::place_in(&String::from_utf8_lossy(body))
}
