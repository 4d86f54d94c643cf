//! A body as it comes: taken out of the gateway's buffer piece by piece, so that the policy's limits
//! hold and not the gateway's.

use proxy_wasm::hostcalls;
use proxy_wasm::types::BufferType;
use scimguard_core::Body;
use scimguard_core::message::AnswerBody;

use crate::calls;

/// How much of a body that is too large is still read before it is refused: a client that is sending
/// may not read the answer before it is done.
const SPARE: u64 = 8 << 20;

/// Of the request first, then of its answer.
#[derive(Default)]
pub(super) struct Incoming {
    kept: Vec<u8>,
    /// How much has come, kept or not.
    came: u64,
    /// All of it has come.
    pub(super) ended: bool,
    /// There is one that can be replaced.
    pub(super) replaceable: bool,
}

impl Incoming {
    /// Takes what has come out of the gateway's buffer.
    pub(super) fn take(&mut self, kind: BufferType, size: usize, limit: u64) {
        if size == 0 {
            return;
        }
        let chunk = hostcalls::get_buffer(kind, 0, size).unwrap_or_default();
        let chunk = chunk.unwrap_or_default();
        self.came = self.came.saturating_add(chunk.len() as u64);
        // What is beyond the limit is not kept: it is only known to be too much.
        let room = usize::try_from(limit)
            .unwrap_or(usize::MAX)
            .saturating_sub(self.kept.len());
        self.kept.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if hostcalls::set_buffer(kind, 0, size, &[]).is_err() {
            log::error!("a body cannot be taken out of its buffer");
        }
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

    /// What was taken and nobody has read, to be put back. `None`: some of it is gone.
    pub(super) fn unread(&mut self) -> Option<Vec<u8>> {
        let kept = std::mem::take(&mut self.kept);
        (kept.len() as u64 == self.came).then_some(kept)
    }
}
