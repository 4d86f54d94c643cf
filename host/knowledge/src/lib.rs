//! How a guard comes to know what it decides by: facts from one state of the record, under leases on
//! what a write names; look-ups at the application where the record does not know; and, later, what
//! became of everything whose outcome nobody saw.
//!
//! Nothing here does I/O. The record, the application and the leases are traits, so that the host runs
//! this with a database and sockets, and a test in any order that it chooses.

mod facts;
mod leases;
mod lookup;
mod ports;
mod settle;

pub use facts::{Pass, Sources, TooMany};
pub use leases::{Busy, LeaseKey, Leases, names};
pub use lookup::{Application, Lookups, Read};
pub use ports::{OpenIntent, OpenMembers, Store};
pub use settle::Settling;
