//! One way through: route, token, parse, normalise, permit, write.

mod management;
mod message;
mod scim;

use std::collections::BTreeMap;

use crate::continuation::Continuation;
use crate::json::Json;
use crate::known::{Facts, Stop};
use crate::message::{
    AnswerHandling, Change, Forward, ForwardBody, Proceed, Reject, Request, Verdict,
};
use crate::permit::Permitted;
use crate::policy::Policy;
use crate::refusal::ErrorForm;
use crate::route::{Routed, route};

/// What is known beyond the request, because it is part of a longer way.
#[derive(Clone, Copy, Default)]
pub(crate) struct Given<'a> {
    /// The resource as the backend has it, if it was read first.
    pub(crate) read: Option<&'a Json>,
    /// In a Bulk request: the ids of what was created, by `bulkId`.
    pub(crate) bulk_ids: Option<&'a BTreeMap<String, String>>,
}

/// A request that is not refused.
enum Decision {
    Forward(Forward),
    /// Its parts are decided one after the other.
    Proceed(Proceed),
}

/// What is known of a request by the time it is refused.
struct Progress {
    form: ErrorForm,
    account: Option<String>,
    verified_token: Option<String>,
    changes: Vec<Change>,
}

/// Decides a request as far as the facts reach.
pub(crate) fn evaluate(
    policy: &Policy,
    request: &Request,
    facts: &Facts<'_>,
    now: u64,
    given: Given<'_>,
) -> Verdict {
    let mut progress = Progress {
        form: ErrorForm::Scim,
        account: None,
        verified_token: None,
        changes: Vec::new(),
    };
    let verdict = match route(policy, request) {
        Err(misrouted) => {
            progress.form = misrouted.form;
            Err(Stop::Refuse(misrouted.refusal))
        }
        Ok(Routed::Scim(call)) => {
            scim::decide(policy, request, &call, facts, now, given, &mut progress)
        }
        Ok(Routed::Management(call)) => {
            progress.form = ErrorForm::Problem;
            management::decide(policy, request, &call, facts, now, &mut progress)
                .map(Decision::Forward)
        }
    };
    match verdict {
        Ok(Decision::Forward(forward)) => Verdict::Forward(forward),
        Ok(Decision::Proceed(proceed)) => Verdict::Proceed(Proceed {
            account: progress.account,
            verified_token: progress.verified_token,
            ..proceed
        }),
        Err(Stop::Need(need)) => Verdict::Need(need),
        Err(Stop::Refuse(refusal)) => Verdict::Reject(Reject {
            response: refusal.response(progress.form),
            rule: refusal.rule.to_owned(),
            changes: progress.changes,
            account: progress.account,
            verified_token: progress.verified_token,
        }),
    }
}

/// The parts of a forward that every way has.
fn forward(permitted: &Permitted, continuation: &Continuation, progress: &mut Progress) -> Forward {
    Forward {
        method: String::new(),
        path: String::new(),
        headers: Vec::new(),
        body: ForwardBody::None,
        answer: AnswerHandling::Observe,
        continuation: continuation.to_bytes(),
        changes: std::mem::take(&mut progress.changes),
        records: Vec::new(),
        account: progress.account.clone(),
        verified_token: progress.verified_token.clone(),
        rule: permitted.watched().map(str::to_owned),
    }
}
