//! Calls to the facts service, and further requests to the application.

use std::time::Duration;

use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, MapType};
use scimguard_core::message::{AnswerBody, BackendAnswer};
use scimguard_core::{BackendOutcome, Headers};
use scimguard_exchange::{Due, Outgoing, Parting, Remote, Report, Send, headers};
use scimguard_wire::{FACTS, FactsRequest, RECORDS, REPORTS, RecordsRequest};
use serde::Serialize;

use crate::config::Cluster;
use crate::shared::Shared;

/// A header that Envoy adds to the answers of an upstream.
const SERVICE_TIME: &str = "x-envoy-upstream-service-time";

/// How long a report that nothing waits for waits for others.
const SOON: Duration = Duration::from_millis(10);

/// The answer to a call, if any.
pub(crate) struct Reply {
    /// `None` without an answer.
    pub(crate) status: Option<u16>,
    headers: Headers,
    pub(crate) body: Vec<u8>,
}

/// Asks the facts service for facts. The call ends with the request, since nothing else needs the answer.
pub(crate) fn ask(shared: &Shared, ask: &FactsRequest) -> Option<u32> {
    post(&shared.facts, FACTS, ask)
}

/// Sends records to the facts service. The call outlives the request, so that the outcome is recorded.
pub(crate) fn tell(shared: &Shared, stream: u32, tell: &RecordsRequest) -> Option<u32> {
    outliving(shared, stream, || post(&shared.facts, RECORDS, tell))
}

/// Sends a report that nothing waits for, if it is worth it.
pub(crate) fn report(shared: &Shared, stream: u32, remote: &mut Remote, report: Report) {
    match remote.part(report) {
        None => {}
        Some(Parting::Now(told)) => {
            tell(shared, stream, &told);
        }
        Some(Parting::Later(told)) => report_later(shared, stream, told),
    }
}

/// Reports the end of a read with others.
pub(crate) fn report_later(shared: &Shared, stream: u32, told: RecordsRequest) {
    match shared.reports.add(told) {
        Due::Waits => {}
        Due::Soon => shared.hand_backs.wake(SOON),
        Due::Now => {
            outliving(shared, stream, || send_reports(shared));
        }
    }
}

/// Sends the reports that wait. Runs in the root context.
pub(crate) fn send_reports(shared: &Shared) -> Option<u32> {
    let reports = shared.reports.take();
    match reports.is_empty() {
        true => None,
        false => post(&shared.facts, REPORTS, &reports),
    }
}

/// Makes a call from the root context, so that it does not end with the request.
fn outliving(shared: &Shared, stream: u32, call: impl FnOnce() -> Option<u32>) -> Option<u32> {
    hostcalls::set_effective_context(shared.root).ok()?;
    let token = call();
    if hostcalls::set_effective_context(stream).is_err() {
        log::error!("the request's context is gone");
    }
    token
}

fn post(facts: &Cluster, path: &str, message: &impl Serialize) -> Option<u32> {
    let body = serde_json::to_vec(message).ok()?;
    let headers = vec![
        (":method", "POST"),
        (":path", path),
        (":scheme", "http"),
        (
            ":authority",
            facts.authority.as_deref().unwrap_or(&facts.name),
        ),
        ("content-type", "application/json"),
    ];
    let sent =
        hostcalls::dispatch_http_call(&facts.name, headers, Some(&body), vec![], facts.timeout);
    if sent.is_err() {
        log::error!(
            "the facts service cannot be called: is there a cluster {}?",
            facts.name
        );
    }
    sent.ok()
}

/// Sends a further request to the application.
pub(crate) fn send(backend: &Cluster, authority: &str, send: &Send) -> Option<u32> {
    let mut headers = vec![
        (":method", send.method.as_str()),
        (":path", send.path.as_str()),
        (":scheme", "http"),
        (
            ":authority",
            backend.authority.as_deref().unwrap_or(authority),
        ),
    ];
    for (name, value) in &send.headers {
        headers.push((name, std::str::from_utf8(value).ok()?));
    }
    let body = match &send.body {
        Outgoing::Whole(bytes) => Some(bytes.as_slice()),
        Outgoing::None | Outgoing::AsItComes => None,
    };
    let sent = hostcalls::dispatch_http_call(&backend.name, headers, body, vec![], backend.timeout);
    if sent.is_err() {
        log::error!(
            "the application cannot be called: is there a cluster {}?",
            backend.name
        );
    }
    sent.ok()
}

impl Reply {
    /// Reads the answer in its callback.
    pub(crate) fn receive(headers: usize, body: usize) -> Self {
        if headers == 0 {
            return Self {
                status: None,
                headers: Vec::new(),
                body: Vec::new(),
            };
        }
        let all = hostcalls::get_map_bytes(MapType::HttpCallResponseHeaders).unwrap_or_default();
        let bytes = match body {
            0 => None,
            _ => {
                hostcalls::get_buffer(BufferType::HttpCallResponseBody, 0, body).unwrap_or_default()
            }
        };
        Self {
            status: status(&all),
            headers: all,
            body: bytes.unwrap_or_default(),
        }
    }

    /// Turns it into the application's answer.
    pub(crate) fn into_outcome(self, limit: u64) -> BackendOutcome {
        // Only this header distinguishes the application's answers from Envoy's own.
        let of_application = self.headers.iter().any(|(name, _)| name == SERVICE_TIME);
        let came = self.body.len() as u64;
        match self.status.filter(|_| of_application) {
            Some(status) if status != 101 => BackendOutcome::Answered(BackendAnswer {
                status,
                headers: shown(self.headers),
                body: limited(self.body, came, limit),
            }),
            _ => BackendOutcome::Unanswered,
        }
    }
}

/// The status among a message's headers.
pub(crate) fn status(headers: &Headers) -> Option<u16> {
    let (_, value) = headers.iter().find(|(name, _)| name == ":status")?;
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// The headers of an answer that the policy may see.
pub(crate) fn shown(mut all: Headers) -> Headers {
    all.retain(|(name, _)| !name.starts_with(':') && !name.starts_with("x-envoy-"));
    headers::end_to_end(all)
}

/// A body of which `came` bytes arrived, unless that exceeds the limit.
pub(crate) fn limited(body: Vec<u8>, came: u64, limit: u64) -> AnswerBody {
    match came {
        0 => AnswerBody::None,
        came if came > limit => AnswerBody::OverLimit,
        _ => AnswerBody::Bytes(body),
    }
}
