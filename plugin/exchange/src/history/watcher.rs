//! Records the policy's decisions in an exchange.

use scimguard_core::history::Decided;
use scimguard_core::{Normalisation, Outcome, Verdict};

use scimguard_interface::Given;

use crate::Witness;

/// The decisions in order.
#[derive(Default)]
pub(super) struct Watcher {
    pub(super) stops: Vec<Decided>,
    pub(super) changes: Vec<Normalisation>,
    /// Why the policy's answer was rejected.
    pub(super) trapped: Option<String>,
}

impl Witness for Watcher {
    fn decided(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Need(_) => {}
            Verdict::Forward(forward) => {
                self.changes.extend_from_slice(&forward.changes);
                self.stops.push(Decided::Forward(forward.clone()));
            }
            Verdict::Proceed(proceed) => self.changes.extend_from_slice(&proceed.changes),
            Verdict::Reject(reject) => {
                self.changes.extend_from_slice(&reject.changes);
                self.stops.push(Decided::Reject(reject.clone()));
            }
        }
    }

    fn observed(&mut self, _: Given<'_>, _: bool, outcome: &Outcome) {
        match outcome {
            Outcome::Need(_) => {}
            Outcome::Forward(forward) => {
                self.changes.extend_from_slice(&forward.changes);
                self.stops.push(Decided::Forward(forward.clone()));
            }
            Outcome::Proceed(proceed) => self.changes.extend_from_slice(&proceed.changes),
            Outcome::Respond(respond) => self.stops.push(Decided::Respond(respond.clone())),
        }
    }

    fn trapped(&mut self, why: &str) {
        self.trapped = Some(why.to_owned());
    }
}
