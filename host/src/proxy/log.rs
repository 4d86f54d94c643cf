//! What is logged of a request: one line, without bodies, tokens and query values; and, where
//! decisions are recorded, what explains it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::uri::PathAndQuery;
use http::{HeaderValue, Method, StatusCode, header};
use scimguard_core::message::ResponseBody;
use scimguard_core::{Forward, Normalisation, Outcome, Proceed, Reject, Verdict as PolicyVerdict};
use scimguard_exchange::Witness;
use scimguard_interface::Given;
use scimguard_wire::{DecisionReport, Head};

use super::Proxy;
use super::backend::{Backend, BufferedResponse};
use crate::audit::{Decision, Seen, Verdict};
use crate::text::{printable, without_values};
use scimguard_store::now;

/// The rule about an answer that is not what was asked for.
const UNUSABLE: &str = "upstream.invalid";

/// What is logged of a request.
pub(super) struct DecisionEntry {
    pub(super) started: Instant,
    /// The gateway that decided, unless this process did.
    gateway: Option<String>,
    method: String,
    path: String,
    account: Option<String>,
    token: Option<String>,
    pub(super) decision: &'static str,
    changes: Vec<Normalisation>,
    pub(super) rule: Option<String>,
    pub(super) backend: Duration,
    /// One of very many alike, which are not logged one by one.
    pub(super) repeats: bool,
    /// Whether the request is a SCIM call.
    pub(super) is_scim: bool,
    seen: Option<Seen>,
    /// The policy's answer in the application's place.
    refusal: Option<Vec<u8>>,
    /// The application's last answer.
    answered: Option<Answered>,
}

/// An answer of the application, for diagnosis.
struct Answered {
    method: Method,
    path: PathAndQuery,
    status: StatusCode,
    content_type: Option<HeaderValue>,
}

impl DecisionEntry {
    pub(super) fn new(method: &str, path: &str) -> Self {
        Self {
            started: Instant::now(),
            gateway: None,
            method: printable(method),
            path: printable(&without_values(path)),
            account: None,
            token: None,
            decision: "reject",
            changes: Vec::new(),
            rule: None,
            backend: Duration::ZERO,
            repeats: false,
            is_scim: false,
            seen: None,
            refusal: None,
            answered: None,
        }
    }

    /// For a gateway's decision about a request that began at `started`.
    pub(super) fn of_gateway(
        gateway: &str,
        started: Instant,
        head: &Head,
        report: &DecisionReport,
    ) -> Self {
        let mut line = Self::new(&head.method, &head.path);
        line.started = started;
        line.gateway = Some(gateway.to_owned());
        line.account.clone_from(&report.account);
        line.token.clone_from(&report.verified_token);
        line.rule.clone_from(&report.rule);
        if report.status.is_none() {
            line.decision = "forward";
        }
        line
    }

    /// Notes what the application answered.
    pub(super) fn answered(
        &mut self,
        (method, path): (Method, PathAndQuery),
        answer: &BufferedResponse,
    ) {
        self.answered = Some(Answered {
            method,
            path,
            status: answer.status,
            content_type: answer.headers.get(header::CONTENT_TYPE).cloned(),
        });
    }

    fn rejected(&mut self, reject: &Reject) {
        self.account.clone_from(&reject.account);
        self.token.clone_from(&reject.verified_token);
        self.changes.clone_from(&reject.changes);
        self.rule = Some(reject.rule.clone());
        if let ResponseBody::Bytes(bytes) = &reject.response.body {
            self.refusal = Some(bytes.clone());
        }
    }

    fn forwarded(&mut self, forward: &Forward) {
        self.decision = "forward";
        self.account.clone_from(&forward.account);
        self.token.clone_from(&forward.verified_token);
        self.changes.extend_from_slice(&forward.changes);
        self.set_rule(forward.rule.as_ref());
    }

    /// Notes that a part of the request is done.
    fn proceeded(&mut self, proceed: &Proceed) {
        if proceed.account.is_some() {
            self.account.clone_from(&proceed.account);
            self.token.clone_from(&proceed.verified_token);
        }
        self.changes.extend_from_slice(&proceed.changes);
        self.set_rule(proceed.rule.as_ref());
    }

    fn set_rule(&mut self, rule: Option<&String>) {
        if rule.is_some() {
            self.rule = rule.cloned();
        }
    }

    fn write(&self, status: Option<StatusCode>, backend: &Backend) {
        if self.repeats {
            tracing::debug!(target: "scimguard::decision", rule = self.rule.as_deref(), "not logged in full");
            return;
        }
        tracing::info!(
            target: "scimguard::decision",
            gateway = self.gateway.as_deref(),
            method = self.method.as_str(),
            path = self.path.as_str(),
            account = self.account.as_deref().map(printable),
            decision = self.decision,
            rule = self.rule.as_deref(),
            status = status.map(|status| status.as_u16()),
            token = self.token.as_deref().map(printable),
            answer = self.unusable_answer(backend),
            changes = self.gateway.is_none().then_some(self.changes.len()),
            micros = micros(self.started.elapsed()),
            backend_micros = self.gateway.is_none().then(|| micros(self.backend)),
            "decided"
        );
    }

    /// The application's answer, if the policy could not use it.
    fn unusable_answer(&self, backend: &Backend) -> Option<String> {
        let is_unusable = self.rule.as_deref() == Some(UNUSABLE);
        let answered = self.answered.as_ref().filter(|_| is_unusable)?;
        Some(answered.shown(backend))
    }
}

impl Answered {
    fn shown(&self, backend: &Backend) -> String {
        let url = backend.url(&printable(&without_values(self.path.as_str())));
        let content_type = self.content_type.as_ref().and_then(|it| it.to_str().ok());
        let content_type = content_type.map_or_else(|| "no content type".to_owned(), printable);
        format!("{} {url}: {}, {content_type}", self.method, self.status)
    }
}

impl Witness for DecisionEntry {
    fn evaluates(&mut self, given: Given<'_>) {
        self.seen = Some(Seen {
            request: Arc::clone(given.request),
            scim: self.is_scim,
            facts: vec![Arc::clone(given.facts)],
            now: given.now,
            refusal: None,
        });
    }

    fn decided(&mut self, verdict: &PolicyVerdict) {
        match verdict {
            PolicyVerdict::Need(_) => {}
            PolicyVerdict::Forward(forward) => self.forwarded(forward),
            PolicyVerdict::Proceed(proceed) => self.proceeded(proceed),
            PolicyVerdict::Reject(reject) => self.rejected(reject),
        }
    }

    fn observed(&mut self, given: Given<'_>, begins: bool, outcome: &Outcome) {
        if let (true, Some(seen)) = (
            begins && !matches!(outcome, Outcome::Need(_)),
            &mut self.seen,
        ) {
            seen.facts.push(Arc::clone(given.facts));
        }
        match outcome {
            Outcome::Need(_) => {}
            Outcome::Forward(forward) => self.forwarded(forward),
            Outcome::Proceed(proceed) => self.proceeded(proceed),
            Outcome::Respond(respond) => self.set_rule(respond.rule.as_ref()),
        }
    }

    fn refused(&mut self, rule: &str) {
        self.rule = Some(rule.to_owned());
    }

    fn trapped(&mut self, why: &str) {
        tracing::error!(fault = why, "the policy gave no decision");
    }
}

impl From<DecisionEntry> for Decision {
    /// A decision that ends now, without its status.
    fn from(line: DecisionEntry) -> Self {
        let (micros, backend_micros) = (micros(line.started.elapsed()), micros(line.backend));
        let refusal = line.refusal;
        Self {
            at: now(),
            verdict: Verdict::of(line.decision, line.rule.as_deref()),
            method: line.method,
            path: line.path,
            account: line.account.as_deref().map(printable),
            token: line.token.as_deref().map(printable),
            rule: line.rule,
            status: None,
            changes: line.changes,
            micros,
            backend_micros,
            seen: line.seen.map(|seen| Seen { refusal, ..seen }),
        }
    }
}

impl Proxy {
    /// Logs how a request ended. `status`: what the client gets, if this process knows it.
    pub(super) fn log(&self, line: DecisionEntry, status: Option<StatusCode>) {
        line.write(status, &self.backend);
        let Some(decisions) = &self.decisions else {
            return;
        };
        let repeats = line.repeats;
        let decision = Decision {
            status: status.map(|status| status.as_u16()),
            ..line.into()
        };
        match repeats {
            true => decisions.count(decision),
            false => decisions.record(decision),
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::proxy::body::BufferedBody;

    #[tokio::test]
    async fn an_answer_that_could_not_be_used_is_shown() {
        let base = "http://127.0.0.1:9/".parse().unwrap();
        let backend = Backend::new(base, Duration::from_secs(1)).unwrap();
        let content_type = HeaderValue::from_static("text/html");
        let answer = BufferedResponse {
            status: StatusCode::OK,
            headers: HeaderMap::from_iter([(header::CONTENT_TYPE, content_type)]),
            body: BufferedBody::None,
        };
        let path = PathAndQuery::from_static("/v2/Users?filter=userName");
        let mut entry = DecisionEntry::new("GET", "/Users");
        entry.answered((Method::GET, path), &answer);
        assert_eq!(entry.unusable_answer(&backend), None);
        entry.rule = Some(UNUSABLE.to_owned());
        let told = "GET http://127.0.0.1:9/v2/Users?filter: 200 OK, text/html";
        assert_eq!(entry.unusable_answer(&backend).as_deref(), Some(told));
    }
}
