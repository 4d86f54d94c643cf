//! Drives an exchange step by step: each function takes the step that a test expects, or fails.

use std::sync::Arc;

use scimguard_core::Request;
use scimguard_exchange::{Answer, Exchange, Needed, Report, Send, Setup, Step};

use super::Script;
use super::facts::found;

pub(crate) fn begun(script: Script, request: Request) -> (Exchange<Script>, Step) {
    begun_with(Setup::new(script, false), request)
}

pub(crate) fn begun_with(setup: Setup<Script>, request: Request) -> (Exchange<Script>, Step) {
    let mut exchange = Exchange::new(Arc::new(setup), request, 0, ());
    let step = exchange.start();
    (exchange, step)
}

#[track_caller]
pub(crate) fn needed(step: Step) -> Needed {
    match step {
        Step::GetFacts(needed) => needed,
        step => panic!("{step:?}"),
    }
}

#[track_caller]
pub(crate) fn stored(step: Step) -> Report {
    match step {
        Step::Store(report) => report,
        step => panic!("{step:?}"),
    }
}

#[track_caller]
pub(crate) fn sent(step: Step) -> Send {
    match step {
        Step::Send(send) => send,
        step => panic!("{step:?}"),
    }
}

#[track_caller]
pub(crate) fn ended(step: Step) -> Answer {
    match step {
        Step::Respond(answer) => answer,
        step => panic!("{step:?}"),
    }
}

/// Gives the facts that this step needs, and returns the next.
#[track_caller]
pub(crate) fn past_facts(exchange: &mut Exchange<Script>, step: Step) -> Step {
    exchange.facts(Ok(found(&needed(step).keys, 0)))
}

/// Stores the report of this step, and returns the next.
#[track_caller]
pub(crate) fn past_store(exchange: &mut Exchange<Script>, step: Step) -> Step {
    stored(step);
    exchange.stored(Ok(()))
}
