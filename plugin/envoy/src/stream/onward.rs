//! Sends the decided request to the application.

use proxy_wasm::hostcalls;
use proxy_wasm::traits::HttpContext as _;
use proxy_wasm::types::{Action, BufferType, MapType};
use scimguard_exchange::{Outgoing, Send};

use super::body::Framing;
use super::{Awaiting, Stream};
use crate::calls;
use crate::hand_back::Back;

impl Stream {
    /// Lets the request continue to the application in its decided form.
    pub(super) fn route(&mut self, mut send: Send) -> Action {
        let limit = self.shared.setup.body_limit();
        let outgoing = std::mem::replace(&mut send.body, Outgoing::None);
        let decided = match self.request.decide(outgoing, limit) {
            Ok(decided) => decided,
            Err(refused) => return self.refuse(&refused),
        };
        self.write_head(&send, decided.framing);
        self.waits = match send.observe {
            true => Awaiting::Route,
            false => Awaiting::Passing,
        };
        if let (Some(report), Some(remote)) = (send.final_report.take(), &mut self.remote) {
            calls::report(&self.shared, self.id, remote, report);
        }
        self.handed_back = decided.bytes.len() as u64;
        let (kind, gate) = (BufferType::HttpRequestBody, self.request.gate());
        let hand_backs = &self.shared.hand_backs;
        match hand_backs.put(self.id, kind, decided.bytes, gate, decided.then) {
            Back::Now => Action::Continue,
            Back::Later => Action::Pause,
        }
    }

    fn write_head(&self, send: &Send, framing: Framing) {
        let came = hostcalls::get_map_bytes(MapType::HttpRequestHeaders).unwrap_or_default();
        let mut all: Vec<(&str, &[u8])> = Vec::new();
        for (name, value) in &came {
            let kept = match name.as_str() {
                ":method" | ":path" => false,
                "content-length" | "transfer-encoding" => framing == Framing::AsReceived,
                // Envoy's own value, without which it finds no route.
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
        let length = match framing {
            Framing::Length(length) => Some(length.to_string()),
            Framing::None | Framing::AsReceived => None,
        };
        if let Some(length) = &length {
            all.push(("content-length", length.as_bytes()));
        }
        self.set_http_request_headers_bytes(all);
    }
}
