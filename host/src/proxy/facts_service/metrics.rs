//! Metrics of the facts service. Labels are the configured gateways.

use std::time::Duration;

use http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Counts of the facts service.
pub(in crate::proxy) struct FactsMetrics {
    requests: Family<Request, Counter>,
    seconds: Histogram,
    expired: Family<Name, Counter>,
    unauthenticated: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    gateway: String,
    verb: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Name {
    gateway: String,
}

impl FactsMetrics {
    pub(in crate::proxy) fn new(buckets: impl IntoIterator<Item = f64>) -> Self {
        Self {
            requests: Family::default(),
            seconds: Histogram::new(buckets),
            expired: Family::default(),
            unauthenticated: Counter::default(),
        }
    }

    pub(in crate::proxy) fn register(&self, registry: &mut Registry) {
        registry.register(
            "facts_requests",
            "Messages of gateways, by result",
            self.requests.clone(),
        );
        registry.register(
            "facts_seconds",
            "Time to answer a gateway, including waiting for other writes and the application",
            self.seconds.clone(),
        );
        registry.register(
            "facts_expired",
            "Client requests that a gateway did not end in time",
            self.expired.clone(),
        );
        registry.register(
            "facts_unauthenticated",
            "Requests to the facts service without the secret of a gateway",
            self.unauthenticated.clone(),
        );
    }

    pub(super) fn answered(
        &self,
        gateway: &str,
        verb: &'static str,
        status: StatusCode,
        taken: Duration,
    ) {
        let request = Request {
            gateway: gateway.to_owned(),
            verb,
            status: status.as_u16(),
        };
        self.requests.get_or_create(&request).inc();
        self.seconds.observe(taken.as_secs_f64());
    }

    pub(super) fn expired(&self, gateway: &str) {
        let gateway = gateway.to_owned();
        self.expired.get_or_create(&Name { gateway }).inc();
    }

    pub(super) fn unauthenticated(&self) {
        self.unauthenticated.inc();
    }
}
