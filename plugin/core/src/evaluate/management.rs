//! A request of the management API on its way through the stages. Its bytes stay as they are.

use super::{Progress, forward};
use crate::act::{self, Act};
use crate::budget::Budget;
use crate::facts::{Facts, Stop};
use crate::message::{AnswerHandling, Forward, ForwardBody, Request};
use crate::observe::Continuation;
use crate::parse;
use crate::permit::{Permitted, Scene, ask, permit};
use crate::policy::{Account, EditKind, Policy};
use crate::record::plan::{Outcome, Plan, plan};
use crate::route::{ManagementCall, management};
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
    let (permitted, plan) = match &call.matched {
        Some(matched) if matched.route.edit != EditKind::Read => {
            let name = call.account.as_deref().unwrap_or_default();
            let act = managed_act(matched, request, name, account, facts.budget())?;
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
            if let Some(misspelt) = &call.misspelt {
                return Err(misspelt.clone().into());
            }
            (permitted, plan(&act, &scene, now)?)
        }
        _ => (Permitted { watched: None }, Plan::default()),
    };
    let observed = plan.outcome != Outcome::default() || call.described.is_some();
    let continuation = match &call.described {
        Some(described) => Continuation::Described(described.clone()),
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
        ..forward(permitted, &continuation, progress)
    })
}

fn managed_act(
    matched: &management::Match<'_>,
    request: &Request,
    account_name: &str,
    account: &Account,
    budget: &Budget,
) -> Result<Act, Stop> {
    let body = parse::edit(request, account, budget, matched.route.needs_body())?;
    let act = act::management::act(matched, request, body.as_ref(), account_name)?;
    act.within(&account.limits)?;
    Ok(act)
}
