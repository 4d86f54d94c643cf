//! The filter in a stock Envoy: what it decides, byte for byte, and what it bears.

mod corpus;
mod peers;
mod raw;
mod suites;
