//! How many connections the system has room for.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors reserved for everything but connections: databases, files, listeners, standard streams.
const OTHERS: u64 = 192;

/// More connections than any identity provider and its administrators open.
const ENOUGH: u64 = 8192;

/// Stands for no limit by the system.
const UNLIMITED: u64 = 1024 * 1024;

/// Raises the process's limit of descriptors to the most that the system allows.
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

/// The default number of connections to one address. A client's may need another one to the
/// application, and gateways may open as many as clients.
pub(crate) fn default_connections() -> usize {
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(UNLIMITED);
    let share = descriptors.saturating_sub(OTHERS) / 3;
    usize::try_from(share.clamp(16, ENOUGH)).unwrap_or(usize::MAX)
}
