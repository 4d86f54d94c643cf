//! Envoy's own replies: those that the filter asked for, and those that Envoy makes before a request is
//! decided or because it does not fit into its buffer. If the reason is known, the client gets it with
//! its rule.

use proxy_wasm::hostcalls;
use proxy_wasm::traits::HttpContext as _;
use proxy_wasm::types::{Action, BufferType};
use scimguard_core::Headers;
use scimguard_exchange::Refused;

use super::answer::{Answered, bytes, head};
use super::{Awaiting, Stream};
use crate::hand_back::Passage;

/// A body did not fit into Envoy's buffer.
const TOO_LARGE: &str = "request_payload_too_large";

/// A request took longer than Envoy waits for it.
const TOO_SLOW: [&str; 2] = ["request_overall_timeout", "stream_idle_timeout"];

impl Stream {
    /// Passes on a reply of Envoy's own, which is not observed.
    pub(super) fn own_reply(&mut self, whose: &str, all: &Headers, ended: bool) -> Option<Action> {
        if let Some(answered) = &self.answered {
            if is_grpc(all) {
                // Envoy moves status and body into gRPC headers, so the status is restored.
                let status = answered.response.status.to_string();
                self.set_http_response_headers_bytes(head(&answered.response, &status, "0"));
            }
            return Some(Action::Continue);
        }
        let is_under_way = matches!(self.waits, Awaiting::Route | Awaiting::Passing);
        let refused = match self.waits {
            Awaiting::Done => None,
            _ if whose == TOO_LARGE => Some(self.too_large()),
            Awaiting::Body(_) if TOO_SLOW.contains(&whose) => Some(Refused::too_slow()),
            Awaiting::Facts(_) | Awaiting::Told(_) if TOO_SLOW.contains(&whose) => {
                Some(Refused::no_record())
            }
            _ => None,
        };
        if refused.is_none() && is_under_way {
            return None;
        }
        self.waits = Awaiting::Done;
        self.request.gate().set(Passage::Complete);
        self.response.gate().set(Passage::Open);
        if let Some(refused) = refused {
            self.replace(&refused, is_under_way, ended);
        }
        Some(Action::Continue)
    }

    fn too_large(&self) -> Refused {
        let limit = self.shared.setup.body_limit();
        if self.request.is_beyond(limit) {
            return Refused::too_large(limit);
        }
        let room = self.handed_back.saturating_sub(1);
        let setup = &self.shared.setup;
        if self.request.gate().get() == Passage::HandingBack && room < setup.room() {
            log::warn!(
                "the gateway's buffer takes less than {} bytes: set per_connection_buffer_limit_bytes of the \
                 listener, and buffer_bytes, to what the policy's body_bytes need",
                self.handed_back
            );
            setup.set_room(room);
        }
        Refused::no_room(setup.room())
    }

    /// Replaces Envoy's refusal by the filter's.
    fn replace(&mut self, refused: &Refused, is_under_way: bool, ended: bool) {
        let Some(mut exchange) = self.exchange.take() else {
            return;
        };
        let mut answer = match is_under_way {
            true => exchange.undelivered(refused),
            false => exchange.refusal(refused),
        };
        self.note(&mut answer);
        let length = match ended {
            true => 0,
            false => bytes(&answer.response).len(),
        };
        let (status, length) = (answer.response.status.to_string(), length.to_string());
        self.set_http_response_headers_bytes(head(&answer.response, &status, &length));
        self.answered = Some(Answered {
            response: answer.response,
            is_sent: ended,
        });
    }

    /// Replaces the body of Envoy's reply by that of a refusal; returns whether there was one.
    pub(super) fn send_own_reply(&mut self, size: usize) -> bool {
        let Some(answered) = self.answered.as_mut().filter(|it| !it.is_sent) else {
            return false;
        };
        answered.is_sent = true;
        // Nothing of this reply was buffered, so the buffer's limit does not apply.
        let body = bytes(&answered.response);
        if hostcalls::set_buffer(BufferType::HttpResponseBody, 0, size, body).is_err() {
            log::error!("a refusal cannot be written");
        }
        true
    }
}

fn is_grpc(headers: &Headers) -> bool {
    headers
        .iter()
        .any(|(name, value)| name == "content-type" && value.starts_with(b"application/grpc"))
}
