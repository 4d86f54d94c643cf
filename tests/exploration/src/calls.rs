//! How a request's code calls out of itself: each call waits until the scheduler chooses to answer it.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use scimguard_core::BackendOutcome;
use scimguard_core::facts::{Answer, Key};
use scimguard_core::record::settlement::Step;
use scimguard_exchange::Send;
use scimguard_knowledge::{LeaseKey, Read};

/// Something that a request waits for.
#[derive(Debug)]
pub(crate) enum Call {
    /// Leases on these names.
    Lease(BTreeSet<LeaseKey>),
    /// Facts.
    Answer(Vec<Key>),
    /// A commit.
    Apply(Vec<Step>),
    /// The application's answer to a request.
    Send(Send),
    /// The application's answer to a read of the guard's own.
    Read(String),
}

/// The scheduler's answer.
pub(crate) enum Reply {
    /// The leases are held.
    Leased,
    /// They could not be had in time.
    Busy,
    /// To [`Call::Answer`].
    Answers(Vec<Answer>),
    /// It is committed.
    Done,
    /// The store failed.
    Failed,
    /// To [`Call::Send`].
    Outcome(BackendOutcome),
    /// To [`Call::Read`].
    Got(Option<Read>),
}

/// Where one request's code meets the scheduler.
#[derive(Default)]
pub(crate) struct Desk {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    call: Option<Call>,
    reply: Option<Reply>,
    /// Whether something was sent, so that the request must reach its end.
    has_sent: bool,
    /// Whether the leases of a gateway's pass have ended before the pass.
    has_expired: bool,
}

/// A call that was made.
struct Waiting {
    desk: Arc<Desk>,
    call: Option<Call>,
}

impl Desk {
    /// Calls, and waits for the scheduler.
    pub(crate) fn ask(
        self: &Arc<Self>,
        call: Call,
    ) -> impl Future<Output = Reply> + std::marker::Send + use<> {
        Waiting {
            desk: Arc::clone(self),
            call: Some(call),
        }
    }

    /// Looks at the call that waits for an answer.
    pub(crate) fn waiting<T>(&self, look: impl FnOnce(&Call) -> T) -> Option<T> {
        self.lock().call.as_ref().map(look)
    }

    /// Takes the call that waits for an answer.
    pub(crate) fn take(&self) -> Option<Call> {
        self.lock().call.take()
    }

    /// Takes the request that waits for the application's answer, if it is that what is waited for.
    pub(crate) fn take_sent(&self) -> Option<Send> {
        let mut state = self.lock();
        match state.call.take() {
            Some(Call::Send(send)) => Some(send),
            other => {
                state.call = other;
                None
            }
        }
    }

    /// Lets a request wait again.
    pub(crate) fn put_sent(&self, send: Send) {
        self.lock().call = Some(Call::Send(send));
    }

    /// Answers the call.
    pub(crate) fn reply(&self, reply: Reply) {
        let mut state = self.lock();
        state.call = None;
        state.reply = Some(reply);
    }

    /// Notes that the request must reach its end now.
    pub(crate) fn sends(&self) {
        self.lock().has_sent = true;
    }

    /// Whether something was sent, so that the request must reach its end.
    pub(crate) fn has_sent(&self) -> bool {
        self.lock().has_sent
    }

    /// Ends the leases of a gateway's pass before the pass.
    pub(crate) fn expire(&self) {
        self.lock().has_expired = true;
    }

    /// Whether the leases of the pass have ended before it.
    pub(crate) fn has_expired(&self) -> bool {
        self.lock().has_expired
    }

    /// Begins another pass.
    pub(crate) fn renew(&self) {
        self.lock().has_expired = false;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Future for Waiting {
    type Output = Reply;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Reply> {
        let call = self.call.take();
        let mut state = self.desk.lock();
        if let Some(call) = call {
            state.call = Some(call);
            return Poll::Pending;
        }
        match state.reply.take() {
            Some(reply) => Poll::Ready(reply),
            None => Poll::Pending,
        }
    }
}
