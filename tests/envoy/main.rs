//! The filter in a stock Envoy: what it decides, byte for byte, what it bears, and how it is configured.

mod corpus;
mod examples;
mod mesh;
mod peers;
mod raw;
mod running;
mod suites;
