//! One way through: route, token, parse, normalise, permit, write.

mod management;
mod message;
mod scim;

use std::collections::BTreeSet;

use crate::facts::{Facts, Stop};
use crate::message::{AnswerHandling, Change, Forward, ForwardBody, Reject, Request, Verdict};
use crate::observe::Continuation;
use crate::permit::Permitted;
use crate::policy::Policy;
use crate::refusal::ErrorForm;
use crate::route::{Routed, route};

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
    completed: Option<&BTreeSet<String>>,
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
            scim::decide(policy, request, &call, facts, now, completed, &mut progress)
        }
        Ok(Routed::Management(call)) => {
            progress.form = ErrorForm::Problem;
            management::decide(policy, request, &call, facts, now, &mut progress)
        }
    };
    match verdict {
        Ok(forward) => Verdict::Forward(forward),
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
fn forward(permitted: Permitted, continuation: &Continuation, progress: &mut Progress) -> Forward {
    Forward {
        method: String::new(),
        path: String::new(),
        headers: Vec::new(),
        body: ForwardBody::None,
        answer: AnswerHandling::Observe,
        // Plain data with string keys: writing it cannot fail.
        continuation: serde_json::to_vec(continuation).unwrap_or_default(),
        changes: std::mem::take(&mut progress.changes),
        records: Vec::new(),
        account: progress.account.clone(),
        verified_token: progress.verified_token.clone(),
        rule: permitted.watched.map(|refusal| refusal.rule.to_owned()),
    }
}
