//! How the code of a request calls out of itself: each call waits until the scheduler answers it.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use scimguard_core::BackendOutcome;
use scimguard_core::facts::{Answer, Group, Key, User};
use scimguard_core::record::settlement::Step;
use scimguard_exchange::Send;
use scimguard_knowledge::{LeaseKey, OpenIntent, OpenMembers, Read};

/// Something that a request waits for.
#[derive(Debug)]
pub(crate) enum Call {
    /// Leases on these names.
    Lease(BTreeSet<LeaseKey>),
    /// Facts.
    Answer(Vec<Key>),
    /// A commit.
    Apply(Vec<Step>),
    /// What is open. It is answered at once.
    Open(Open),
    /// The application's answer to a request.
    Send(Send),
    /// The application's answer to a read of the guard's own.
    Read(String),
}

/// An account and a key or id.
pub(crate) type Only = Option<(String, String)>;

/// A question about what is open; times are in milliseconds since 1970.
#[derive(Debug)]
pub(crate) enum Open {
    /// Creates.
    Intents(Only),
    /// Users since before a time.
    Users(u64, Only),
    /// Groups since before a time.
    Groups(u64, Only),
    /// Groups whose memberships are, since before a time.
    Members(u64),
    /// The open members of one of them.
    MembersOf(OpenMembers, u64),
    /// The group of an account and id, open or not.
    Group(String, String),
}

/// The scheduler's answer.
#[derive(Clone, Debug)]
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
    /// To [`Open::Intents`].
    Intents(Vec<OpenIntent>),
    /// To [`Open::Users`].
    Users(Vec<User>),
    /// To [`Open::Groups`].
    Groups(Vec<Group>),
    /// To [`Open::Members`].
    Members(Vec<OpenMembers>),
    /// To [`Open::MembersOf`].
    MembersOf(BTreeSet<String>),
    /// To [`Open::Group`].
    Group(Option<Group>),
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
    marks: Marks,
}

/// What the code and the scheduler tell each other beside calls and replies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// Something was sent, so that the request must reach its end.
    pub(crate) has_sent: bool,
    /// The leases of a gateway's pass have ended before the pass.
    pub(crate) has_expired: bool,
    /// The code has released its leases since it was last told something.
    pub(crate) has_released: bool,
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

    /// Answers the call. `has_expired`: the leases of the pass have ended before it.
    pub(crate) fn reply(&self, reply: Reply, has_expired: bool) {
        let mut state = self.lock();
        state.reply = Some(reply);
        state.marks.has_expired = has_expired;
        state.marks.has_released = false;
    }

    /// Takes what the code calls for, and its marks.
    pub(crate) fn take(&self) -> (Option<Call>, Marks) {
        let mut state = self.lock();
        (state.call.take(), state.marks)
    }

    /// Notes that the request must reach its end now.
    pub(crate) fn sends(&self) {
        self.lock().marks.has_sent = true;
    }

    /// Whether the leases of the pass have ended before it.
    pub(crate) fn has_expired(&self) -> bool {
        self.lock().marks.has_expired
    }

    /// Begins another pass.
    pub(crate) fn renew(&self) {
        self.lock().marks.has_expired = false;
    }

    /// Releases what the code holds.
    pub(crate) fn release(&self) {
        self.lock().marks.has_released = true;
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
