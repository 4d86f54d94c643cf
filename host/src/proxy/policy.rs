//! The policy that decides requests.

use scimguard_exchange::Refused;
use scimguard_interface::Pass;

use crate::engine::Fault;

/// A policy that threads share. A call may block for as long as a decision takes.
pub trait Policy:
    scimguard_interface::Policy<Fault = Fault, Pass = Box<dyn Pass<Fault = Fault> + Send>>
    + Send
    + Sync
    + 'static
{
}

impl<P> Policy for P where
    P: scimguard_interface::Policy<Fault = Fault, Pass = Box<dyn Pass<Fault = Fault> + Send>>
        + Send
        + Sync
        + 'static
{
}

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
