//! The request on its way to the application, as it was decided.

use proxy_wasm::hostcalls;
use proxy_wasm::traits::HttpContext as _;
use proxy_wasm::types::{Action, MapType};
use scimguard_gateway::{Outgoing, Refused, Send};

use super::body::Incoming;
use super::{Goes, Stream, Waits};
use crate::calls;

impl Stream {
    /// Lets the request go on to the application, as it was decided.
    pub(super) fn route(&mut self, mut send: Send) -> Goes {
        let taken = match send.body {
            Outgoing::AsItComes => match self.body.unread() {
                Some(taken) => taken,
                None => {
                    let limit = self.shared.gateway.body_limit();
                    return self.refuse(&Refused::too_large(limit));
                }
            },
            Outgoing::None | Outgoing::Whole(_) => Vec::new(),
        };
        let length = match &send.body {
            Outgoing::Whole(bytes) => Some(bytes.len()),
            // Where there was a body, an empty one is framed with its length.
            Outgoing::None => self.body.replaceable.then_some(0),
            Outgoing::AsItComes => None,
        };
        if matches!(send.body, Outgoing::Whole(_)) && !self.body.replaceable {
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
        if self.body.replaceable {
            match &send.body {
                Outgoing::Whole(bytes) => self.set_http_request_body(0, usize::MAX, bytes),
                Outgoing::None => self.set_http_request_body(0, usize::MAX, &[]),
                // What came while facts were asked for goes first.
                Outgoing::AsItComes if taken.is_empty() => {}
                Outgoing::AsItComes => self.set_http_request_body(0, 0, &taken),
            }
        }
        self.body = Incoming::default();
        self.waits = match send.observe {
            true => Waits::Route,
            false => Waits::Passing,
        };
        if let Some(tell) = send.farewell.take() {
            calls::tell(&self.shared, self.id, &tell);
        }
        Action::Continue
    }
}
