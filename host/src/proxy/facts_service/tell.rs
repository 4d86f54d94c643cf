//! Taking what a gateway tells: what was decided, for limits and the log, and what is to be recorded.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use http::StatusCode;
use scimguard_exchange::Witness as _;
use scimguard_wire::{DecisionReport, RecordsRequest};

use super::access::Gateway;
use super::authority::HeadHash;
use super::failure::Failure;
use super::passes::Open;
use super::{FactsService, client};
use crate::clock::now;
use crate::proxy::Proxy;
use crate::proxy::log::DecisionEntry;
use crate::proxy::state::State;

impl FactsService {
    pub(super) async fn tell(
        &self,
        proxy: &Proxy,
        gateway: &Arc<Gateway>,
        tell: RecordsRequest,
        peer: IpAddr,
    ) -> Result<(), Failure> {
        self.paths.check_tell(gateway, &tell)?;
        let head = HeadHash::of(&tell.head);
        let mut open = match &tell.pass {
            Some(pass) => Some(self.passes.take(pass, gateway, &head)?),
            None => None,
        };
        if let Some(verdict) = &tell.verdict
            && let Err(failure) = check_decision(verdict, open.as_mut())
        {
            // Nothing was done, so that it can go on.
            if let Some(open) = open {
                self.passes.keep(open);
            }
            return Err(failure);
        }
        match &tell.verdict {
            Some(verdict) => decided(proxy, gateway, &tell, verdict, open.as_mut(), peer).await?,
            None => record(proxy, &tell, open.as_mut()).await?,
        }
        if let Some(open) = open
            && !tell.end
        {
            self.passes.keep(open);
        }
        Ok(())
    }
}

/// Refuses a decision that is told twice, or about a token that was not told to be good.
fn check_decision(verdict: &DecisionReport, open: Option<&mut Open>) -> Result<(), Failure> {
    check_token(verdict, open.as_deref())?;
    let Some(open) = open else { return Ok(()) };
    match std::mem::replace(&mut open.is_decided, true) {
        false => Ok(()),
        true => Err(Failure::malformed("The request was decided already.")),
    }
}

/// Refuses a token that the gateway has not been told to be good.
fn check_token(verdict: &DecisionReport, open: Option<&Open>) -> Result<(), Failure> {
    let Some(id) = &verdict.verified_token else {
        return Ok(());
    };
    let good = open.map_or(&[][..], |open| &open.tokens);
    let account = verdict.account.as_deref();
    match good.iter().any(|token| token.is(account, id)) {
        true => Ok(()),
        false => Err(Failure::forbidden(
            "it tells of a token as good that it was not told to be",
        )),
    }
}

/// A request was decided: it counts against somebody, and it is in the log.
async fn decided(
    proxy: &Proxy,
    gateway: &Gateway,
    tell: &RecordsRequest,
    decision: &DecisionReport,
    open: Option<&mut Open>,
    peer: IpAddr,
) -> Result<(), Failure> {
    let mut unasked = State::of_client(client(&tell.head, peer), now());
    let started = open.as_ref().map_or_else(Instant::now, |open| open.started);
    let state = open.map_or(&mut unasked, |open| &mut open.state);
    let mut line = DecisionEntry::of_gateway(&gateway.name, started, &tell.head, decision);
    let (path, records) = (&tell.head.path, &tell.records);
    let done = state
        .report(proxy, path, Some((decision, &mut line)), records, tell.end)
        .await
        .map_err(Failure::from);
    let status = match &done {
        Ok(()) => decision
            .status
            .and_then(|status| StatusCode::from_u16(status).ok()),
        Err(failure) => {
            line.decision = "reject";
            line.refused(failure.rule());
            Some(failure.status)
        }
    };
    proxy.metrics.decided(&line);
    proxy.log(line, status);
    done
}

async fn record(
    proxy: &Proxy,
    tell: &RecordsRequest,
    open: Option<&mut Open>,
) -> Result<(), Failure> {
    let (path, records) = (&tell.head.path, &tell.records);
    let Some(open) = open else { return Ok(()) };
    let state = &mut open.state;
    let stored = state.report(proxy, path, None, records, tell.end);
    Ok(stored.await?)
}
