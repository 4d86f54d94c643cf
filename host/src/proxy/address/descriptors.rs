//! How many connections the system has room for.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors for everything but connections: databases, files, listeners, standard streams.
const OTHERS: u64 = 192;

/// More connections than any identity provider and its administrators open.
const ENOUGH: u64 = 8192;

/// Without any limit of the system.
const UNLIMITED: u64 = 1024 * 1024;

/// Lets the process have as many descriptors as the system allows it.
pub fn raise_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if limit.current == limit.maximum {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    }
}

/// How many connections to one address there may be if nobody says so. A client's may need another one
/// to the application, and gateways have as many as clients.
pub(crate) fn default_connections() -> usize {
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(UNLIMITED);
    let share = descriptors.saturating_sub(OTHERS) / 3;
    usize::try_from(share.clamp(16, ENOUGH)).unwrap_or(usize::MAX)
}
