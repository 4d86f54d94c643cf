//! A body as it comes: taken out of the gateway's buffer piece by piece, so that the policy's limits
//! hold and not the gateway's; and as it goes on. Each piece passes by what was decided of the body
//! when its framing was written (RFC 9112 §6): there is no other place where bytes go on.

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

/// How much of a body that is too large is still read before it is refused: a client that is sending
/// may not read the answer before it is done.
const SPARE: u64 = 8 << 20;

/// The body of a request, or of its answer.
pub(super) struct Incoming {
    kind: BufferType,
    kept: Vec<u8>,
    /// How much has come, kept or not.
    came: u64,
    /// There was no room for all of it.
    full: bool,
    /// The message has a body, perhaps an empty one.
    is_there: bool,
    /// All of it has come.
    ended: bool,
    /// Some of it, or its end, was in the gateway's buffer: something can be put there.
    replaceable: bool,
    gate: Gate,
}

/// How a message is framed whose body was decided with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// It has no body.
    None,
    /// The guard's own body, which has this length.
    Length(usize),
    /// The client's own.
    AsReceived,
}

/// What goes on of a body, and in which framing.
pub(super) struct Decided {
    pub(super) framing: Framing,
    pub(super) bytes: Vec<u8>,
    /// The passage when these bytes are back.
    pub(super) then: Passage,
}

impl Incoming {
    /// One that nothing has come of.
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

    /// The head has come; `ended`: nothing else will.
    pub(super) fn begin(&mut self, ended: bool) {
        self.is_there = !ended;
        self.ended = ended;
    }

    /// A piece is in the gateway's buffer, which holds so many bytes: lets it pass, keeps it, or drops
    /// it.
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
        // What is beyond the limit is not kept: it is only known to be too much.
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

    /// There was no room for what has come.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// More has come than this.
    pub(super) fn is_beyond(&self, limit: u64) -> bool {
        self.came > limit
    }

    /// Something can be put into the gateway's buffer.
    pub(super) fn is_replaceable(&self) -> bool {
        self.replaceable
    }

    /// The passage of its bytes.
    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The request's, once all of it or far too much has come.
    pub(super) fn of_request(&mut self, limit: u64) -> Option<Body> {
        match self.came {
            came if came > limit.saturating_add(SPARE) => Some(Body::OverLimit),
            _ if !self.ended => None,
            0 => Some(Body::None),
            came if came > limit => Some(Body::OverLimit),
            _ => Some(Body::Bytes(std::mem::take(&mut self.kept))),
        }
    }

    /// The answer's, of which all has come.
    pub(super) fn of_answer(&mut self, limit: u64) -> AnswerBody {
        calls::limited(std::mem::take(&mut self.kept), self.came, limit)
    }

    /// Decides the framing of a request and what of its body goes on, both at once.
    pub(super) fn decide(&mut self, outgoing: Outgoing, limit: u64) -> Result<Decided, Refused> {
        match outgoing {
            Outgoing::None => {
                // A client that is still sending sends into nothing; its end is all that passes.
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
            // What came while facts were asked for goes first, if nobody has thrown any of it away.
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
