//! One request in the gateway's callbacks. The head is held until the request is decided, the head of
//! an observed answer until it is observed; bodies are taken out of the gateway's buffers as they
//! come, so that the policy's limits hold and not the gateway's.

use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::{Action, BufferType, MapType};
use scimguard_core::message::{BackendAnswer, ResponseBody};
use scimguard_core::{BackendOutcome, Body, Headers};
use scimguard_gateway::{Answer, Exchange, Incoming, Next, Outgoing, Refused, Send};

use crate::calls::{self, Reply};
use crate::root::Shared;

/// One request.
pub(crate) struct Stream {
    id: u32,
    shared: Rc<Shared>,
    exchange: Option<Exchange>,
    waits: Waits,
    authority: String,
    started: Duration,
    /// The body, request's or answer's, as far as it has come.
    collected: Vec<u8>,
    /// All of it has come.
    ended: bool,
    /// There is a body that can be replaced.
    replaceable: bool,
    /// The half of its way that is held.
    half: Half,
    /// The answer is the gateway's own, not the application's.
    unanswered: bool,
    /// Of the answer that is observed.
    status: u16,
    headers: Headers,
}

/// What a request waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waits {
    /// Its own body, of at most so many bytes.
    Body(u64),
    Facts(u32),
    Told(u32),
    /// The answer on the gateway's own way, which is observed.
    Route,
    /// The same; it goes on as it comes.
    Passing,
    /// A further answer of the application.
    Application(u32),
    /// Nothing: it is answered.
    Done,
}

/// On which half of its way a request is held.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Request,
    Answer,
}

/// Whether what is held goes on.
type Goes = Action;

impl Stream {
    pub(crate) fn new(id: u32, shared: Rc<Shared>) -> Self {
        Self {
            id,
            shared,
            exchange: None,
            waits: Waits::Done,
            authority: String::new(),
            started: Duration::ZERO,
            collected: Vec::new(),
            ended: false,
            replaceable: false,
            half: Half::Request,
            unanswered: false,
            status: 0,
            headers: Vec::new(),
        }
    }

    /// Does what is next, until something has to be waited for.
    fn go(&mut self, mut next: Next) -> Goes {
        loop {
            let half = self.half;
            let Some(exchange) = &mut self.exchange else {
                return Action::Continue;
            };
            next = match next {
                Next::ReadBody(limit) => {
                    if self.replaceable {
                        // What came while facts were asked for.
                        self.collect(BufferType::HttpRequestBody, usize::MAX, limit);
                    }
                    match self.body(limit) {
                        Some(body) => match &mut self.exchange {
                            Some(exchange) => exchange.body(body),
                            None => return Action::Continue,
                        },
                        None => {
                            self.waits = Waits::Body(limit);
                            return Action::Pause;
                        }
                    }
                }
                Next::Ask(ask) => match calls::ask(&self.shared, &ask) {
                    Some(token) => {
                        self.waits = Waits::Facts(token);
                        return Action::Pause;
                    }
                    None => exchange.refuse(&Refused::no_record()),
                },
                Next::Tell(tell) => match calls::tell(&self.shared, self.id, &tell) {
                    Some(token) => {
                        self.waits = Waits::Told(token);
                        return Action::Pause;
                    }
                    None => exchange.refuse(&Refused::no_record()),
                },
                Next::Send(send) if half == Half::Request && !exchange.in_parts() => {
                    self.shared.metrics.forwarded(self.elapsed());
                    return self.route(send);
                }
                Next::Send(send) => {
                    match calls::send(&self.shared.backend, &self.authority, &send) {
                        Some(token) => {
                            self.waits = Waits::Application(token);
                            return Action::Pause;
                        }
                        None => exchange.answered(BackendOutcome::Unanswered),
                    }
                }
                Next::Answer(answer) => return self.answer(answer),
            };
        }
    }

    /// Lets the request go on to the application, as it was decided.
    fn route(&mut self, mut send: Send) -> Goes {
        let length = match &send.body {
            Outgoing::Whole(bytes) => Some(bytes.len()),
            // Where there was a body, an empty one is framed with its length.
            Outgoing::None => self.replaceable.then_some(0),
            Outgoing::AsItComes => None,
        };
        if matches!(send.body, Outgoing::Whole(_)) && !self.replaceable {
            log::error!("the policy gives a body to a request without one");
            return self.refuse(&Refused::trapped());
        }
        let framing = hostcalls::get_map_bytes(MapType::HttpRequestHeaders).unwrap_or_default();
        let mut all: Vec<(&str, &[u8])> = Vec::new();
        for (name, value) in &framing {
            let kept = match name.as_str() {
                ":method" | ":path" => false,
                "content-length" | "transfer-encoding" => length.is_none(),
                // The gateway's own judgement of the client's; without it, it finds no route.
                "x-forwarded-proto" => true,
                name => name.starts_with(':'),
            };
            if kept {
                all.push((name, value));
            }
        }
        all.push((":method", send.method.as_bytes()));
        all.push((":path", send.path.as_bytes()));
        for (name, value) in &send.headers {
            if name != "x-forwarded-proto" {
                all.push((name, value));
            }
        }
        let length = length.map(|length| length.to_string());
        if let Some(length) = &length {
            all.push(("content-length", length.as_bytes()));
        }
        self.set_http_request_headers_bytes(all);
        if self.replaceable && send.body != Outgoing::AsItComes {
            let bytes = match &send.body {
                Outgoing::Whole(bytes) => bytes.as_slice(),
                _ => &[],
            };
            self.set_http_request_body(0, usize::MAX, bytes);
        }
        self.collected = Vec::new();
        self.waits = match send.observe {
            true => Waits::Route,
            false => Waits::Passing,
        };
        if let Some(tell) = send.farewell.take() {
            calls::tell(&self.shared, self.id, &tell);
        }
        Action::Continue
    }

    fn refuse(&mut self, refused: &Refused) -> Goes {
        match self
            .exchange
            .as_mut()
            .map(|exchange| exchange.refuse(refused))
        {
            Some(Next::Answer(answer)) => self.answer(answer),
            _ => Action::Pause,
        }
    }

    /// Answers the client: on the way of the application's answer if it is possible, so that other
    /// filters see it, else by itself.
    fn answer(&mut self, answer: Answer) -> Goes {
        let half = self.half;
        if let Some(rule) = &answer.rule {
            let status = answer.response.status;
            match half {
                Half::Request => self.shared.metrics.refused(rule, self.elapsed()),
                Half::Answer => self.shared.metrics.replaced(rule),
            }
            log::info!("refused: rule={rule} status={status}");
        }
        if let Some(tell) = &answer.farewell {
            calls::tell(&self.shared, self.id, tell);
        }
        self.exchange = None;
        self.waits = Waits::Done;
        let body = match &answer.response.body {
            ResponseBody::Bytes(bytes) => bytes.as_slice(),
            ResponseBody::None | ResponseBody::AsReceived => &[],
        };
        if half == Half::Answer && (self.replaceable || body.is_empty()) {
            let status = answer.response.status.to_string();
            let length = body.len().to_string();
            let mut all: Vec<(&str, &[u8])> = vec![(":status", status.as_bytes())];
            for (name, value) in &answer.response.headers {
                all.push((name, value));
            }
            // 204 and 304 have no length (RFC 9110 §8.6).
            if !matches!(answer.response.status, 204 | 304) {
                all.push(("content-length", length.as_bytes()));
            }
            self.set_http_response_headers_bytes(all);
            if self.replaceable {
                self.set_http_response_body(0, usize::MAX, body);
            }
            return Action::Continue;
        }
        let headers: Option<Vec<(&str, &str)>> = answer
            .response
            .headers
            .iter()
            .map(|(name, value)| Some((name.as_str(), std::str::from_utf8(value).ok()?)))
            .collect();
        let status = u32::from(answer.response.status);
        self.send_http_response(status, headers.unwrap_or_default(), Some(body));
        Action::Pause
    }

    /// The request's body, once all of it or too much has come.
    fn body(&mut self, limit: u64) -> Option<Body> {
        match u64::try_from(self.collected.len()) {
            Ok(length) if length > limit => Some(Body::OverLimit),
            _ if !self.ended => None,
            Ok(0) => Some(Body::None),
            _ => Some(Body::Bytes(std::mem::take(&mut self.collected))),
        }
    }

    /// Takes what has come out of the gateway's buffer.
    fn collect(&mut self, kind: BufferType, size: usize, limit: u64) {
        if size == 0 {
            return;
        }
        let chunk = hostcalls::get_buffer(kind, 0, size).unwrap_or_default();
        // More than one byte over the limit is not kept: it is only known to be too much.
        let room = usize::try_from(limit)
            .unwrap_or(usize::MAX)
            .saturating_add(1)
            .saturating_sub(self.collected.len());
        let chunk = chunk.unwrap_or_default();
        self.collected
            .extend_from_slice(&chunk[..chunk.len().min(room)]);
        if hostcalls::set_buffer(kind, 0, size, &[]).is_err() {
            log::error!("a body cannot be taken out of its buffer");
        }
    }

    fn request_body(&mut self, size: usize, ended: bool) -> Action {
        if matches!(self.waits, Waits::Route | Waits::Passing | Waits::Done) {
            return Action::Continue;
        }
        self.ended = ended;
        let Waits::Body(limit) = self.waits else {
            // Held while facts are asked for; it goes on as it comes, or is read then.
            return Action::Pause;
        };
        self.collect(BufferType::HttpRequestBody, size, limit);
        let Some(body) = self.body(limit) else {
            return Action::Pause;
        };
        match self.exchange.as_mut().map(|exchange| exchange.body(body)) {
            Some(next) => self.go(next),
            None => Action::Continue,
        }
    }

    fn response_body(&mut self, size: usize, ended: bool) -> Action {
        match self.waits {
            Waits::Route => {}
            Waits::Passing if self.unanswered => {}
            Waits::Passing | Waits::Done => return Action::Continue,
            _ => return Action::Pause,
        }
        let limit = self.shared.gateway.answer_limit();
        self.collect(BufferType::HttpResponseBody, size, limit);
        match ended {
            true => self.observe(),
            false => Action::Pause,
        }
    }

    /// The whole answer is there.
    fn observe(&mut self) -> Goes {
        let limit = self.shared.gateway.answer_limit();
        let body = calls::limited(std::mem::take(&mut self.collected), limit);
        let outcome = match self.unanswered {
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
        let next = match (self.waits, &mut self.exchange) {
            (Waits::Facts(awaited), Some(exchange)) if awaited == token => {
                let reply = Reply::receive(headers, body);
                exchange.facts(scimguard_gateway::facts(
                    reply.status.unwrap_or(0),
                    &reply.body,
                ))
            }
            (Waits::Told(awaited), Some(exchange)) if awaited == token => {
                let reply = Reply::receive(headers, body);
                exchange.told(scimguard_gateway::told(
                    reply.status.unwrap_or(0),
                    &reply.body,
                ))
            }
            (Waits::Application(awaited), Some(exchange)) if awaited == token => {
                let limit = self.shared.gateway.answer_limit();
                let reply = Reply::receive(headers, body);
                exchange.answered(reply.into_outcome(limit))
            }
            _ => return,
        };
        if self.go(next) == Action::Continue {
            match self.half {
                Half::Request => self.resume_http_request(),
                Half::Answer => self.resume_http_response(),
            }
        }
    }

    fn on_done(&mut self) -> bool {
        if let Some(tell) = self.exchange.take().and_then(Exchange::abandoned) {
            calls::tell(&self.shared, self.id, &tell);
        }
        true
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, ended: bool) -> Action {
        self.started = since_1970();
        self.ended = ended;
        let all = hostcalls::get_map_bytes(MapType::HttpRequestHeaders).unwrap_or_default();
        let mut incoming = Incoming {
            method: String::new(),
            path: String::new(),
            authority: None,
            headers: Vec::new(),
            source: self.text(&["source", "address"]),
        };
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
        let gateway = Rc::clone(&self.shared.gateway);
        let now = u64::try_from(self.started.as_millis()).unwrap_or(u64::MAX);
        let (exchange, next) = Exchange::begin(gateway, incoming, now);
        self.exchange = Some(exchange);
        self.go(next)
    }

    fn on_http_request_body(&mut self, size: usize, ended: bool) -> Action {
        self.replaceable = true;
        self.request_body(size, ended)
    }

    fn on_http_request_trailers(&mut self, _: usize) -> Action {
        // Neither side agreed to them.
        self.set_http_request_trailers(vec![]);
        self.request_body(0, true)
    }

    fn on_http_response_headers(&mut self, _: usize, ended: bool) -> Action {
        if !matches!(self.waits, Waits::Route | Waits::Passing) {
            // The gateway answers by itself, before anything was decided, or with what was decided.
            // What was asked for meanwhile decides nothing any more.
            self.waits = Waits::Done;
            return Action::Continue;
        }
        let all = hostcalls::get_map_bytes(MapType::HttpResponseHeaders).unwrap_or_default();
        self.status = calls::status(&all).unwrap_or(0);
        self.half = Half::Answer;
        self.replaceable = false;
        // The gateway's own words are none of the application, which may or may not have acted.
        let whose = self.text(&["response", "code_details"]);
        self.unanswered = whose.as_deref() != Some("via_upstream");
        if self.waits == Waits::Passing && !self.unanswered {
            return Action::Continue;
        }
        self.headers = calls::shown(all);
        match ended {
            true => self.observe(),
            false => Action::Pause,
        }
    }

    fn on_http_response_body(&mut self, size: usize, ended: bool) -> Action {
        self.replaceable = true;
        self.response_body(size, ended)
    }

    fn on_http_response_trailers(&mut self, _: usize) -> Action {
        self.set_http_response_trailers(vec![]);
        self.response_body(0, true)
    }
}

fn since_1970() -> Duration {
    let now = hostcalls::get_current_time().unwrap_or(UNIX_EPOCH);
    now.duration_since(UNIX_EPOCH).unwrap_or_default()
}
