//! The metrics at `/metrics`. Labels are rules, kinds, names in the configuration, and accounts that the
//! store or a good token names; never a token's id, a path, a person or anything else that a client sent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, prometheus_text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::Proxy;
use super::facts_service::metrics::FactsMetrics;
use super::log::DecisionEntry;
use super::slots::metrics::AllConnections;
use scimguard_store as store;
use scimguard_store::now;

pub(crate) const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// How long before it expires a token is reported.
const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// Counts of this process, and the store's counts at the time of a request.
pub(super) struct Metrics {
    registry: Registry,
    decisions: Family<Decision, Counter>,
    decision: Histogram,
    backend: Histogram,
    limited: Family<Account, Counter>,
    slowed: Counter,
    /// How many of those are already logged.
    logged: AtomicU64,
    expiring: Family<Account, Gauge>,
    open: Family<Open, Gauge>,
    stale: Family<Stale, Gauge>,
    pub(super) facts: FactsMetrics,
    pub(super) connections: AllConnections,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Decision {
    decision: &'static str,
    /// Empty unless a rule refused.
    rule: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Account {
    account: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Open {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Stale {
    /// A name in the configuration.
    what: String,
}

impl Metrics {
    pub(super) fn new() -> Self {
        // From the time of a decision to that of an application.
        let buckets = [
            0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
            1.0, 2.5, 5.0, 10.0, 30.0,
        ];
        let mut metrics = Self {
            registry: Registry::with_prefix("scimguard"),
            decisions: Family::default(),
            decision: Histogram::new(buckets),
            backend: Histogram::new(buckets),
            limited: Family::default(),
            slowed: Counter::default(),
            logged: AtomicU64::default(),
            expiring: Family::default(),
            open: Family::default(),
            stale: Family::default(),
            facts: FactsMetrics::new(buckets),
            connections: AllConnections::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "decisions",
            "Requests, by what was decided and the rule that refused",
            self.decisions.clone(),
        );
        registry.register(
            "decision_seconds",
            "Time of a request in the guard, without that of the application",
            self.decision.clone(),
        );
        registry.register(
            "backend_seconds",
            "Time that the application took for a request",
            self.backend.clone(),
        );
        registry.register(
            "rate_limited",
            "Requests with a good token that were refused because their account sent too many",
            self.limited.clone(),
        );
        registry.register(
            "slowed_failures",
            "Requests with a wrong credential that were refused because too many were wrong",
            self.slowed.clone(),
        );
        registry.register(
            "tokens_expiring",
            "The guard's own tokens that expire within 14 days",
            self.expiring.clone(),
        );
        registry.register(
            "open_outcomes",
            "Writes whose outcome nobody has seen yet, and membership changes to be repeated",
            self.open.clone(),
        );
        registry.register(
            "stale",
            "1 for each credential or table of certificates that cannot be read again",
            self.stale.clone(),
        );
        self.facts.register(registry);
        self.connections.register(registry);
    }

    /// Counts decisions that are not in the log.
    pub(super) fn unrecorded(&mut self, count: Counter) {
        self.registry.register(
            "unrecorded_decisions",
            "Decisions that were not recorded because too many waited, or the log failed",
            count,
        );
    }

    pub(super) fn decided(&self, line: &DecisionEntry) {
        let rule = line.rule.as_deref().map_or("", |id| {
            // Other policies may have any number of rules.
            let known = scimguard_core::rules().find(|rule| rule.id == id);
            known.map_or("other", |rule| rule.id)
        });
        let decision = line.decision;
        self.decisions
            .get_or_create(&Decision { decision, rule })
            .inc();
        let whole = line.started.elapsed();
        self.decision
            .observe(whole.saturating_sub(line.backend).as_secs_f64());
        if !line.backend.is_zero() {
            self.backend.observe(line.backend.as_secs_f64());
        }
    }

    /// Counts a refusal of an account that sent too much.
    pub(super) fn limited(&self, account: &str) {
        let account = account.to_owned();
        self.limited.get_or_create(&Account { account }).inc();
    }

    /// Counts one more wrong credential after too many.
    pub(super) fn slowed(&self) {
        self.slowed.inc();
    }

    /// Logs how many wrong credentials were not logged one by one.
    pub(super) fn log_slowed(&self) {
        let all = self.slowed.get();
        let count = all.saturating_sub(self.logged.swap(all, Ordering::Relaxed));
        if count > 0 {
            tracing::warn!(
                count,
                "requests with wrong credentials, after too many of them"
            );
        }
    }
}

impl Proxy {
    /// The text of `/metrics`.
    pub(crate) async fn metrics_text(&self) -> Result<String, store::Error> {
        let now = now();
        let soon = now.saturating_add(u64::try_from(SOON.as_millis()).unwrap_or(u64::MAX));
        let expiring = self.store.expiring_tokens(now, soon).await?;
        let open = self.store.open_counts().await?;
        let metrics = &self.metrics;
        metrics.expiring.clear();
        for (account, count) in expiring {
            metrics
                .expiring
                .get_or_create(&Account { account })
                .set(count);
        }
        for (kind, count) in open {
            metrics.open.get_or_create(&Open { kind }).set(count);
        }
        metrics.stale.clear();
        for what in self.stale() {
            let what = what.to_owned();
            metrics.stale.get_or_create(&Stale { what }).set(1);
        }
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = prometheus_text::encode(&mut text, &metrics.registry);
        Ok(text)
    }
}
