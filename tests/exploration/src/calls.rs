//! The calls that the code of a request makes. Each waits until the scheduler replies.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use scimguard_core::BackendOutcome;
use scimguard_core::facts::{Answer, Group, Key, User};
use scimguard_core::record::settlement::Step;
use scimguard_exchange::Send;
use scimguard_knowledge::{LeaseKey, OpenIntent, OpenMembers, Read};

/// What a request waits for.
#[derive(Debug)]
pub(crate) enum Call {
    /// Leases on these names.
    Lease(BTreeSet<LeaseKey>),
    /// Facts.
    Answer(Vec<Key>),
    /// A commit.
    Apply(Vec<Step>),
    /// A list of open outcomes. The scheduler replies at once.
    Open(Open),
    /// The application's answer to a request.
    Send(Send),
    /// The application's answer to a read by the guard itself.
    Read(String),
}

/// An account and a key or id.
pub(crate) type Only = Option<(String, String)>;

/// A question about open outcomes; times are in milliseconds since 1970.
#[derive(Debug)]
pub(crate) enum Open {
    /// Creates.
    Intents(Only),
    /// Users that have been open since before a time.
    Users(u64, Only),
    /// Groups that have been open since before a time.
    Groups(u64, Only),
    /// Groups with memberships that have been open since before a time.
    Members(u64),
    /// The open members of one of them.
    MembersOf(OpenMembers, u64),
    /// The group of an account and id, open or not.
    Group(String, String),
}

/// The scheduler's reply.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// The leases are held.
    Leased,
    /// The leases were not available in time.
    Busy,
    /// The reply to [`Call::Answer`].
    Answers(Vec<Answer>),
    /// The commit succeeded.
    Done,
    /// The store failed.
    Failed,
    /// The reply to [`Open::Intents`].
    Intents(Vec<OpenIntent>),
    /// The reply to [`Open::Users`].
    Users(Vec<User>),
    /// The reply to [`Open::Groups`].
    Groups(Vec<Group>),
    /// The reply to [`Open::Members`].
    Members(Vec<OpenMembers>),
    /// The reply to [`Open::MembersOf`].
    MembersOf(BTreeSet<String>),
    /// The reply to [`Open::Group`].
    Group(Option<Group>),
    /// The reply to [`Call::Send`].
    Outcome(BackendOutcome),
    /// The reply to [`Call::Read`].
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

/// What the code and the scheduler exchange besides calls and replies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// Something was sent, so the request must finish.
    pub(crate) has_sent: bool,
    /// The leases of a gateway's pass expired before the pass ended.
    pub(crate) has_expired: bool,
    /// The code has released its leases since the last reply.
    pub(crate) has_released: bool,
}

/// A pending call.
struct Waiting {
    desk: Arc<Desk>,
    call: Option<Call>,
}

impl Desk {
    /// Makes a call and waits for the scheduler's reply.
    pub(crate) fn ask(
        self: &Arc<Self>,
        call: Call,
    ) -> impl Future<Output = Reply> + std::marker::Send + use<> {
        Waiting {
            desk: Arc::clone(self),
            call: Some(call),
        }
    }

    /// Replies to the call. `has_expired`: the leases of the pass expired before it ended.
    pub(crate) fn reply(&self, reply: Reply, has_expired: bool) {
        let mut state = self.lock();
        state.reply = Some(reply);
        state.marks.has_expired = has_expired;
        state.marks.has_released = false;
    }

    /// Takes the pending call and the marks.
    pub(crate) fn take(&self) -> (Option<Call>, Marks) {
        let mut state = self.lock();
        (state.call.take(), state.marks)
    }

    /// Notes that the request must now finish.
    pub(crate) fn sends(&self) {
        self.lock().marks.has_sent = true;
    }

    /// Whether the leases of the pass expired before it ended.
    pub(crate) fn has_expired(&self) -> bool {
        self.lock().marks.has_expired
    }

    /// Starts another pass.
    pub(crate) fn renew(&self) {
        self.lock().marks.has_expired = false;
    }

    /// Releases the leases of the code.
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
