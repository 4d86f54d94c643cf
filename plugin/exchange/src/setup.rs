//! The state shared by all exchanges of one policy.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use scimguard_interface::Policy;

use crate::{ScimPaths, Strangers};

/// The size that every buffer has at least.
const UNKNOWN_ROOM: u64 = 8 * 1024;

/// Stands for an unknown buffer size.
const NOT_KNOWN: u64 = u64::MAX;

/// A policy with its host's settings.
pub struct Setup<P: ?Sized> {
    pub(crate) paths: ScimPaths,
    pub(crate) annotate: bool,
    pub(crate) lends: bool,
    /// Whether the token's fact is looked up before the policy asks for it.
    pub(crate) foresees: bool,
    /// What is remembered of clients, so that a write's facts are asked for at once.
    pub(crate) expects: Option<Arc<Strangers>>,
    /// The size of the buffer that bodies pass through.
    room: AtomicU64,
    pub(crate) policy: P,
}

impl<P: Policy> Setup<P> {
    /// Sets up a policy. With `annotate`, answers of management reads name what a provider owns.
    #[must_use]
    pub fn new(policy: P, annotate: bool) -> Self {
        Self {
            paths: ScimPaths::new(policy.settings()),
            policy,
            annotate,
            lends: false,
            foresees: false,
            expects: None,
            room: AtomicU64::new(NOT_KNOWN),
        }
    }

    /// Sets whether requests with a verified token are sent with the guard's own credential.
    #[must_use]
    pub fn lending(self, lends: bool) -> Self {
        Self { lends, ..self }
    }

    /// Looks up a SCIM request's token before the policy asks for it. This saves a call of the policy where
    /// looking up facts is cheap.
    #[must_use]
    pub fn foreseeing(self) -> Self {
        Self {
            foresees: true,
            ..self
        }
    }

    /// Expects the token of a write to be what it was when it was last good, and asks for it together with
    /// what the policy then asks for. This saves a question where each costs a call to the facts service. The
    /// policy decides on the service's answer alone.
    #[must_use]
    pub fn expecting(self, strangers: Arc<Strangers>) -> Self {
        Self {
            expects: Some(strangers),
            ..self
        }
    }
}

impl<P: Policy + ?Sized> Setup<P> {
    /// Whether answers of management reads name what a provider owns.
    #[must_use]
    pub fn annotates(&self) -> bool {
        self.annotate
    }

    /// Sets the size of the buffer that bodies pass through. Larger bodies are refused before anything is
    /// recorded.
    pub fn set_room(&self, bytes: u64) {
        self.room.store(bytes.min(NOT_KNOWN - 1), Ordering::Relaxed);
    }

    /// The size in bytes that the buffer has at least.
    #[must_use]
    pub fn room(&self) -> u64 {
        self.known_room().unwrap_or(UNKNOWN_ROOM)
    }

    pub(crate) fn known_room(&self) -> Option<u64> {
        let room = self.room.load(Ordering::Relaxed);
        (room != NOT_KNOWN).then_some(room)
    }

    /// The paths of SCIM.
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
