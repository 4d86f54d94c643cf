//! The filter in a stock Envoy: what it decides, byte for byte, and what it bears.

mod compared;
mod corpus;
mod departures;
mod outage;
mod peers;
mod pieced;
mod pieces;
mod raw;
mod reload;
mod sharing;
mod suites;
mod trapped;
mod two_ways;
mod ways;
