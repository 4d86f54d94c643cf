//! The filter in a stock Envoy: what it decides, byte for byte, what it bears, and how it is configured.

mod buffers;
mod calls;
mod compared;
mod corpus;
mod departures;
mod differential;
mod examples;
mod mesh;
mod outage;
mod peers;
mod pieced;
mod pieces;
mod raw;
mod reload;
mod sharing;
mod silence;
mod suites;
mod trapped;
mod two_ways;
mod waiting;
mod ways;
