//! Counters and times in Envoy's metrics: how often each rule decided, and how long it took. They contain
//! names of rules only, nothing from a request.

use std::cell::RefCell;
use std::collections::BTreeMap;

use proxy_wasm::hostcalls;
use proxy_wasm::types::MetricType;

/// The metrics of one worker.
#[derive(Default)]
pub(crate) struct Metrics {
    counters: RefCell<BTreeMap<String, u32>>,
    decided: Option<u32>,
}

impl Metrics {
    /// Defines the metrics that always exist.
    pub(crate) fn new() -> Self {
        let name = "scimguard.decision_microseconds";
        Self {
            counters: RefCell::default(),
            decided: hostcalls::define_metric(MetricType::Histogram, name).ok(),
        }
    }

    /// Counts a decision to forward, and how long it took.
    pub(crate) fn forwarded(&self, microseconds: u64) {
        self.count("scimguard.forwarded".to_owned());
        self.took(microseconds);
    }

    /// Counts a refusal by its rule.
    pub(crate) fn refused(&self, rule: &str, microseconds: u64) {
        self.count(format!("scimguard.refused.{}", rule.replace('.', "_")));
        self.took(microseconds);
    }

    /// Counts an answer of the application that was replaced.
    pub(crate) fn replaced(&self, rule: &str) {
        self.count(format!("scimguard.answer.{}", rule.replace('.', "_")));
    }

    fn count(&self, name: String) {
        let mut counters = self.counters.borrow_mut();
        let id = match counters.get(&name) {
            Some(id) => *id,
            None => match hostcalls::define_metric(MetricType::Counter, &name) {
                Ok(id) => {
                    counters.insert(name, id);
                    id
                }
                Err(_) => return,
            },
        };
        if hostcalls::increment_metric(id, 1).is_err() {
            log::warn!("a counter cannot be increased");
        }
    }

    fn took(&self, microseconds: u64) {
        if let Some(id) = self.decided
            && hostcalls::record_metric(id, microseconds).is_err()
        {
            log::warn!("a time cannot be recorded");
        }
    }
}
