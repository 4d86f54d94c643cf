//! Taking what a gateway tells: what was decided, for limits and the log, and what is to be recorded.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use http::StatusCode;
use scimguard_wire::{Tell, Verdict};

use super::access::Gateway;
use super::authority::{HeadHash, check_token};
use super::failure::Failure;
use super::passes::Open;
use super::{FactsService, client};
use crate::proxy::client::Client;
use crate::proxy::facts::Unavailable;
use crate::proxy::incoming::Refused;
use crate::proxy::log::Line;
use crate::proxy::refusal::unavailable;
use crate::proxy::{Proxy, now};
use crate::store::TokenUse;

impl FactsService {
    pub(super) async fn tell(
        &self,
        proxy: &Proxy,
        gateway: &Arc<Gateway>,
        tell: Tell,
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
            None => record(proxy, &tell).await?,
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
fn check_decision(verdict: &Verdict, open: Option<&mut Open>) -> Result<(), Failure> {
    check_token(verdict, open.as_deref())?;
    let Some(open) = open else { return Ok(()) };
    match std::mem::replace(&mut open.is_decided, true) {
        false => Ok(()),
        true => Err(Failure::malformed("The request was decided already.")),
    }
}

/// A request was decided: it counts against somebody, and it is in the log.
async fn decided(
    proxy: &Proxy,
    gateway: &Gateway,
    tell: &Tell,
    verdict: &Verdict,
    open: Option<&mut Open>,
    peer: IpAddr,
) -> Result<(), Failure> {
    let mut unasked = client(&tell.head, peer);
    let started = open.as_ref().map_or_else(Instant::now, |open| open.started);
    let client = open.map_or(&mut unasked, |open| &mut open.client);
    let mut line = Line::of_gateway(&gateway.name, started, &tell.head, verdict);
    let limited = limit(proxy, client, tell, verdict, &mut line);
    let done = match limited {
        Ok(()) => record(proxy, tell).await,
        Err(refused) => Err(refused.into()),
    };
    let status = match &done {
        Ok(()) => verdict
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
    if let (Ok(()), None, Some(account), Some(token)) = (
        &done,
        verdict.status,
        &verdict.account,
        &verdict.verified_token,
    ) {
        let used = TokenUse {
            at: now(),
            from: Some(client.source()),
        };
        proxy.note_used(account, token, used);
    }
    done
}

/// Charges the account of a good token, or whoever guesses.
fn limit(
    proxy: &Proxy,
    client: &mut Client,
    tell: &Tell,
    verdict: &Verdict,
    line: &mut Line,
) -> Result<(), Refused> {
    if let (Some(account), Some(_)) = (&verdict.account, &verdict.verified_token) {
        client.charge(proxy, &tell.head.path, account)?;
    }
    match (&verdict.rule, verdict.status) {
        (Some(rule), Some(status)) => client.slow_down(proxy, rule, status, line),
        _ => Ok(()),
    }
}

async fn record(proxy: &Proxy, tell: &Tell) -> Result<(), Failure> {
    let applied = proxy.store.apply(&tell.records).await;
    applied.map_err(|error| unavailable(&proxy.store, &Unavailable::Store(error)).into())
}
