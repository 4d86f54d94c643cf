//! The state shared by all requests of a worker.

use std::rc::Rc;
use std::sync::Arc;

use scimguard_core::Guard;
use scimguard_exchange::{Reports, Setup, Strangers};

use crate::config::Cluster;
use crate::hand_back::HandBacks;
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::refusals::Refusals;

/// The state shared by all requests of a worker.
pub(crate) struct Shared {
    /// The root context, which makes the calls that outlive a request.
    pub(crate) root: u32,
    pub(crate) setup: Arc<Setup<Guard>>,
    pub(crate) strangers: Arc<Strangers>,
    pub(crate) facts: Cluster,
    pub(crate) backend: Cluster,
    pub(crate) metrics: Metrics,
    pub(crate) memory: Rc<Memory>,
    pub(crate) hand_backs: HandBacks,
    pub(crate) reports: Reports,
    pub(crate) log: Refusals,
}
