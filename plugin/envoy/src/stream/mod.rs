//! One request in Envoy's callbacks. The head is held until the request is decided, and the head of an
//! observed answer until the answer is judged.

mod answer;
mod body;
mod onward;
mod own_reply;

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::{Action, BufferType, MapType};
use scimguard_core::message::BackendAnswer;
use scimguard_core::{BackendOutcome, Guard, Headers};
use scimguard_exchange::{Exchange, Parting, Refused, Remote, ServiceError, Step};

use self::answer::Answered;
use self::body::Incoming;
use crate::calls::{self, Reply};
use crate::hand_back::Passage;
use crate::memory::Share;
use crate::shared::Shared;

/// One request.
pub(crate) struct Stream {
    id: u32,
    shared: Rc<Shared>,
    exchange: Option<Exchange<Guard>>,
    /// The request's dealings with the facts service.
    remote: Option<Remote>,
    waits: Awaiting,
    authority: String,
    started: Duration,
    request: Incoming,
    response: Incoming,
    /// The memory of both bodies.
    share: Share,
    /// The size of the body that was put back.
    handed_back: u64,
    /// The half of the exchange that is held.
    half: Phase,
    /// Whether the answer is Envoy's own, not the application's.
    unanswered: bool,
    /// The status of the observed answer.
    status: u16,
    headers: Headers,
    /// The filter's own answer, until Envoy has sent it.
    answered: Option<Answered>,
}

/// What a request waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Awaiting {
    /// Its own body, of at most this many bytes.
    Body(u64),
    Facts(u32),
    Told(u32),
    /// The answer on Envoy's own route, which is observed.
    Route,
    /// The same, passed on as received.
    Passing,
    /// The application's answer to a further request.
    Application(u32),
    /// Nothing; the client has its answer.
    Done,
}

/// The half of the exchange in which a request is held.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Request,
    Answer,
}

impl Stream {
    pub(crate) fn new(id: u32, shared: Rc<Shared>) -> Self {
        Self {
            id,
            share: Share::new(Rc::clone(&shared.memory)),
            shared,
            exchange: None,
            remote: None,
            waits: Awaiting::Done,
            authority: String::new(),
            started: Duration::ZERO,
            request: Incoming::new(BufferType::HttpRequestBody),
            response: Incoming::new(BufferType::HttpResponseBody),
            handed_back: 0,
            half: Phase::Request,
            unanswered: false,
            status: 0,
            headers: Vec::new(),
            answered: None,
        }
    }

    /// Performs steps until one has to wait.
    fn go(&mut self, mut step: Step) -> Action {
        loop {
            let half = self.half;
            let (Some(exchange), Some(remote)) = (&mut self.exchange, &mut self.remote) else {
                return Action::Continue;
            };
            step = match step {
                Step::ReadBody(limit) => match self.request.of_request(limit) {
                    Some(body) => exchange.body(body),
                    None => {
                        self.waits = Awaiting::Body(limit);
                        // A slow client must not hold what others need.
                        if let Some(report) = exchange.suspend() {
                            calls::report(&self.shared, self.id, remote, report);
                        }
                        return Action::Pause;
                    }
                },
                Step::GetFacts(wanted) => match remote.ask(wanted) {
                    Ok(question) => match calls::ask(&self.shared, &question) {
                        Some(token) => {
                            self.waits = Awaiting::Facts(token);
                            return Action::Pause;
                        }
                        None => exchange.facts(Err(ServiceError::NoResponse)),
                    },
                    Err(error) => exchange.facts(Err(error)),
                },
                Step::Store(report) => match remote.store(report) {
                    None => exchange.stored(Ok(())),
                    Some(Parting::Later(told)) => {
                        calls::report_later(&self.shared, self.id, told);
                        exchange.stored(Ok(()))
                    }
                    Some(Parting::Now(told)) => match calls::tell(&self.shared, self.id, &told) {
                        Some(token) => {
                            self.waits = Awaiting::Told(token);
                            return Action::Pause;
                        }
                        None => exchange.stored(Err(ServiceError::NoResponse)),
                    },
                },
                Step::Send(send) if half == Phase::Request && !exchange.in_parts() => {
                    self.shared.metrics.forwarded(self.elapsed());
                    return self.route(send);
                }
                Step::Send(send) => {
                    match calls::send(&self.shared.backend, &self.authority, &send) {
                        Some(token) => {
                            self.waits = Awaiting::Application(token);
                            return Action::Pause;
                        }
                        None => exchange.answered(BackendOutcome::Unanswered),
                    }
                }
                Step::Respond(answer) => return self.answer(answer),
            };
        }
    }

    fn refuse(&mut self, refused: &Refused) -> Action {
        match self
            .exchange
            .as_mut()
            .map(|exchange| exchange.refusal(refused))
        {
            Some(answer) => self.answer(answer),
            None => Action::Pause,
        }
    }

    fn request_body(&mut self, size: usize, ended: bool) -> Action {
        let limit = match self.waits {
            Awaiting::Body(limit) => limit,
            // While facts are looked up; afterwards it is read, or passed on as received.
            _ => self.shared.setup.body_limit(),
        };
        let goes = self.request.piece(size, ended, limit, &mut self.share);
        if goes == Action::Continue || self.request.gate().get() != Passage::Held {
            return goes;
        }
        if self.request.is_full() {
            return self.refuse(&Refused::too_busy());
        }
        let Awaiting::Body(limit) = self.waits else {
            return Action::Pause;
        };
        let Some(body) = self.request.of_request(limit) else {
            return Action::Pause;
        };
        match self.exchange.as_mut().map(|exchange| exchange.body(body)) {
            Some(next) => self.go(next),
            None => Action::Continue,
        }
    }

    fn response_body(&mut self, size: usize, ended: bool) -> Action {
        let limit = self.shared.setup.answer_limit();
        let goes = self.response.piece(size, ended, limit, &mut self.share);
        let is_whole = ended && self.response.gate().get() == Passage::Held;
        match is_whole && matches!(self.waits, Awaiting::Route | Awaiting::Passing) {
            true => self.observe(),
            false => goes,
        }
    }

    /// Judges the complete answer.
    fn observe(&mut self) -> Action {
        let limit = self.shared.setup.answer_limit();
        let body = self.response.of_answer(limit);
        // An answer that there was no room for counts as none.
        let outcome = match self.unanswered || self.response.is_full() {
            true => BackendOutcome::Unanswered,
            false => BackendOutcome::Answered(BackendAnswer {
                status: self.status,
                headers: std::mem::take(&mut self.headers),
                body,
            }),
        };
        match self
            .exchange
            .as_mut()
            .map(|exchange| exchange.answered(outcome))
        {
            Some(next) => self.go(next),
            None => Action::Continue,
        }
    }

    fn elapsed(&self) -> u64 {
        let now = since_1970().saturating_sub(self.started);
        u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
    }

    fn text(&self, path: &[&str]) -> Option<String> {
        let value = hostcalls::get_property(path.to_vec()).ok().flatten()?;
        String::from_utf8(value)
            .ok()
            .filter(|text| !text.is_empty())
    }
}

impl Context for Stream {
    fn on_http_call_response(&mut self, token: u32, headers: usize, body: usize, _: usize) {
        let (Some(exchange), Some(remote)) = (&mut self.exchange, &mut self.remote) else {
            return;
        };
        let step = match self.waits {
            Awaiting::Facts(awaited) if awaited == token => {
                let reply = Reply::receive(headers, body);
                exchange.facts(remote.found(reply.status.unwrap_or(0), &reply.body))
            }
            Awaiting::Told(awaited) if awaited == token => {
                let reply = Reply::receive(headers, body);
                exchange.stored(remote.stored(reply.status.unwrap_or(0), &reply.body))
            }
            Awaiting::Application(awaited) if awaited == token => {
                let limit = self.shared.setup.answer_limit();
                exchange.answered(Reply::receive(headers, body).into_outcome(limit))
            }
            _ => return,
        };
        if self.go(step) == Action::Continue {
            match self.half {
                Phase::Request => self.resume_http_request(),
                Phase::Answer => self.resume_http_response(),
            }
        }
    }

    fn on_done(&mut self) -> bool {
        // A body still waiting to be put back is too late.
        self.request.gate().set(Passage::Complete);
        self.response.gate().set(Passage::Complete);
        let report = self.exchange.take().and_then(Exchange::abandoned);
        if let (Some(report), Some(remote)) = (report, &mut self.remote) {
            calls::report(&self.shared, self.id, remote, report);
        }
        true
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, ended: bool) -> Action {
        self.started = since_1970();
        self.request.begin(ended);
        let all = hostcalls::get_map_bytes(MapType::HttpRequestHeaders).unwrap_or_default();
        let size = all.iter().map(|(name, value)| name.len() + value.len());
        let size = size.sum::<usize>();
        let mut incoming = scimguard_exchange::Incoming {
            method: String::new(),
            path: String::new(),
            authority: None,
            headers: Vec::new(),
        };
        let source = self.text(&["source", "address"]);
        for (name, value) in all {
            match name.as_str() {
                ":method" => incoming.method = String::from_utf8_lossy(&value).into_owned(),
                ":path" => incoming.path = String::from_utf8_lossy(&value).into_owned(),
                ":authority" => incoming.authority = Some(value),
                pseudo if pseudo.starts_with(':') => {}
                _ => incoming.headers.push((name, value)),
            }
        }
        let authority = incoming.authority.as_deref().unwrap_or_default();
        self.authority = String::from_utf8_lossy(authority).into_owned();
        let setup = Arc::clone(&self.shared.setup);
        let now = u64::try_from(self.started.as_millis()).unwrap_or(u64::MAX);
        let address = source.as_deref().map(scimguard_exchange::address);
        let kept = announced(&incoming.headers).min(setup.body_limit());
        let kept = usize::try_from(kept).unwrap_or(usize::MAX);
        let room = self.share.begin(address, size, kept);
        let strangers = Arc::clone(&self.shared.strangers);
        self.remote = Some(Remote::new(strangers, &incoming, source, now));
        let (exchange, step) = Exchange::begin(setup, incoming, now);
        self.exchange = Some(exchange);
        match room {
            Ok(()) => self.go(step),
            Err(_) => self.refuse(&Refused::too_busy()),
        }
    }

    fn on_http_request_body(&mut self, size: usize, ended: bool) -> Action {
        self.request_body(size, ended)
    }

    fn on_http_request_trailers(&mut self, _: usize) -> Action {
        // Drop trailers: neither side agreed to them.
        self.set_http_request_trailers(vec![]);
        self.request_body(0, true)
    }

    fn on_http_response_headers(&mut self, _: usize, ended: bool) -> Action {
        self.response.begin(ended);
        let all = hostcalls::get_map_bytes(MapType::HttpResponseHeaders).unwrap_or_default();
        let whose = self.text(&["response", "code_details"]).unwrap_or_default();
        if let Some(goes) = self.own_reply(&whose, &all, ended) {
            return goes;
        }
        self.status = calls::status(&all).unwrap_or(0);
        self.half = Phase::Answer;
        // After Envoy's own reply, the application may or may not have acted.
        self.unanswered = whose != "via_upstream";
        if self.waits == Awaiting::Passing && !self.unanswered {
            self.response.gate().set(Passage::Open);
            return Action::Continue;
        }
        self.headers = calls::shown(all);
        match ended {
            true => self.observe(),
            false => Action::Pause,
        }
    }

    fn on_http_response_body(&mut self, size: usize, ended: bool) -> Action {
        if self.send_own_reply(size) {
            return Action::Continue;
        }
        self.response_body(size, ended)
    }

    fn on_http_response_trailers(&mut self, _: usize) -> Action {
        self.set_http_response_trailers(vec![]);
        self.response_body(0, true)
    }
}

/// The length of the body, if the head announces it.
fn announced(headers: &Headers) -> u64 {
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, value)| std::str::from_utf8(value).ok()?.parse().ok());
    length.unwrap_or_default()
}

fn since_1970() -> Duration {
    let now = hostcalls::get_current_time().unwrap_or(UNIX_EPOCH);
    now.duration_since(UNIX_EPOCH).unwrap_or_default()
}
