//! Explores orders of events. The whole protocol runs in one process under the scheduler of this
//! crate. Exchanges, leases, the transitions of the record and settling are the real ones; clients,
//! the application and time are small models. The crate tries every order of a few requests and
//! faults, and many random histories of many requests. It never sleeps, reads a clock, or uses the
//! network.

mod application;
mod calls;
pub mod catalogue;
mod code;
mod event;
pub mod exhaustive;
mod guard;
mod history;
mod leases;
pub mod random;
mod record;
mod sabotage;
mod store;
mod world;

pub use application::Traits;
pub use code::Memories;
pub use event::{Event, Fault, Request};
pub use guard::{Blueprint, Ended};
pub use history::{Finding, History};
pub use leases::TaskId;
pub use record::Backing;
pub use sabotage::Sabotage;
pub use world::World;
