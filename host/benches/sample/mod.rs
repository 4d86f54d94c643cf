//! How the benchmarks print times, and the time of their decisions.

use std::time::Duration;

/// 2026-06-01T00:00:00Z.
pub(crate) const NOW: u64 = 1_780_272_000_000;

pub(crate) fn quantile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() - 1) * percent / 100]
}

pub(crate) fn time(time: Duration) -> String {
    match time.as_micros() {
        0..10_000 => format!("{:6.1} µs", time.as_secs_f64() * 1e6),
        _ => format!("{:6.1} ms", time.as_secs_f64() * 1e3),
    }
}
