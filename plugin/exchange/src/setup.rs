//! What all exchanges of one policy share.

use std::sync::atomic::{AtomicU64, Ordering};

use scimguard_interface::Policy;

use crate::ScimPaths;

/// What an unknown buffer takes for certain.
const UNKNOWN_ROOM: u64 = 8 * 1024;

/// No buffer is this large: its size is unknown.
const NOT_KNOWN: u64 = u64::MAX;

/// A policy, and what is decided beside it.
pub struct Setup<P: ?Sized> {
    pub(crate) paths: ScimPaths,
    pub(crate) annotate: bool,
    pub(crate) lends: bool,
    /// The fact of the token is there before the policy asks for it.
    pub(crate) foresees: bool,
    /// What the buffer takes that bodies pass through.
    room: AtomicU64,
    pub(crate) policy: P,
}

impl<P: Policy> Setup<P> {
    /// Around a policy. `annotate`: the answers of management reads say what of them a provider owns.
    #[must_use]
    pub fn new(policy: P, annotate: bool) -> Self {
        Self {
            paths: ScimPaths::new(policy.settings()),
            policy,
            annotate,
            lends: false,
            foresees: false,
            room: AtomicU64::new(NOT_KNOWN),
        }
    }

    /// A request with a verified token is sent with a credential of the guard's own.
    #[must_use]
    pub fn lending(self, lends: bool) -> Self {
        Self { lends, ..self }
    }

    /// A SCIM request's token is looked up before the policy asks for it: facts are near, and a call of
    /// the policy is saved.
    #[must_use]
    pub fn foreseeing(self) -> Self {
        Self {
            foresees: true,
            ..self
        }
    }
}

impl<P: Policy + ?Sized> Setup<P> {
    /// Whether the answers of management reads say what of them a provider owns.
    #[must_use]
    pub fn annotates(&self) -> bool {
        self.annotate
    }

    /// Sets what the buffer takes that bodies pass through: a larger body is refused before anything is
    /// recorded of it.
    pub fn set_room(&self, bytes: u64) {
        self.room.store(bytes, Ordering::Relaxed);
    }

    /// What the buffer takes for certain, in bytes.
    #[must_use]
    pub fn room(&self) -> u64 {
        self.known_room().unwrap_or(UNKNOWN_ROOM)
    }

    pub(crate) fn known_room(&self) -> Option<u64> {
        let room = self.room.load(Ordering::Relaxed);
        (room != NOT_KNOWN).then_some(room)
    }

    /// Where SCIM is.
    #[must_use]
    pub fn paths(&self) -> &ScimPaths {
        &self.paths
    }

    /// The largest request body that is read, in bytes.
    #[must_use]
    pub fn body_limit(&self) -> u64 {
        self.policy.settings().body_limit
    }

    /// The largest answer that is judged, in bytes.
    #[must_use]
    pub fn answer_limit(&self) -> u64 {
        self.policy.settings().answer_limit
    }
}
