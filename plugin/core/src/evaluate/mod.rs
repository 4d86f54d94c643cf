//! The stages of a request: route, token, parse, normalise, permit, write.

mod management;
mod message;
mod ready;
mod scim;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::continuation::Continuation;
use crate::inputs::Inputs;
use crate::json::Json;
use crate::message::{
    AnswerHandling, Forward, ForwardBody, Normalisation, Proceed, Reject, Request, Verdict,
};
use crate::permit::Permitted;
use crate::policy::Policy;
use crate::refusal::ErrorForm;
use crate::route::{Routed, route};
use crate::rules::{Refusal, Stage};

/// What is known besides the request, if it is part of a longer exchange.
#[derive(Clone, Copy, Default)]
pub(crate) struct Known<'a> {
    /// The resource as the backend has it, if it was read first.
    pub(crate) read: Option<&'a Json>,
    /// In a Bulk request: the ids of created resources, by `bulkId`.
    pub(crate) bulk_ids: Option<&'a BTreeMap<String, String>>,
}

/// The decision about a request that is not refused.
enum Decision {
    Forward(Forward),
    /// Its parts are decided one after the other.
    Proceed(Proceed),
}

/// What is known about a request when it is refused.
struct Progress {
    form: ErrorForm,
    account: Option<String>,
    verified_token: Option<String>,
    changes: Vec<Normalisation>,
}

/// Decides a request.
pub(crate) async fn evaluate(
    policy: &Policy,
    request: Arc<Request>,
    inputs: &mut Inputs,
    known: Known<'_>,
) -> Verdict {
    let mut progress = Progress {
        form: ErrorForm::Scim,
        account: None,
        verified_token: None,
        changes: Vec::new(),
    };
    inputs.facts.budget().enter(Stage::Route);
    let decision = match route(policy, &request) {
        Err(misrouted) => {
            progress.form = misrouted.form;
            Err(misrouted.refusal)
        }
        Ok(Routed::Scim(call)) => {
            scim::decide(policy, &request, &call, inputs, known, &mut progress).await
        }
        Ok(Routed::Management(call)) => {
            progress.form = ErrorForm::Problem;
            management::decide(policy, &request, &call, inputs, &mut progress)
                .await
                .map(Decision::Forward)
        }
    };
    match decision {
        Ok(Decision::Forward(forward)) => Verdict::Forward(forward),
        Ok(Decision::Proceed(proceed)) => Verdict::Proceed(Proceed {
            account: progress.account,
            verified_token: progress.verified_token,
            ..proceed
        }),
        Err(refusal) => Verdict::Reject(Reject {
            response: refusal.response(progress.form),
            rule: refusal.rule.to_owned(),
            changes: progress.changes,
            account: progress.account,
            verified_token: progress.verified_token,
        }),
    }
}

/// The refusal of a request about which nothing is known.
pub(crate) fn refuse(refusal: &Refusal) -> Verdict {
    Verdict::Reject(Reject {
        response: refusal.response(ErrorForm::Scim),
        rule: refusal.rule.to_owned(),
        changes: Vec::new(),
        account: None,
        verified_token: None,
    })
}

/// The fields of a forward that are always set.
fn forward(
    permitted: &Permitted<'_>,
    continuation: &Continuation,
    progress: &mut Progress,
) -> Forward {
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
