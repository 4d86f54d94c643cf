//! The code of a request or of a settling run. It runs until it waits, and continues with a reply.
//! It depends only on its beginning and the replies, so its behaviour can be remembered, and a copy
//! of a world need not copy running code.

use std::collections::HashMap;
use std::fmt::{Debug, Write as _};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use super::calls::{Call, Desk, Marks, Reply};
use super::event::Request;
use super::guard::{Blueprint, Ended, Guard};

/// The beginning of code, and its time in milliseconds since 1970.
#[derive(Clone, Debug)]
pub(crate) enum Beginning {
    /// A client's request.
    Request(Arc<Request>, u64),
    /// A settling run.
    Round(u64),
}

/// What code does after a reply, until it waits again.
#[derive(Clone)]
pub(crate) struct Turn {
    pub(crate) then: Then,
    pub(crate) marks: Marks,
}

/// The state of code after a turn.
#[derive(Clone)]
pub(crate) enum Then {
    /// It waits for this.
    Waits(Arc<Call>),
    /// It has ended; a request with an answer.
    Ends(Option<Arc<Ended>>),
}

/// Running code.
pub(crate) struct Code {
    desk: Arc<Desk>,
    future: Pin<Box<dyn Future<Output = Option<Ended>> + Send>>,
}

/// Running code, or code of which only the replies are known that made it wait.
pub(crate) enum Work {
    Runs(Code),
    Known(Known),
}

/// The beginning and the replies that made code wait.
#[derive(Clone)]
pub(crate) struct Known {
    beginning: Beginning,
    told: Option<Arc<Told>>,
    /// A hash of the beginning and of all replies.
    pub(crate) hash: u64,
}

/// A reply, and those before it.
struct Told {
    reply: Reply,
    has_expired: bool,
    before: Option<Arc<Told>>,
}

/// What code did, by the hash of its beginning and replies.
#[derive(Default)]
pub struct Memories(Mutex<HashMap<u64, Turn>>);

/// Above this many turns, all are dropped and found out again when needed.
const MOST_MEMORIES: usize = 400_000;

// === impl Code ===

impl Code {
    /// Starts, and runs until it waits.
    pub(crate) fn begin(guard: &Arc<Guard>, beginning: &Beginning) -> (Self, Turn) {
        let desk = Arc::<Desk>::default();
        let mut code = Self {
            future: Arc::clone(guard).run(Arc::clone(&desk), beginning.clone()),
            desk,
        };
        let turn = code.run();
        (code, turn)
    }

    /// Continues with a reply.
    pub(crate) fn tell(&mut self, reply: Reply, has_expired: bool) -> Turn {
        self.desk.reply(reply, has_expired);
        self.run()
    }

    fn run(&mut self) -> Turn {
        let mut context = Context::from_waker(Waker::noop());
        let ended = self.future.as_mut().poll(&mut context);
        let (call, marks) = self.desk.take();
        let then = match (ended, call) {
            (Poll::Ready(ended), _) => Then::Ends(ended.map(Arc::new)),
            (Poll::Pending, Some(call)) => Then::Waits(Arc::new(call)),
            (Poll::Pending, None) => unreachable!("it waits for nothing of this world"),
        };
        Turn { then, marks }
    }
}

// === impl Known ===

impl Known {
    /// Starts.
    pub(crate) fn begin(
        memories: &Memories,
        blueprint: &Arc<Blueprint>,
        beginning: Beginning,
    ) -> (Self, Turn) {
        let hash = shown(&beginning);
        let known = Self {
            beginning,
            told: None,
            hash,
        };
        let turn = memories.turn(hash, || known.again(blueprint).1);
        (known, turn)
    }

    /// Continues with a reply.
    pub(crate) fn tell(
        &mut self,
        memories: &Memories,
        blueprint: &Arc<Blueprint>,
        reply: Reply,
        has_expired: bool,
    ) -> Turn {
        let mut hasher = Shown(DefaultHasher::new());
        (self.hash, has_expired).hash(&mut hasher.0);
        hasher.write(&reply);
        self.hash = hasher.0.finish();
        self.told = Some(Arc::new(Told {
            reply,
            has_expired,
            before: self.told.take(),
        }));
        memories.turn(self.hash, || self.again(blueprint).1)
    }

    /// Runs the code again with the same replies.
    fn again(&self, blueprint: &Arc<Blueprint>) -> (Code, Turn) {
        let mut all = Vec::new();
        let mut told = self.told.as_deref();
        while let Some(one) = told {
            all.push(one);
            told = one.before.as_deref();
        }
        let guard = Arc::new(Guard::start(blueprint));
        let (mut code, mut turn) = Code::begin(&guard, &self.beginning);
        for one in all.into_iter().rev() {
            turn = code.tell(one.reply.clone(), one.has_expired);
        }
        (code, turn)
    }
}

// === impl Memories ===

impl Memories {
    fn turn(&self, hash: u64, find_out: impl FnOnce() -> Turn) -> Turn {
        let turns = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns().get(&hash) {
            return turn.clone();
        }
        let turn = find_out();
        let mut turns = turns();
        if turns.len() >= MOST_MEMORIES {
            turns.clear();
        }
        turns.insert(hash, turn.clone());
        turn
    }
}

/// Hashes the debug output of values.
struct Shown(DefaultHasher);

impl Shown {
    fn write(&mut self, value: &impl Debug) {
        // Hashing cannot fail.
        let _ = write!(self, "{value:?}");
    }
}

impl std::fmt::Write for Shown {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

/// A hash of a value's debug output, for values that cannot be hashed otherwise.
pub(crate) fn shown(value: &impl Debug) -> u64 {
    let mut hasher = Shown(DefaultHasher::new());
    hasher.write(value);
    hasher.0.finish()
}
