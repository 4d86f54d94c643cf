//! Answers to the client.

use proxy_wasm::traits::HttpContext as _;
use proxy_wasm::types::{Action, BufferType};
use scimguard_core::Response;
use scimguard_core::message::ResponseBody;
use scimguard_exchange::Answer;

use super::{Awaiting, Phase, Stream};
use crate::calls;
use crate::hand_back::{Back, Passage};

/// The filter's own answer, on its way through Envoy.
pub(super) struct Answered {
    pub(super) response: Response,
    /// Whether Envoy already has its body.
    pub(super) is_sent: bool,
}

impl Stream {
    /// Answers the client. Replaces the application's answer if possible, so that other filters see it;
    /// otherwise sends a local reply.
    pub(super) fn answer(&mut self, mut answer: Answer) -> Action {
        self.note(&mut answer);
        self.exchange = None;
        self.waits = Awaiting::Done;
        self.request.gate().set(Passage::Complete);
        let response = answer.response;
        let body = bytes(&response);
        let fits = body.is_empty() || body.len() as u64 <= self.shared.setup.room();
        if self.half == Phase::Answer && fits && (self.response.is_replaceable() || body.is_empty())
        {
            let (status, length) = (response.status.to_string(), body.len().to_string());
            self.set_http_response_headers_bytes(head(&response, &status, &length));
            let (kind, gate) = (BufferType::HttpResponseBody, self.response.gate());
            let hand_backs = &self.shared.hand_backs;
            return match hand_backs.put(self.id, kind, body.to_vec(), gate, Passage::Complete) {
                Back::Now => Action::Continue,
                Back::Later => Action::Pause,
            };
        }
        self.response.gate().set(Passage::Open);
        let headers = response.headers.iter();
        let headers = headers
            .filter_map(|(name, value)| Some((name.as_str(), std::str::from_utf8(value).ok()?)));
        let status = u32::from(response.status);
        self.send_http_response(status, headers.collect(), Some(body));
        self.answered = Some(Answered {
            response,
            is_sent: true,
        });
        Action::Pause
    }

    /// Counts and logs an answer, and reports the end to the facts service.
    pub(super) fn note(&mut self, answer: &mut Answer) {
        if let Some(rule) = &answer.rule {
            match self.half {
                Phase::Request => self.shared.metrics.refused(rule, self.elapsed()),
                Phase::Answer => self.shared.metrics.replaced(rule),
            }
            let status = answer.response.status;
            self.shared.log.refused(rule, status, super::since_1970());
        }
        if let (Some(report), Some(remote)) = (answer.final_report.take(), &mut self.remote) {
            calls::report(&self.shared, self.id, remote, report);
        }
    }
}

/// The bytes of a response's body.
pub(super) fn bytes(response: &Response) -> &[u8] {
    match &response.body {
        ResponseBody::Bytes(bytes) => bytes,
        ResponseBody::None | ResponseBody::AsReceived => &[],
    }
}

/// The head of a response with a body of this length.
pub(super) fn head<'a>(
    response: &'a Response,
    status: &'a str,
    length: &'a str,
) -> Vec<(&'a str, &'a [u8])> {
    let mut all: Vec<(&str, &[u8])> = vec![(":status", status.as_bytes())];
    for (name, value) in &response.headers {
        all.push((name, value));
    }
    // 204 and 304 have no length (RFC 9110 §8.6).
    if !matches!(response.status, 204 | 304) {
        all.push(("content-length", length.as_bytes()));
    }
    all
}
