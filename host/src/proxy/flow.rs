//! Drives the exchange of one request: performs each step that it asks for.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::uri::PathAndQuery;
use http::{Method, header};
use hyper::body::Body as _;
use scimguard_core::message::{AnswerBody, BackendAnswer};
use scimguard_core::{BackendOutcome, Body, Request};
use scimguard_exchange::{
    Answer, Found, Needed, Refused, Report, Send, ServiceError, Step, Witness as _,
    account_of_token,
};
use scimguard_wire::Stage;
use tokio::sync::oneshot;

use super::backend::{BackendError, BufferedResponse, Outbound};
use super::body::{self, BodyError, BufferedBody, Inbound, Outgoing};
use super::client::Client;
use super::log::DecisionEntry;
use super::policy::Policy;
use super::refusal::{bare, no_answer, to_http};
use super::retry::OnBehalfOf;
use super::state::State;
use super::wanted::Wanted;
use super::{Proxy, headers};

/// Larger bodies are decided on a blocking thread.
const BLOCKING_THRESHOLD: usize = 64 * 1024;

/// A longer wait releases the policy's instance.
const PATIENCE: Duration = Duration::from_millis(20);

/// An exchange in this process.
type Exchange = scimguard_exchange::Exchange<dyn Policy, DecisionEntry>;

/// Performs the steps of one exchange.
pub(super) struct Driver<'a> {
    proxy: &'a Proxy,
    state: State,
    /// The body, until it is read.
    incoming: Option<Inbound>,
    /// Ends when the client disconnects.
    wanted: Wanted,
    /// The pass in whose answer the application switched protocols.
    upgraded: Option<u32>,
}

impl Proxy {
    /// Answers a client's request. `gone` ends when the client disconnects; `now`: milliseconds
    /// since 1970.
    pub(super) async fn exchange(
        &self,
        request: Request,
        incoming: Inbound,
        client: Client,
        gone: oneshot::Receiver<()>,
        line: DecisionEntry,
        now: u64,
    ) -> (http::Response<Outgoing>, DecisionEntry) {
        let state = State::of_client(client, now);
        let driver = Driver::new(self, state, Some(incoming), Some(gone));
        driver.run(request, line).await
    }

    /// Answers a repeated request, which has no client.
    pub(super) async fn exchange_repeated(
        &self,
        request: Request,
        on_behalf_of: OnBehalfOf,
        line: DecisionEntry,
        now: u64,
    ) -> (http::Response<Outgoing>, DecisionEntry) {
        let state = State::repeated(on_behalf_of, now);
        Driver::new(self, state, None, None)
            .run(request, line)
            .await
    }
}

impl<'a> Driver<'a> {
    fn new(
        proxy: &'a Proxy,
        state: State,
        incoming: Option<Inbound>,
        gone: Option<oneshot::Receiver<()>>,
    ) -> Self {
        Self {
            proxy,
            state,
            incoming,
            wanted: Wanted::new(gone, proxy.lifetime.ending.clone()),
            upgraded: None,
        }
    }

    async fn run(
        mut self,
        request: Request,
        mut line: DecisionEntry,
    ) -> (http::Response<Outgoing>, DecisionEntry) {
        line.is_scim = self.proxy.setup.paths().is_scim(&request.path);
        let setup = Arc::clone(&self.proxy.setup);
        let exchange = Box::new(Exchange::new(setup, request, self.state.now(), line));
        let (mut exchange, mut step) = call(exchange, 0, Exchange::start).await;
        loop {
            (exchange, step) = match step {
                Step::ReadBody(limit) => {
                    let read = self.read(&mut exchange, limit).await;
                    let size = read.as_ref().map_or(0, Body::size);
                    call(exchange, size, move |exchange| match read {
                        Ok(body) => exchange.body(body),
                        Err(refused) => exchange.refuse(&refused),
                    })
                    .await
                }
                Step::GetFacts(needed) => {
                    let found = self.find(&mut exchange, needed).await;
                    exchange.witness().repeats |= self.state.is_crowded_out();
                    let found = found.map_err(ServiceError::Refused);
                    call(exchange, 0, |exchange| exchange.facts(found)).await
                }
                Step::Store(report) => {
                    let stored = self.store(report, &mut exchange).await;
                    let stored = stored.map_err(ServiceError::Refused);
                    call(exchange, 0, |exchange| exchange.stored(stored)).await
                }
                Step::Send(send) if send.observe => {
                    let answer = self.ask(send, &mut exchange).await;
                    let size = answer.as_ref().map_or(0, BackendOutcome::size);
                    call(exchange, size, move |exchange| match answer {
                        Ok(outcome) => exchange.answered(outcome),
                        Err(refused) => Step::Respond(exchange.undelivered(&refused)),
                    })
                    .await
                }
                Step::Send(send) => match self.pass_on(send, &mut exchange).await {
                    Ok(response) => return (response, exchange.into_witness()),
                    Err(refused) => {
                        let step = exchange.refuse(&refused);
                        (exchange, step)
                    }
                },
                Step::Respond(answer) => {
                    let response = self.respond(answer, &mut exchange).await;
                    return (response, exchange.into_witness());
                }
            };
        }
    }

    async fn read(&mut self, exchange: &mut Exchange, limit: u64) -> Result<Body, Refused> {
        // Before anything is read for an account that has sent too much.
        self.charge(exchange)?;
        let Some(incoming) = self.incoming.take() else {
            return Ok(Body::None);
        };
        let read = read(self.proxy, incoming, limit);
        let read = patiently(exchange, read);
        self.wanted.until_forwarded(read).await
    }

    async fn find(&mut self, exchange: &mut Exchange, needed: Needed) -> Result<Found, Refused> {
        self.charge(exchange)?;
        let is_decided = needed.stage == Stage::Observe;
        let request = Arc::clone(exchange.request());
        let Request {
            method, headers, ..
        } = &*request;
        let found = self.state.find(self.proxy, method, headers, needed);
        let found = patiently(exchange, found);
        match is_decided {
            true => found.await,
            false => self.wanted.until_forwarded(found).await,
        }
    }

    /// Charges the account: the policy asks for more, so it has accepted the token.
    fn charge(&mut self, exchange: &mut Exchange) -> Result<(), Refused> {
        let found = self.state.found();
        let request = exchange.request();
        let account = account_of_token(request, &found, exchange.now());
        let account = account.map(String::as_str);
        self.state.charge(self.proxy, &request.path, account)
    }

    async fn store(&mut self, report: Report, exchange: &mut Exchange) -> Result<(), Refused> {
        if report.sends {
            self.wanted.forwards()?;
        }
        let stored = self.report(&report, exchange).await;
        if stored.is_err() && report.decision.is_some() {
            exchange.witness().decision = "reject";
        }
        stored
    }

    async fn report(&mut self, report: &Report, exchange: &mut Exchange) -> Result<(), Refused> {
        let request = Arc::clone(exchange.request());
        let decision = report.decision.as_ref();
        let decision = decision.map(|decision| (decision, exchange.witness()));
        let Report { records, ends, .. } = report;
        self.state
            .report(self.proxy, &request.path, decision, records, *ends)
            .await
    }

    /// Asks the backend.
    ///
    /// # Errors
    /// If it was not asked.
    async fn ask(
        &mut self,
        send: Send,
        exchange: &mut Exchange,
    ) -> Result<BackendOutcome, Refused> {
        self.wanted.forwards()?;
        let outbound = self.outbound(send, exchange)?;
        let asked = (outbound.method.clone(), outbound.path.clone());
        let started = Instant::now();
        let limit = self.proxy.setup.answer_limit();
        let answer = self.proxy.backend.exchange(outbound, limit).await;
        exchange.witness().backend += started.elapsed();
        match &answer {
            Ok(whole) => exchange.witness().answered(asked, whole),
            Err(error) => error.log(),
        }
        if matches!(answer, Err(BackendError::Upgrade)) {
            self.upgraded = Some(exchange.passes());
        }
        Ok(outcome(answer))
    }

    /// Asks the backend and streams its answer to the client.
    async fn pass_on(
        &mut self,
        mut send: Send,
        exchange: &mut Exchange,
    ) -> Result<http::Response<Outgoing>, Refused> {
        self.wanted.forwards()?;
        let report = send.final_report.take();
        let is_head = send.method == "HEAD";
        let outbound = self.outbound(send, exchange)?;
        let started = Instant::now();
        let answer = self.proxy.backend.send(outbound).await;
        exchange.witness().backend += started.elapsed();
        if let Some(report) = report {
            self.report(&report, exchange).await?;
        }
        answer
            .map(|answer| passed(is_head, answer))
            .map_err(|error| {
                error.log();
                no_answer(&error)
            })
    }

    async fn respond(
        &mut self,
        answer: Answer,
        exchange: &mut Exchange,
    ) -> http::Response<Outgoing> {
        let mut response = answer.response;
        if let Some(report) = answer.final_report
            && let Err(refused) = self.report(&report, exchange).await
        {
            exchange.witness().refused(refused.rule);
            response = refused.response(exchange.error_form());
        }
        if self.upgraded == Some(exchange.passes()) {
            response = exchange.refusal(&Refused::upgrade()).response;
        }
        to_http(response).unwrap_or_else(|why| {
            let refused = trapped(exchange.witness(), why);
            let refused = exchange.refusal(&refused).response;
            to_http(refused).unwrap_or_else(|_| bare())
        })
    }

    /// The request for the backend, in the guard's own framing.
    fn outbound(&mut self, send: Send, exchange: &mut Exchange) -> Result<Outbound, Refused> {
        let written = (
            headers::to_map(send.headers),
            Method::from_bytes(send.method.as_bytes()),
            PathAndQuery::try_from(&send.path),
        );
        let (Some(mut headers), Ok(method), Ok(path)) = written else {
            let why = "it forwards what cannot be written as a request";
            return Err(trapped(exchange.witness(), why));
        };
        if let (true, Some(own)) = (send.own_credential, self.proxy.own_credential()) {
            headers.insert(own.name, own.value);
        }
        let body = match send.body {
            scimguard_exchange::Outgoing::None => Outgoing::empty(),
            scimguard_exchange::Outgoing::Whole(bytes) => Outgoing::from(bytes),
            scimguard_exchange::Outgoing::AsItComes => {
                let incoming = self.incoming.take();
                incoming.map_or_else(Outgoing::empty, Outgoing::Stream)
            }
        };
        Ok(Outbound {
            method,
            path,
            headers,
            body,
        })
    }
}

/// Waits for something that the policy needs. If that takes long, its instance is released.
async fn patiently<T>(exchange: &mut Exchange, wait: impl Future<Output = T>) -> T {
    let mut wait = pin!(wait);
    match tokio::time::timeout(PATIENCE, &mut wait).await {
        Ok(done) => done,
        Err(_) => {
            exchange.release();
            wait.await
        }
    }
}

/// Calls an exchange, on a blocking thread if the policy then has much to do. `size`: how many
/// bytes the call passes. Boxed, since an exchange is large and moves with each call.
async fn call(
    mut exchange: Box<Exchange>,
    size: usize,
    call: impl FnOnce(&mut Exchange) -> Step + std::marker::Send + 'static,
) -> (Box<Exchange>, Step) {
    if exchange.weight().max(size) <= BLOCKING_THRESHOLD {
        let step = call(&mut exchange);
        return (exchange, step);
    }
    let task = tokio::task::spawn_blocking(move || {
        let step = call(&mut exchange);
        (exchange, step)
    });
    match task.await {
        Ok(called) => called,
        // A panic fails this request alone.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

async fn read(proxy: &Proxy, incoming: Inbound, limit: u64) -> Result<Body, Refused> {
    if incoming.is_end_stream() {
        return Ok(Body::None);
    }
    let read = tokio::time::timeout(proxy.front.client_timeout, body::collect(incoming, limit));
    match read.await {
        Ok(Ok(BufferedBody::None)) => Ok(Body::None),
        Ok(Ok(BufferedBody::Bytes(bytes))) => Ok(Body::Bytes(bytes.into())),
        Ok(Ok(BufferedBody::OverLimit)) => Ok(Body::OverLimit),
        Ok(Err(BodyError::Broken(_))) => Err(Refused::new(
            "body.syntax",
            "The request body ended prematurely.",
        )),
        Ok(Err(BodyError::Stalled(_))) | Err(_) => {
            let detail = format!(
                "The body did not arrive within {:?}. Send it faster, or less of it.",
                proxy.front.client_timeout
            );
            Err(Refused::new("body.syntax", detail))
        }
    }
}

/// The policy does what no policy may.
fn trapped(line: &mut DecisionEntry, why: &str) -> Refused {
    line.trapped(why);
    Refused::trapped()
}

fn outcome(answer: Result<BufferedResponse, BackendError>) -> BackendOutcome {
    let Ok(whole) = answer else {
        return BackendOutcome::Unanswered;
    };
    BackendOutcome::Answered(BackendAnswer {
        status: whole.status.as_u16(),
        headers: headers::end_to_end(&whole.headers),
        body: match whole.body {
            BufferedBody::None => AnswerBody::None,
            BufferedBody::Bytes(bytes) => AnswerBody::Bytes(bytes.into()),
            BufferedBody::OverLimit => AnswerBody::OverLimit,
        },
    })
}

/// The backend's answer, streamed.
fn passed(is_head: bool, answer: http::Response<Inbound>) -> http::Response<Outgoing> {
    let (parts, incoming) = answer.into_parts();
    let length = parts.headers.get(header::CONTENT_LENGTH).cloned();
    let mut response = http::Response::new(Outgoing::Stream(incoming));
    *response.status_mut() = parts.status;
    if let Some(headers) = headers::to_map(headers::end_to_end(&parts.headers)) {
        *response.headers_mut() = headers;
    }
    // A HEAD's only information about the body is the length that a GET would have.
    if let (Some(length), true) = (length, is_head) {
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, length);
    }
    response
}
