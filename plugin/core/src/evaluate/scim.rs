//! A SCIM call on its way through the stages.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::message::{Message, message};
use super::{Decision, Known, Progress, forward};
use crate::act::{Act, Edit, MembersWrite};
use crate::bulk;
use crate::continuation::{Continuation, CreatedRead, Expected, PendingRead, ScimContinuation};
use crate::facts::ResourceKind;
use crate::inputs::Inputs;
use crate::json::Json;
use crate::known::{Facts, Stop};
use crate::message::{Forward, ForwardBody, Request};
use crate::normalise::members::referenced;
use crate::normalise::{member, query};
use crate::permit::{Context, Setting, ask, permit};
use crate::plan::{Effects, plan};
use crate::policy::{Account, Dialect, Policy};
use crate::route::{Operation, ScimCall};
use crate::rules::{Refusal, Stage, normalise};
use crate::scim::Profile;
use crate::scim::location::Bases;
use crate::token::{Actor, authorise_scim};
use crate::write;

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
    let act = call.act(&message);
    act.within(&account.limits)?;
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
        .until(|facts| ask(&act, &setting.with(facts)))
        .await?;
    // The costly check comes once, when everything else is at hand.
    message.check(call, account, inputs.facts.budget())?;
    let judge = |facts: &Facts| permit(&act, &setting.with(facts));
    let permitted = inputs.until(judge).await?;
    if let Some(no_target) = no_target {
        return Err(no_target.refusal());
    }
    let path = call.upstream_path(policy);
    let mut continuation = ScimContinuation {
        account: call.account.clone(),
        bases,
        expected: call.expected(&act, &query, &message),
        provisioner: match authorised.actor {
            Actor::Provisioner(_) => Some(authorised.token_id.clone()),
            Actor::Operator => None,
        },
        outcome: Effects::default(),
        profile: account.profile,
        reading: None,
        read_back: None,
        created: None,
        is_head: request.method == "HEAD",
    };
    let mut headers = write::scim_headers(request, &authorised, account.profile);
    let reading = |continuation: &ScimContinuation, resource| {
        let token = authorised.token_id.clone();
        PendingRead::new(
            request,
            continuation,
            resource,
            token,
            path.clone(),
            headers.clone(),
        )
    };
    if known.read.is_none() {
        let incomplete = |facts: &Facts| incomplete_group(&act, account, &setting.with(facts));
        if let Some(group) = inputs.until(incomplete).await? {
            let read = reading(&continuation, (ResourceKind::Group, group));
            return Ok(Decision::Forward(read.forward(Vec::new())));
        }
        if let Some(resource) = call.changed().filter(|_| message.may_create()) {
            continuation.reading = Some(Box::new(reading(&continuation, resource)));
        }
    }
    if let (Profile::Interop, Operation::Replace(kind, id)) = (account.profile, &call.operation) {
        message.as_patch(account.resource(*kind), &mut progress.changes);
        continuation.read_back = Some(Box::new(reading(&continuation, (*kind, id.clone()))));
    }
    if let Operation::Create(_) = call.operation {
        let token = authorised.token_id.clone();
        continuation.created = Some(Box::new(CreatedRead::new(token, &path, &headers)));
    }
    let done = message.acted_on(call, account);
    let done = done.map(|message| call.act(&message));
    let done = done.as_ref().unwrap_or(&act);
    let plan = |facts: &Facts| plan(done, &setting.with(facts), facts.now());
    let plan = inputs.until(plan).await?;
    let mut records = plan.before;
    continuation.outcome = plan.outcome;
    let context = setting.with(&inputs.facts);
    context.facts.budget().enter(Stage::Write);
    let written = Written::new(call, message, &act, account, &context, progress);
    let (method, body) = match written.map_err(Stop::refusal)? {
        Written::AsAsked(body) => (request.method.as_str(), body),
        Written::Patch(body) => ("PATCH", Some(body)),
        Written::Read => {
            // Nothing is changed, so nothing is recorded.
            records = Vec::new();
            continuation.outcome = Effects::default();
            if let Some((kind, id)) = call.changed() {
                continuation.expected = Expected::Resource(kind, id);
            }
            ("GET", None)
        }
    };
    if body.is_some() {
        headers.push(write::json_content());
    }
    Ok(Decision::Forward(Forward {
        method: method.to_owned(),
        path: if query.is_empty() {
            path
        } else {
            format!("{path}?{query}")
        },
        headers,
        body: body.map_or(ForwardBody::None, ForwardBody::Bytes),
        records,
        ..forward(&permitted, &Continuation::Scim(continuation), progress)
    }))
}

/// The ids in the `members` of a group.
fn members_of(group: &Json) -> BTreeSet<String> {
    member(group, "members")
        .map(referenced)
        .unwrap_or_default()
        .into_iter()
        .collect()
}

/// A message in the backend's dialect.
enum Written {
    /// With the client's own method.
    AsAsked(Option<Vec<u8>>),
    Patch(Vec<u8>),
    /// Nothing is left to change: the resource is read instead.
    Read,
}

// === impl Written ===

impl Written {
    fn new(
        call: &ScimCall,
        message: Message,
        act: &Act,
        account: &Account,
        context: &Context<'_>,
        progress: &mut Progress,
    ) -> Result<Self, Stop> {
        match (message, &call.operation) {
            (Message::Resource(message) | Message::Search(message), _) => {
                Ok(Self::AsAsked(Some(message.to_bytes())))
            }
            (
                Message::Patch(operations),
                Operation::Patch(kind, _) | Operation::Replace(kind, _),
            ) => {
                let resource = account.resource(*kind);
                let changes = &mut progress.changes;
                let operations = write::in_dialect(operations, resource, act, context, changes)?;
                if operations.is_empty() {
                    if changes.iter().all(|c| c.rule != normalise::NO_EFFECT.id) {
                        changes.push(normalise::NO_EFFECT.normalisation(
                            "Operations",
                            "no operation is left: the resource is read instead",
                        ));
                    }
                    return Ok(Self::Read);
                }
                let message = write::patch_message(&operations, resource, changes);
                Ok(Self::Patch(message.to_bytes()))
            }
            _ => Ok(Self::AsAsked(None)),
        }
    }
}

/// The group whose members must be read before a replacement can be written as a difference.
fn incomplete_group(
    act: &Act,
    account: &Account,
    context: &Context<'_>,
) -> Result<Option<String>, Stop> {
    if account.group.dialect("members") != Dialect::Difference {
        return Ok(None);
    }
    for edit in &act.edits {
        let Edit::ChangeGroup(change) = edit else {
            continue;
        };
        let group = &change.group;
        if !matches!(change.members.net(), MembersWrite::Replace(_)) {
            continue;
        }
        let Some(key) = context.net_members_key(group, &change.members) else {
            continue;
        };
        if !context.facts.difference(&key)?.complete {
            return Ok(Some(group.id.clone()));
        }
    }
    Ok(None)
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
