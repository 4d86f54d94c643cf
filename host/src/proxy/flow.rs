//! One request from beginning to end: decide, record the intent, forward, observe, record, answer.

use std::sync::Arc;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, StatusCode, header};
use hyper::body::Body as _;
use scimguard_core::facts::Fact;
use scimguard_core::message::{
    AnswerBody, AnswerHandling, BackendAnswer, ForwardBody, ResponseBody,
};
use scimguard_core::{
    BackendOutcome, Body, Forward, Need, Outcome, Proceed, Reject, Request, Respond, Response,
    Verdict,
};
use scimguard_gateway::{CREDENTIALS, Seen, Trust, Verified};
use tokio::sync::oneshot;

use super::backend::{NoAnswer, Outbound, Whole};
use super::body::{self, BodyError, Collected, Inbound, Outgoing};
use super::client::{Client, verified_account};
use super::facts::{Facts, Unavailable, is_read};
use super::incoming::Refused;
use super::leases::Held;
use super::log::Line;
use super::refusal::{faulty, no_answer, trapped, unavailable};
use super::retry::InTheNameOf;
use super::wanted::Wanted;
use super::{Policy, Proxy, headers};
use crate::engine::Fault;
use crate::store::TokenUse;

/// From this size on a body is decided on a thread of its own, so that others are not held up.
const LARGE: usize = 64 * 1024;

/// A request on its way.
pub(super) struct Exchange<'a> {
    proxy: &'a Proxy,
    request: Arc<Request>,
    /// The body, as long as nobody has read it.
    incoming: Option<Inbound>,
    now: u64,
    held: Held,
    name_of: Option<InTheNameOf>,
    /// What of the policy's answers the host has seen for itself.
    trust: Trust,
    /// `None` for a request that is not a client's: it is not counted against anybody.
    client: Option<Client>,
    /// Ends when the client has gone.
    gone: Option<oneshot::Receiver<()>>,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(
        proxy: &'a Proxy,
        request: Request,
        incoming: Inbound,
        client: Client,
        gone: oneshot::Receiver<()>,
        now: u64,
    ) -> Self {
        Self {
            proxy,
            request: Arc::new(request),
            incoming: Some(incoming),
            now,
            held: Held::default(),
            trust: Trust::default(),
            name_of: None,
            client: Some(client),
            gone: Some(gone),
        }
    }

    /// A request that is not a client's.
    pub(super) fn repeated(
        proxy: &'a Proxy,
        request: Request,
        name_of: InTheNameOf,
        now: u64,
    ) -> Self {
        Self {
            proxy,
            request: Arc::new(request),
            incoming: None,
            now,
            held: Held::default(),
            trust: Trust::default(),
            name_of: Some(name_of),
            client: None,
            gone: None,
        }
    }

    /// The whole way.
    pub(super) async fn run(
        mut self,
        line: &mut Line,
    ) -> Result<http::Response<Outgoing>, Refused> {
        let mut wanted = Wanted::new(self.gone.take(), self.proxy.ending.clone());
        let decided = wanted.until_forwarded(self.decide(line)).await?;
        let mut next = match decided {
            Decision::Reject(reject) => {
                line.rejected(&reject);
                if let Some(client) = &self.client {
                    let status = reject.response.status;
                    client.slow_down(self.proxy, &reject.rule, status, line)?;
                }
                return to_http(reject.response, None);
            }
            Decision::Go(next) => {
                let verified = self.trust.verified();
                if let Some((account, token)) = verified.and_then(Verified::of_account) {
                    let used = TokenUse {
                        at: self.now,
                        from: self.client.as_ref().map(Client::source),
                    };
                    self.proxy.note_used(account, token, used);
                }
                next
            }
        };
        for _ in 0..self.proxy.policy.settings().passes {
            next = match next {
                Next::Forward(forward) => {
                    wanted.forwards()?;
                    match self.forward(forward, line).await? {
                        Answered::Client(response) => return Ok(response),
                        Answered::Observed(next) => next,
                    }
                }
                Next::Proceed(proceed) => {
                    line.proceeded(&proceed);
                    self.record(&proceed.records).await?;
                    self.held = Held::default();
                    let observed =
                        self.observe(proceed.continuation, BackendOutcome::NotAsked, line);
                    wanted.until_forwarded(observed).await?
                }
                Next::Respond(respond) => {
                    self.record(&respond.records).await?;
                    line.responded(&respond);
                    return to_http(respond.response, None);
                }
            };
        }
        Err(trapped("it goes on without end"))
    }

    async fn decide(&mut self, line: &mut Line) -> Result<Decision, Refused> {
        let mut facts = self.no_facts();
        let decided = self.decide_with(&mut facts).await;
        line.repeats |= facts.are_crowded_out();
        let scim = self.proxy.paths.is_scim(&self.request.path);
        line.saw(&self.request, scim, facts.found(), self.now);
        decided
    }

    async fn decide_with(&mut self, facts: &mut Facts) -> Result<Decision, Refused> {
        for _ in 0..=self.proxy.policy.settings().rounds {
            let verdict = self.evaluate(facts.found()).await.map_err(faulty)?;
            let found = facts.found();
            let seen = seen(self.proxy, &self.request, &found, self.now);
            self.trust.decided(&seen, &verdict).map_err(trapped)?;
            if let Some(client) = &mut self.client
                && let Some(account) = verified_account(&self.request, &verdict, &found, self.now)
            {
                client.charge(self.proxy, &self.request.path, account)?;
            }
            match verdict {
                Verdict::Need(need) => self.provide(need, facts).await?,
                Verdict::Forward(forward) => return Ok(Decision::Go(Next::Forward(forward))),
                Verdict::Proceed(proceed) => return Ok(Decision::Go(Next::Proceed(proceed))),
                Verdict::Reject(reject) => return Ok(Decision::Reject(reject)),
            }
        }
        Err(trapped("it asked for facts without end"))
    }

    fn no_facts(&self) -> Facts {
        let source = self.client.as_ref().map(Client::source);
        Facts::new(self.now, self.name_of.clone()).of_client(source)
    }

    async fn evaluate(&self, facts: Arc<Vec<Fact>>) -> Result<Verdict, Fault> {
        let now = self.now;
        let policy = &self.proxy.policy;
        match &self.request.body {
            Body::Bytes(bytes) if bytes.len() > LARGE => {
                let request = Arc::clone(&self.request);
                on_own_thread(policy, move |policy| policy.evaluate(&request, &facts, now)).await
            }
            _ => policy.evaluate(&self.request, &facts, now),
        }
    }

    /// The body comes first: a slow client must not hold leases.
    async fn provide(&mut self, need: Need, facts: &mut Facts) -> Result<(), Refused> {
        if let Some(limit) = need.body_limit
            && let Some(incoming) = self.incoming.take()
        {
            let body = self.read(incoming, limit).await?;
            Arc::make_mut(&mut self.request).body = body;
        }
        let (proxy, headers) = (self.proxy, &self.request.headers);
        let answered = if is_read(&self.request.method) {
            facts.answer(proxy, headers, need.keys).await
        } else {
            facts
                .answer_leased(proxy, headers, need.keys, &mut self.held)
                .await
        };
        answered.map_err(|error| unavailable(&proxy.store, &error))
    }

    async fn read(&self, incoming: Inbound, limit: u64) -> Result<Body, Refused> {
        if incoming.is_end_stream() {
            return Ok(Body::None);
        }
        let limit = limit.min(self.proxy.policy.settings().body_limit);
        let read = tokio::time::timeout(self.proxy.client_timeout, body::collect(incoming, limit));
        match read.await {
            Ok(Ok(Collected::None)) => Ok(Body::None),
            Ok(Ok(Collected::Bytes(bytes))) => Ok(Body::Bytes(bytes.into())),
            Ok(Ok(Collected::OverLimit)) => Ok(Body::OverLimit),
            Ok(Err(BodyError::Broken(_))) => Err(Refused::new(
                "body.syntax",
                "The request body ended prematurely.",
            )),
            Ok(Err(BodyError::Stalled(_))) | Err(_) => {
                let detail = format!(
                    "The body did not arrive within {:?}. Send it faster, or less of it.",
                    self.proxy.client_timeout
                );
                Err(Refused::new("body.syntax", detail))
            }
        }
    }

    /// Sends one request to the backend, and finds out what its answer means.
    async fn forward(
        &mut self,
        mut forward: Forward,
        line: &mut Line,
    ) -> Result<Answered, Refused> {
        line.forwarded(&forward);
        let outbound = self.outbound(&mut forward)?;
        // From here on the backend may act, and what it may do is on record.
        self.record(&forward.records).await?;
        let started = std::time::Instant::now();
        if forward.answer == AnswerHandling::Pass {
            let answer = self.proxy.backend.send(outbound).await;
            line.backend += started.elapsed();
            return answer
                .map(|answer| Answered::Client(passed(&forward.method, answer)))
                .map_err(|error| {
                    error.log();
                    no_answer(&error)
                });
        }
        let limit = self.proxy.policy.settings().answer_limit;
        let answer = self.proxy.backend.exchange(outbound, limit).await;
        line.backend += started.elapsed();
        if let Err(error) = &answer {
            error.log();
        }
        let upgrade = matches!(answer, Err(NoAnswer::Upgrade));
        let received = answer.as_ref().ok().and_then(Whole::bytes);
        let observed = self.observe(forward.continuation, outcome(answer), line);
        match observed.await? {
            Next::Respond(respond) => {
                self.record(&respond.records).await?;
                line.responded(&respond);
                if upgrade {
                    return Err(no_answer(&NoAnswer::Upgrade));
                }
                to_http(respond.response, received).map(Answered::Client)
            }
            next => Ok(Answered::Observed(next)),
        }
    }

    async fn record(&self, records: &[scimguard_core::record::Record]) -> Result<(), Refused> {
        let applied = self.proxy.store.apply(records).await;
        applied.map_err(|error| unavailable(&self.proxy.store, &Unavailable::Store(error)))
    }

    /// The request for the backend, in the guard's own framing.
    fn outbound(&mut self, forward: &mut Forward) -> Result<Outbound, Refused> {
        let unwritable = || trapped("it forwards what cannot be written as a request");
        let sent = std::mem::take(&mut forward.headers);
        let mut headers: HeaderMap = headers::to_map(sent).ok_or_else(unwritable)?;
        if forward.answer == AnswerHandling::Observe {
            // What comes back has to be read.
            headers.remove(header::ACCEPT_ENCODING);
        }
        // What the forward says of a token was held against the one that the host has seen.
        if let (Some(own), Some(_)) = (self.proxy.own_credential(), &forward.verified_token) {
            if !self.trust.lends(&self.proxy.paths, &self.request) {
                return Err(Refused::new(
                    "token.wrong-account",
                    "The token is not for the account that the request names. Name the token's own \
                     account.",
                ));
            }
            for name in CREDENTIALS {
                headers.remove(name);
            }
            headers.insert(own.name, own.value);
        }
        let body = match std::mem::replace(&mut forward.body, ForwardBody::None) {
            ForwardBody::None => Outgoing::empty(),
            ForwardBody::Bytes(bytes) => Outgoing::from(bytes),
            ForwardBody::AsReceived => match (self.incoming.take(), &self.request.body) {
                (Some(incoming), _) => Outgoing::Stream(incoming),
                (None, Body::Bytes(bytes)) => Outgoing::from(bytes.clone()),
                (None, _) => Outgoing::empty(),
            },
        };
        Ok(Outbound {
            method: Method::from_bytes(forward.method.as_bytes()).map_err(|_| unwritable())?,
            path: PathAndQuery::try_from(&forward.path).map_err(|_| unwritable())?,
            headers,
            body,
        })
    }

    async fn observe(
        &mut self,
        continuation: Vec<u8>,
        outcome: BackendOutcome,
        line: &mut Line,
    ) -> Result<Next, Refused> {
        let continuation = Arc::new(continuation);
        let begins = outcome == BackendOutcome::NotAsked;
        let outcome = Arc::new(outcome);
        let mut facts = self.no_facts();
        for _ in 0..=self.proxy.policy.settings().rounds {
            let found = facts.found();
            let now = self.now;
            let policy = &self.proxy.policy;
            // What was kept may be a request that is decided again, or the rest of one.
            let observed = if is_large(&outcome) || continuation.len() > LARGE {
                let (outcome, continuation) = (Arc::clone(&outcome), Arc::clone(&continuation));
                let run =
                    move |policy: &dyn Policy| policy.observe(&continuation, &outcome, &found, now);
                on_own_thread(policy, run).await
            } else {
                policy.observe(&continuation, &outcome, &found, now)
            };
            let observed = observed.map_err(faulty)?;
            let found = facts.found();
            let seen = seen(self.proxy, &self.request, &found, self.now);
            self.trust.observed(&seen, &observed).map_err(trapped)?;
            if begins && !matches!(observed, Outcome::Need(_)) {
                line.also_saw(facts.found());
            }
            match observed {
                Outcome::Need(need) if begins => self.provide(need, &mut facts).await?,
                // The leases are held already: letting go of them now would let others in between
                // the backend's act and its record.
                Outcome::Need(need) => facts
                    .answer(self.proxy, &self.request.headers, need.keys)
                    .await
                    .map_err(|error| unavailable(&self.proxy.store, &error))?,
                Outcome::Respond(respond) => return Ok(Next::Respond(respond)),
                Outcome::Forward(forward) => return Ok(Next::Forward(forward)),
                Outcome::Proceed(proceed) => return Ok(Next::Proceed(proceed)),
            }
        }
        Err(trapped("it asked for facts without end"))
    }
}

enum Decision {
    Go(Next),
    Reject(Reject),
}

/// What a request's way goes on with.
enum Next {
    Forward(Forward),
    Proceed(Proceed),
    Respond(Respond),
}

/// What came of a request to the backend.
enum Answered {
    /// The response to the client.
    Client(http::Response<Outgoing>),
    Observed(Next),
}

/// What the policy had to go by.
fn seen<'a>(proxy: &'a Proxy, request: &'a Request, facts: &'a [Fact], now: u64) -> Seen<'a> {
    Seen {
        paths: &proxy.paths,
        request,
        facts,
        now,
    }
}

async fn on_own_thread<T: Send + 'static>(
    policy: &Arc<dyn Policy>,
    run: impl FnOnce(&dyn Policy) -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let policy = Arc::clone(policy);
    tokio::task::spawn_blocking(move || run(&*policy))
        .await
        // Its message may hold a part of the request.
        .unwrap_or_else(|_| Err(Fault::Trapped("it panicked".to_owned())))
}

fn is_large(outcome: &BackendOutcome) -> bool {
    match outcome {
        BackendOutcome::Answered(answer) => {
            matches!(&answer.body, AnswerBody::Bytes(bytes) if bytes.len() > LARGE)
        }
        BackendOutcome::Unanswered | BackendOutcome::NotAsked => false,
    }
}

fn outcome(answer: Result<Whole, NoAnswer>) -> BackendOutcome {
    let Ok(whole) = answer else {
        return BackendOutcome::Unanswered;
    };
    BackendOutcome::Answered(BackendAnswer {
        status: whole.status.as_u16(),
        headers: headers::end_to_end(&whole.headers),
        body: match whole.body {
            Collected::None => AnswerBody::None,
            Collected::Bytes(bytes) => AnswerBody::Bytes(bytes.into()),
            Collected::OverLimit => AnswerBody::OverLimit,
        },
    })
}

/// The backend's answer, streamed on.
fn passed(method: &str, answer: http::Response<Inbound>) -> http::Response<Outgoing> {
    let (parts, incoming) = answer.into_parts();
    let length = parts.headers.get(header::CONTENT_LENGTH).cloned();
    let mut response = http::Response::new(Outgoing::Stream(incoming));
    *response.status_mut() = parts.status;
    if let Some(headers) = headers::to_map(headers::end_to_end(&parts.headers)) {
        *response.headers_mut() = headers;
    }
    // The length of what a GET would have had is all that a HEAD says about its body.
    if let (Some(length), "HEAD") = (length, method) {
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, length);
    }
    response
}

/// A policy's response. `received`: the bytes of the backend's answer.
pub(super) fn to_http(
    response: Response,
    received: Option<Bytes>,
) -> Result<http::Response<Outgoing>, Refused> {
    let unwritable = || trapped("it answers what cannot be written as a response");
    let mut http = http::Response::new(match response.body {
        ResponseBody::None => Outgoing::empty(),
        ResponseBody::Bytes(bytes) => Outgoing::from(bytes),
        ResponseBody::AsReceived => Outgoing::from(Vec::from(received.unwrap_or_default())),
    });
    *http.status_mut() = StatusCode::from_u16(response.status)
        .ok()
        .filter(|status| !status.is_informational())
        .ok_or_else(unwritable)?;
    *http.headers_mut() = headers::to_map(response.headers).ok_or_else(unwritable)?;
    Ok(http)
}
