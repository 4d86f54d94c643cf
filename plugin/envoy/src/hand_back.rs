//! Puts bodies back into Envoy's buffer. If a body does not fit, Envoy answers the client at once, and that
//! answer reaches the filter before the call that put the body there has returned. But a request's callbacks
//! cannot enter the SDK while another one runs. So a callback only puts back bodies that are sure to fit; the
//! others wait for the root context, whose callbacks run outside any request.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use proxy_wasm::hostcalls;
use proxy_wasm::types::BufferType;

/// The size that is sure to fit; no usable configuration has a smaller buffer.
const SMALL: usize = 8 * 1024;

/// The time until the root context runs.
const SOON: Duration = Duration::from_millis(1);

/// Which bytes of a body may pass. Decided once, together with the framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    /// None: the filter takes each piece out of the buffer.
    Held,
    /// The body is being put back. Pieces that arrive meanwhile wait in the buffer behind it.
    HandingBack,
    /// The guard has written the framing and the whole body; later pieces are dropped.
    Complete,
    /// All, in the original framing.
    Open,
}

/// The passage of one body, shared by its request and the body being put back.
pub(crate) type Gate = Rc<Cell<Passage>>;

/// A body to put back.
struct HandBack {
    stream: u32,
    kind: BufferType,
    bytes: Vec<u8>,
    gate: Gate,
    then: Passage,
}

/// The bodies that wait for the root context.
#[derive(Default)]
pub(crate) struct HandBacks(RefCell<Vec<HandBack>>);

/// When a body is put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Back {
    Now,
    /// From the root context, which then releases the request.
    Later,
}

impl HandBacks {
    /// Puts a body before the rest of it in Envoy's buffer, and opens the gate.
    pub(crate) fn put(
        &self,
        stream: u32,
        kind: BufferType,
        bytes: Vec<u8>,
        gate: &Gate,
        then: Passage,
    ) -> Back {
        if bytes.len() <= SMALL {
            if !bytes.is_empty() {
                put(kind, &bytes);
            }
            gate.set(then);
            return Back::Now;
        }
        gate.set(Passage::HandingBack);
        self.0.borrow_mut().push(HandBack {
            stream,
            kind,
            bytes,
            gate: Rc::clone(gate),
            then,
        });
        set_tick(SOON);
        Back::Later
    }

    /// Has the root context run within this time, and no later than for a body that waits.
    pub(crate) fn wake(&self, within: Duration) {
        if self.0.borrow().is_empty() {
            set_tick(within);
        }
    }

    /// Puts all waiting bodies back. Runs in the root context.
    pub(crate) fn run(&self) {
        let waiting = std::mem::take(&mut *self.0.borrow_mut());
        for one in waiting {
            // The request may be over.
            if one.gate.get() != Passage::HandingBack
                || hostcalls::set_effective_context(one.stream).is_err()
            {
                continue;
            }
            put(one.kind, &one.bytes);
            // Envoy may have answered meanwhile.
            if one.gate.get() != Passage::HandingBack {
                continue;
            }
            one.gate.set(one.then);
            let resumed = match one.kind {
                BufferType::HttpResponseBody => hostcalls::resume_http_response(),
                _ => hostcalls::resume_http_request(),
            };
            if resumed.is_err() {
                log::error!("a request cannot be released");
            }
        }
    }
}

fn set_tick(period: Duration) {
    if hostcalls::set_tick_period(period).is_err() {
        log::error!("the root context cannot be woken");
    }
}

fn put(kind: BufferType, bytes: &[u8]) {
    if hostcalls::set_buffer(kind, 0, 0, bytes).is_err() {
        log::error!("a body cannot be put into its buffer");
    }
}
