//! Evaluates a SCIM call, stage by stage.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::message::message;
use super::ready::Ready;
use super::{Decision, Known, Progress};
use crate::bulk;
use crate::canonical::Canonical;
use crate::inputs::Inputs;
use crate::json::Json;
use crate::message::Request;
use crate::normalise::members::referenced;
use crate::normalise::{member, query};
use crate::permit::{Setting, ask};
use crate::policy::Policy;
use crate::route::{Operation, ScimCall};
use crate::rules::Refusal;
use crate::scim::Profile;
use crate::scim::location::Bases;
use crate::token::authorise_scim;

pub(super) async fn decide(
    policy: &Policy,
    request: &Arc<Request>,
    call: &ScimCall,
    inputs: &mut Inputs,
    known: Known<'_>,
    progress: &mut Progress,
) -> Result<Decision, Refusal> {
    progress.account = Some(call.account.clone());
    let account = policy.account(&call.account);
    let authorised = authorise_scim(request, &call.account, policy, inputs).await?;
    progress.verified_token = Some(authorised.token_id.clone());
    if call.operation == Operation::Bulk {
        let request = inputs.with_body(request, account).await;
        let bulk = bulk::begin(call, &request, policy, account, inputs.facts.budget())?;
        return Ok(Decision::Proceed(bulk.proceed(Vec::new(), Vec::new())));
    }
    let query = query::canonical(call, &call.shapes(account), &mut progress.changes)?;
    let request = &match call.has_body() {
        true => inputs.with_body(request, account).await,
        false => Arc::clone(request),
    };
    let budget = inputs.facts.budget();
    let bases = bases(policy, call, request);
    let changes = &mut progress.changes;
    let mut message = message(call, request, account, budget, &bases, known, changes)?;
    message.redirect(&bases);
    // What the guard adds is judged like what the client sent.
    let no_target = match known.read {
        Some(resource) => message.create_missing(call, resource, account, budget, changes)?,
        None => None,
    };
    let canonical = Canonical::scim(call, message);
    canonical.act().within(&account.limits)?;
    let members = known.read.map(members_of);
    let setting = Setting {
        account_name: &call.account,
        account,
        actor: &authorised.actor,
        token: Some(&authorised.token_id),
        names: false,
        completed: members.as_ref(),
    };
    inputs
        .until(|facts| ask(canonical.act(), &setting.with(facts)))
        .await?;
    // The costly check runs once, when everything else is known.
    canonical.check(call, account, inputs.facts.budget())?;
    let canonical = match (account.profile, &call.operation) {
        (Profile::Interop, Operation::Replace(kind, _)) => {
            canonical.written_as_patch(account.resource(*kind), &mut progress.changes)
        }
        _ => canonical,
    };
    let ready = Ready {
        policy,
        request,
        call,
        is_read: known.read.is_some(),
        no_target,
        authorised: &authorised,
        setting,
        bases,
        query,
        canonical,
    };
    let judged = inputs.until(|facts| ready.judge(facts)).await?;
    ready.forward(judged, &inputs.facts, progress)
}

/// The ids in the `members` of a group.
fn members_of(group: &Json) -> BTreeSet<String> {
    member(group, "members")
        .map(referenced)
        .unwrap_or_default()
        .into_iter()
        .collect()
}

fn bases(policy: &Policy, call: &ScimCall, request: &Request) -> Bases {
    let (client, upstream) = call.bases(policy);
    let said = |name: &str| {
        let header = request.headers.iter().find(|(own, _)| own == name);
        header.and_then(|(_, value)| String::from_utf8(value.clone()).ok())
    };
    Bases {
        client,
        upstream,
        authority: said("host"),
        scheme: said("x-forwarded-proto").filter(|scheme| ["https", "http"].contains(&&**scheme)),
    }
}
