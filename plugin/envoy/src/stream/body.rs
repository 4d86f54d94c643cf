//! Bodies: received piece by piece from Envoy's buffer, so that the policy's limits apply instead of
//! Envoy's, and passed on. The decision made with the framing (RFC 9112 §6) governs each piece; bytes
//! are passed on nowhere else.

use std::cell::Cell;
use std::rc::Rc;

use proxy_wasm::hostcalls;
use proxy_wasm::types::{Action, BufferType};
use scimguard_core::Body;
use scimguard_core::message::AnswerBody;
use scimguard_exchange::{Outgoing, Refused};

use crate::calls;
use crate::hand_back::{Gate, Passage};
use crate::memory::Share;

/// How many further bytes of an oversized body are read before it is refused, since a client may not read
/// the answer while it is sending.
const SPARE: u64 = 8 << 20;

/// The body of a request, or of its answer.
pub(super) struct Incoming {
    kind: BufferType,
    kept: Vec<u8>,
    /// Bytes received, kept or not.
    came: u64,
    /// Whether there was no room for all of it.
    full: bool,
    /// Whether the message has a body, perhaps an empty one.
    is_there: bool,
    /// Whether it has arrived completely.
    ended: bool,
    /// Whether some of it, or its end, was in Envoy's buffer, so that it can be replaced there.
    replaceable: bool,
    gate: Gate,
}

/// The framing of a message, decided together with its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// No body.
    None,
    /// The guard's own body of this length.
    Length(usize),
    /// The client's framing.
    AsReceived,
}

/// The body to pass on, and its framing.
pub(super) struct Decided {
    pub(super) framing: Framing,
    pub(super) bytes: Vec<u8>,
    /// The passage once these bytes are put back.
    pub(super) then: Passage,
}

impl Incoming {
    /// A body of which nothing has arrived.
    pub(super) fn new(kind: BufferType) -> Self {
        Self {
            kind,
            kept: Vec::new(),
            came: 0,
            full: false,
            is_there: false,
            ended: false,
            replaceable: false,
            gate: Rc::new(Cell::new(Passage::Held)),
        }
    }

    /// Notes that the head has arrived, and whether that is all (`ended`).
    pub(super) fn begin(&mut self, ended: bool) {
        self.is_there = !ended;
        self.ended = ended;
    }

    /// Handles a piece in Envoy's buffer, which holds this many bytes: lets it pass, keeps it, or drops it.
    pub(super) fn piece(
        &mut self,
        size: usize,
        ended: bool,
        limit: u64,
        share: &mut Share,
    ) -> Action {
        self.replaceable = true;
        self.ended |= ended;
        match self.gate.get() {
            Passage::Open => Action::Continue,
            Passage::HandingBack => Action::Pause,
            Passage::Complete => {
                self.drain(size);
                Action::Continue
            }
            Passage::Held => {
                self.keep(size, limit, share);
                Action::Pause
            }
        }
    }

    fn keep(&mut self, size: usize, limit: u64, share: &mut Share) {
        if size == 0 {
            return;
        }
        // Bytes beyond the limit are only counted.
        let room = usize::try_from(limit)
            .unwrap_or(usize::MAX)
            .saturating_sub(self.kept.len());
        let wanted = size.min(room);
        if self.full || share.take(wanted).is_err() {
            self.full = true;
        } else if wanted > 0 {
            let chunk = hostcalls::get_buffer(self.kind, 0, wanted).unwrap_or_default();
            self.kept.extend_from_slice(&chunk.unwrap_or_default());
        }
        self.came = self.came.saturating_add(size as u64);
        self.drain(size);
    }

    fn drain(&self, size: usize) {
        if size > 0 && hostcalls::set_buffer(self.kind, 0, size, &[]).is_err() {
            log::error!("a body cannot be taken out of its buffer");
        }
    }

    /// Whether there was no room for all that has arrived.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// Whether more than this has arrived.
    pub(super) fn is_beyond(&self, limit: u64) -> bool {
        self.came > limit
    }

    /// Whether the body can be replaced in Envoy's buffer.
    pub(super) fn is_replaceable(&self) -> bool {
        self.replaceable
    }

    /// The passage of its bytes.
    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The request's body, once all of it or far too much has arrived.
    pub(super) fn of_request(&mut self, limit: u64) -> Option<Body> {
        match self.came {
            came if came > limit.saturating_add(SPARE) => Some(Body::OverLimit),
            _ if !self.ended => None,
            0 => Some(Body::None),
            came if came > limit => Some(Body::OverLimit),
            _ => Some(Body::Bytes(std::mem::take(&mut self.kept))),
        }
    }

    /// The answer's body, once all of it has arrived.
    pub(super) fn of_answer(&mut self, limit: u64) -> AnswerBody {
        calls::limited(std::mem::take(&mut self.kept), self.came, limit)
    }

    /// Decides the framing of a request together with the body to pass on.
    pub(super) fn decide(&mut self, outgoing: Outgoing, limit: u64) -> Result<Decided, Refused> {
        match outgoing {
            Outgoing::None => {
                // Whatever the client still sends is dropped; only the end passes.
                let framing = match self.is_there {
                    true => Framing::Length(0),
                    false => Framing::None,
                };
                Ok(Decided::new(framing, Vec::new(), Passage::Complete))
            }
            Outgoing::Whole(bytes) if self.replaceable => {
                let framing = Framing::Length(bytes.len());
                Ok(Decided::new(framing, bytes, Passage::Complete))
            }
            Outgoing::Whole(_) => {
                log::error!("the policy gives a body to a request without one");
                Err(Refused::trapped())
            }
            // The bytes that arrived while facts were looked up go first, if all of them were kept.
            Outgoing::AsItComes if self.kept.len() as u64 == self.came => {
                let kept = std::mem::take(&mut self.kept);
                Ok(Decided::new(Framing::AsReceived, kept, Passage::Open))
            }
            Outgoing::AsItComes => Err(Refused::too_large(limit)),
        }
    }
}

impl Decided {
    fn new(framing: Framing, bytes: Vec<u8>, then: Passage) -> Self {
        Self {
            framing,
            bytes,
            then,
        }
    }
}
