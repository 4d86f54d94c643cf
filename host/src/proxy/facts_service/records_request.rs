//! Takes a gateway's reports: decisions, for limits and the log, and what is to be recorded.

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
use crate::proxy::Proxy;
use crate::proxy::log::DecisionEntry;
use crate::proxy::state::State;
use scimguard_store::now;

impl FactsService {
    /// Takes the reports of requests that ended without records. A gateway does not learn what is wrong with
    /// one of them: the log does.
    pub(super) async fn take_reports(
        &self,
        proxy: &Proxy,
        gateway: &Arc<Gateway>,
        reports: Vec<RecordsRequest>,
        peer: IpAddr,
    ) {
        for report in reports {
            let taken = match report.records.is_empty() && report.end {
                true => self.take_records(proxy, gateway, report, peer).await,
                false => Err(Failure::malformed(
                    "A report ends its pass, without records.",
                )),
            };
            if let Err(failure) = taken {
                failure.log(&gateway.name);
            }
        }
    }

    pub(super) async fn take_records(
        &self,
        proxy: &Proxy,
        gateway: &Arc<Gateway>,
        request: RecordsRequest,
        peer: IpAddr,
    ) -> Result<(), Failure> {
        self.paths.check_records_request(gateway, &request)?;
        let head = HeadHash::of(&request.head);
        let mut open = match &request.pass {
            Some(pass) => Some(self.passes.take(pass, gateway, &head)?),
            None => None,
        };
        if let Some(verdict) = &request.verdict
            && let Err(failure) = check_decision(verdict, open.as_mut())
        {
            // Nothing was done, so the request can continue.
            if let Some(open) = open {
                self.passes.keep(open);
            }
            return Err(failure);
        }
        match &request.verdict {
            Some(verdict) => {
                decided(proxy, gateway, &request, verdict, open.as_mut(), peer).await?
            }
            None => record(proxy, &request, open.as_mut()).await?,
        }
        if let Some(open) = open
            && !request.end
        {
            self.passes.keep(open);
        }
        Ok(())
    }
}

/// Refuses a second decision, or one about a token that this service did not report as good.
fn check_decision(verdict: &DecisionReport, open: Option<&mut Open>) -> Result<(), Failure> {
    check_token(verdict, open.as_deref())?;
    let Some(open) = open else { return Ok(()) };
    match std::mem::replace(&mut open.is_decided, true) {
        false => Ok(()),
        true => Err(Failure::malformed("The request was decided already.")),
    }
}

/// Refuses a token that this service did not report as good.
fn check_token(verdict: &DecisionReport, open: Option<&Open>) -> Result<(), Failure> {
    let Some(id) = &verdict.verified_token else {
        return Ok(());
    };
    let good = open.map_or(&[][..], |open| &open.tokens);
    let account = verdict.account.as_deref();
    match good.iter().any(|token| token.is(account, id)) {
        true => Ok(()),
        false => Err(Failure::forbidden(
            "it names a token as good that this service did not",
        )),
    }
}

/// Counts a decision against its account or source, and logs it.
async fn decided(
    proxy: &Proxy,
    gateway: &Gateway,
    request: &RecordsRequest,
    decision: &DecisionReport,
    open: Option<&mut Open>,
    peer: IpAddr,
) -> Result<(), Failure> {
    let mut unasked = State::of_client(client(&request.head, peer), now());
    let started = open.as_ref().map_or_else(Instant::now, |open| open.started);
    let state = open.map_or(&mut unasked, |open| &mut open.state);
    let mut line = DecisionEntry::of_gateway(&gateway.name, started, &request.head, decision);
    let (path, records) = (&request.head.path, &request.records);
    let done = state
        .report(
            proxy,
            path,
            Some((decision, &mut line)),
            records,
            request.end,
        )
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
    request: &RecordsRequest,
    open: Option<&mut Open>,
) -> Result<(), Failure> {
    let (path, records) = (&request.head.path, &request.records);
    let Some(open) = open else { return Ok(()) };
    let state = &mut open.state;
    let stored = state.report(proxy, path, None, records, request.end);
    Ok(stored.await?)
}
