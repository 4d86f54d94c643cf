//! What the client is answered.

use proxy_wasm::traits::HttpContext as _;
use proxy_wasm::types::Action;
use scimguard_core::message::ResponseBody;
use scimguard_gateway::Answer;

use super::{Goes, Half, Stream, Waits};
use crate::calls;

impl Stream {
    /// Answers the client: on the way of the application's answer if it is possible, so that other
    /// filters see it, else by itself.
    pub(super) fn answer(&mut self, answer: Answer) -> Goes {
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
        if half == Half::Answer && (self.body.replaceable || body.is_empty()) {
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
            if self.body.replaceable {
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
}
