//! A request of the management API on its way through the stages. Its bytes stay as they are.

use super::{Progress, forward};
use crate::act::{self, Act};
use crate::budget::Budget;
use crate::continuation::Continuation;
use crate::known::{Facts, Stop};
use crate::message::{AnswerHandling, Forward, ForwardBody, Request};
use crate::parse;
use crate::permit::{Scene, ask, permit};
use crate::plan::{Outcome, plan};
use crate::policy::{Account, Policy};
use crate::route::ManagementCall;
use crate::route::management::{Described, Match};
use crate::token::{Actor, authorise_management};
use crate::write;

pub(super) fn decide(
    policy: &Policy,
    request: &Request,
    call: &ManagementCall<'_>,
    facts: &Facts<'_>,
    now: u64,
    progress: &mut Progress,
) -> Result<Forward, Stop> {
    progress.account.clone_from(&call.account);
    let account = call
        .account
        .as_deref()
        .map_or(policy.default_account(), |name| policy.account(name));
    if let Some(unclear) = &call.account_unclear
        && policy
            .every_account()
            .any(|account| account.authenticate_management)
    {
        return Err(unclear.clone().into());
    }
    if account.authenticate_management {
        let authorised =
            authorise_management(request, call.account.as_deref(), policy, facts, now)?;
        progress.verified_token = Some(authorised.token_id);
    }
    let name = call.account.as_deref().unwrap_or_default();
    let edit = call.matched.as_ref();
    let edit = edit.filter(|matched| !matched.route.edit.passes_body());
    let act = match (edit, &call.matched) {
        (Some(edit), _) => managed_act(edit, request, name, account, facts.budget())?,
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
    let scene = Scene {
        account_name: name,
        account,
        actor: &Actor::Operator,
        token: progress.verified_token.as_deref(),
        facts,
        names: true,
        completed: None,
    };
    ask(&act, &scene)?;
    let permitted = permit(&act, &scene)?;
    if let Some(misspelt) = call.misspelt.as_ref().filter(|_| edit.is_some()) {
        return Err(misspelt.clone().into());
    }
    let plan = plan(&act, &scene, now)?;
    let described = match &call.shown {
        Some(shown) => described(shown, request, account, facts.budget())?,
        None => None,
    };
    let observed = plan.outcome != Outcome::default() || described.is_some();
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

fn managed_act(
    matched: &Match<'_>,
    request: &Request,
    account_name: &str,
    account: &Account,
    budget: &Budget,
) -> Result<Act, Stop> {
    let types = &matched.route.content_types;
    let body = if types.is_empty() {
        parse::edit(request, account, budget, matched.route.needs_body())?
    } else {
        parse::passes(request, types)?;
        None
    };
    let act = act::management::act(matched, request, body.as_ref(), account_name)?;
    act.within(&account.limits)?;
    Ok(act)
}

/// What the answer of a read shows. Reads pass, also those of which it cannot be told.
fn described(
    shown: &Match<'_>,
    request: &Request,
    account: &Account,
    budget: &Budget,
) -> Result<Option<Described>, Stop> {
    let body = match shown.route.has_scope_in_body() {
        true => parse::edit(request, account, budget, false),
        false => Ok(None),
    };
    let body = match body {
        Ok(body) => body,
        Err(Stop::Refuse(_)) => return Ok(None),
        Err(need) => return Err(need),
    };
    let scope = act::management::scope(shown, request, body.as_ref()).ok();
    Ok(scope.and_then(|scope| shown.described(request, scope)))
}
