//! The policy that requests are decided by.

use scimguard_exchange::Refused;

use crate::engine::Fault;

/// A policy that threads share. A call may block for as long as a decision takes.
pub trait Policy: scimguard_exchange::Policy<Fault = Fault> + Send + Sync + 'static {}

impl<P: scimguard_exchange::Policy<Fault = Fault> + Send + Sync + 'static> Policy for P {}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Trapped(_) => Self::trapped(),
            Fault::Timeout => Self::new(
                "plugin.timeout",
                "The policy took too long for this request. Send less at once, or repeat it later.",
            ),
        }
    }
}
