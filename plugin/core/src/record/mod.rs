//! What the host stores: the only way in which the ownership record changes.

mod apply;
pub mod settlement;
pub mod transition;

pub use scimguard_interface::record::*;
