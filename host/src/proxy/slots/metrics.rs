//! Metrics of connections.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The counts of all addresses.
#[derive(Default)]
pub(crate) struct AllConnections {
    open: Family<Address, Gauge>,
    ended: Family<Ended, Counter>,
}

/// Those of one address.
#[derive(Clone)]
pub(crate) struct ConnectionMetrics {
    address: &'static str,
    open: Gauge,
    ended: Family<Ended, Counter>,
}

/// Why the guard ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// There was no room for it.
    Refused,
    /// It had been idle longest when another one arrived.
    GaveWay,
    /// It had no request for too long.
    Idle,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Address {
    address: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    address: &'static str,
    reason: &'static str,
}

impl AllConnections {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "connections",
            "Open connections, by address",
            self.open.clone(),
        );
        registry.register(
            "connections_ended",
            "Connections that the guard refused or ended: none was free, or they did nothing",
            self.ended.clone(),
        );
    }

    /// The counts of one address.
    pub(crate) fn of(&self, address: &'static str) -> ConnectionMetrics {
        ConnectionMetrics {
            address,
            open: self.open.get_or_create_owned(&Address { address }),
            ended: self.ended.clone(),
        }
    }
}

impl ConnectionMetrics {
    pub(super) fn address(&self) -> &'static str {
        self.address
    }

    pub(super) fn open(&self, count: usize) {
        self.open.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    pub(super) fn ended(&self, reason: Reason) {
        let ended = Ended {
            address: self.address,
            reason: match reason {
                Reason::Refused => "refused",
                Reason::GaveWay => "gave-way",
                Reason::Idle => "idle",
            },
        };
        self.ended.get_or_create(&ended).inc();
    }
}
