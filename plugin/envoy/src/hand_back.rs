//! Bodies on their way back into the gateway's buffer. What does not fit there makes Envoy answer the
//! client at once, from inside the call that put it there, and that answer comes to the filter while
//! the call has not returned. The SDK cannot be entered by the callbacks of a request while one of
//! them runs. So only what surely fits is put back there; the rest waits for the root context, in
//! whose callbacks no request is busy.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use proxy_wasm::hostcalls;
use proxy_wasm::types::BufferType;

/// What surely fits: no gateway that is of use has a smaller buffer.
const SMALL: usize = 8 * 1024;

/// The next moment of the root context.
const SOON: Duration = Duration::from_millis(1);

/// What of a body may pass. Framing and passage are decided together, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    /// Nothing: the filter takes each piece out of the buffer.
    Held,
    /// It is being handed back. What comes meanwhile waits in the buffer behind it.
    HandingBack,
    /// The guard has written the framing and the whole body: whatever comes later is dropped.
    Complete,
    /// As it comes, in the framing that it came with.
    Open,
}

/// The passage of one body, which its request and what is handed back of it both know.
pub(crate) type Gate = Rc<Cell<Passage>>;

/// A body that is handed back.
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

/// When a body is back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Back {
    Now,
    /// What is held is let go from the root context.
    Later,
}

impl HandBacks {
    /// Puts a body in front of what the gateway's buffer holds of it, and opens the gate.
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
        if hostcalls::set_tick_period(SOON).is_err() {
            log::error!("a body cannot be handed back");
        }
        Back::Later
    }

    /// In the root context: puts all of them back.
    pub(crate) fn run(&self) {
        let waiting = std::mem::take(&mut *self.0.borrow_mut());
        for one in waiting {
            // Its request may be over.
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
                log::error!("a request cannot be let go");
            }
        }
    }
}

fn put(kind: BufferType, bytes: &[u8]) {
    if hostcalls::set_buffer(kind, 0, 0, bytes).is_err() {
        log::error!("a body cannot be put into its buffer");
    }
}
