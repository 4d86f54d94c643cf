//! Evaluates a request of the management API. Its bytes are not changed.

use std::sync::Arc;

use super::{Progress, forward};
use crate::act::{self, Act};
use crate::canonical::Canonical;
use crate::continuation::Continuation;
use crate::inputs::Inputs;
use crate::known::Facts;
use crate::message::{AnswerHandling, Forward, ForwardBody, Request};
use crate::parse;
use crate::permit::{Setting, ask, permit};
use crate::plan::{Effects, plan};
use crate::policy::{Account, Policy};
use crate::route::ManagementCall;
use crate::route::management::{Described, Match};
use crate::rules::Refusal;
use crate::token::{Actor, authorise_management};
use crate::write;

pub(super) async fn decide(
    policy: &Policy,
    request: &Arc<Request>,
    call: &ManagementCall<'_>,
    inputs: &mut Inputs,
    progress: &mut Progress,
) -> Result<Forward, Refusal> {
    progress.account.clone_from(&call.account);
    let account = call
        .account
        .as_deref()
        .map_or(policy.default_account(), |name| policy.account(name));
    let mut accounts = policy.every_account();
    let matters =
        policy.scim_account.is_some() || accounts.any(|account| account.authenticate_management);
    if let Some(unclear) = call.account_unclear.as_ref().filter(|_| matters) {
        return Err(unclear.clone());
    }
    if account.authenticate_management {
        let authorised =
            authorise_management(request, call.account.as_deref(), policy, inputs).await?;
        progress.verified_token = Some(authorised.token_id);
    }
    let name = call.account.as_deref().unwrap_or_default();
    let edit = call.matched.as_ref();
    let edit = edit.filter(|matched| !matched.route.edit.passes_body());
    let act = match (edit, &call.matched) {
        (Some(edit), _) => managed_act(edit, request, name, account, inputs).await?,
        (None, passed) => {
            let types = match passed {
                Some(matched) => &matched.route.content_types,
                None => &policy.management.content_types,
            };
            if !matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS") {
                parse::passes(request, types)?;
            }
            Act::default()
        }
    };
    let canonical = Canonical::as_received(act);
    let act = canonical.act();
    let token = progress.verified_token.clone();
    let setting = Setting {
        account_name: name,
        account,
        actor: &Actor::Operator,
        token: token.as_deref(),
        names: true,
        completed: None,
    };
    inputs.until(|facts| ask(act, &setting.with(facts))).await?;
    let judge = |facts: &Facts| permit(&canonical, &setting.with(facts));
    let permitted = inputs.until(judge).await?;
    if let Some(misspelt) = call.misspelt.as_ref().filter(|_| edit.is_some()) {
        return Err(misspelt.clone());
    }
    let plan = |facts: &Facts| plan(act, &setting.with(facts), facts.now());
    let plan = inputs.until(plan).await?;
    let described = match &call.shown {
        Some(shown) => described(policy, shown, request, account, inputs).await,
        None => None,
    };
    let observed = plan.outcome != Effects::default() || described.is_some();
    let continuation = match described {
        Some(described) => Continuation::Described(described),
        None => Continuation::Management(plan.outcome),
    };
    Ok(Forward {
        method: request.method.clone(),
        path: request.path.clone(),
        headers: write::management_headers(request),
        body: ForwardBody::AsReceived,
        answer: if observed {
            AnswerHandling::Observe
        } else {
            AnswerHandling::Pass
        },
        records: plan.before,
        ..forward(&permitted, &continuation, progress)
    })
}

async fn managed_act(
    matched: &Match<'_>,
    request: &Arc<Request>,
    account_name: &str,
    account: &Account,
    inputs: &mut Inputs,
) -> Result<Act, Refusal> {
    let types = &matched.route.content_types;
    let body = if types.is_empty() {
        let request = inputs.with_body(request, account).await;
        let is_needed = matched.route.needs_body();
        parse::edit(&request, account, inputs.facts.budget(), is_needed)?
    } else {
        parse::passes(request, types)?;
        None
    };
    let act = act::management::act(matched, request, body.as_ref(), account_name)?;
    act.within(&account.limits)?;
    Ok(act)
}

/// The resources in the answer of a read. Reads pass even if these are unknown.
async fn described(
    policy: &Policy,
    shown: &Match<'_>,
    request: &Arc<Request>,
    account: &Account,
    inputs: &mut Inputs,
) -> Option<Described> {
    let body = match shown.route.has_scope_in_body() {
        true => {
            let request = inputs.with_body(request, account).await;
            parse::edit(&request, account, inputs.facts.budget(), false).ok()?
        }
        false => None,
    };
    let scope = act::management::scope(shown, request, body.as_ref()).ok()?;
    shown.described(policy, request, scope)
}
