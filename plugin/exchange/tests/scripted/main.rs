//! The exchange with a policy that says what a test says.

mod ends;
mod expected;
mod lies;
mod limits;
mod messages;
mod play;
mod refusals;
mod script;
mod sends;
mod service;
