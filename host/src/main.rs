//! The gateway host.
fn main() {}
