//! How many connections an address has, and which of them is evicted for a new one.
//!
//! A connection is *idle* while everything on it waits for its client: for the head of a request, or for
//! the rest of a body. Beyond the limits the connection that has been idle longest is evicted, first of
//! the same peer, then of the peer with the most idle ones: closing it loses nothing that was decided,
//! and a client that is quiet for good reasons reconnects. If none is idle, the new one is refused, since
//! ending a request that the backend may be working on would leave its outcome unknown.

pub(crate) mod metrics;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ipnet::IpNet;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::metrics::{ConnectionMetrics, Reason};
use crate::network::Network;

/// The limits of one address, and its connections.
pub(crate) struct Slots {
    limits: Limits,
    metrics: ConnectionMetrics,
    table: Mutex<Table>,
}

/// Limits of connections.
pub(crate) struct Limits {
    /// In total.
    pub(crate) most: usize,
    /// From one IPv4 address or one IPv6 /64.
    pub(crate) per_peer: usize,
    /// Proxies, through which many clients connect.
    pub(crate) exempt: Vec<IpNet>,
}

#[derive(Default)]
struct Table {
    next: u64,
    open: BTreeMap<u64, Entry>,
    peers: BTreeMap<Network, PeerConnections>,
    /// Peers with idle connections, and how many they have.
    idle: BTreeSet<(usize, Network)>,
    /// Connections were evicted or refused recently.
    full: bool,
    turned_away: u64,
}

/// The connections of one peer.
#[derive(Default)]
struct PeerConnections {
    open: usize,
    /// Since when, in the order of events, and which connection.
    idle: BTreeSet<(u64, u64)>,
}

struct Entry {
    peer: Network,
    /// Its requests, and whether each waits for the rest of its body.
    requests: BTreeMap<u64, bool>,
    /// Its position among the idle ones of its peer.
    idle: Option<u64>,
    evicted: CancellationToken,
    quiet: watch::Sender<Quiet>,
}

/// Since when a connection does nothing.
#[derive(Clone, Copy)]
struct Quiet {
    /// It has no request.
    empty: Option<Instant>,
    /// Everything waits for the client.
    idle: Option<Instant>,
}

/// One connection's place. Dropping it frees the place.
pub(super) struct Slot {
    place: Arc<Place>,
    evicted: CancellationToken,
    quiet: watch::Receiver<Quiet>,
}

struct Place {
    slots: Arc<Slots>,
    id: u64,
}

/// A request on a connection, until its response has been sent.
pub(super) struct InFlight {
    place: Arc<Place>,
    id: u64,
}

/// Whether a request's body is being waited for.
pub(crate) struct Awaited {
    place: Arc<Place>,
    id: u64,
    waiting: bool,
}

/// Why the guard ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// It was evicted.
    Evicted,
    /// It did nothing for too long.
    Idle,
}

// === impl Slots ===

impl Slots {
    pub(crate) fn new(limits: Limits, metrics: ConnectionMetrics) -> Arc<Self> {
        Arc::new(Self {
            limits,
            metrics,
            table: Mutex::default(),
        })
    }

    /// A slot for a new connection. `None`: it is refused.
    pub(super) fn take(self: &Arc<Self>, peer: IpAddr) -> Option<Slot> {
        let address = peer.to_canonical();
        let exempt = self.limits.exempt.iter().any(|net| net.contains(&address));
        let peer = Network::of(address);
        let mut table = self.table();
        let held = table.peers.get(&peer).map_or(0, |held| held.open);
        let room = if !exempt && held >= self.limits.per_peer {
            table.evict(Some(peer))
        } else if table.open.len() >= self.limits.most {
            table.evict(None)
        } else {
            Room::Free
        };
        match room {
            Room::Free => {}
            Room::Made => self.turned_away(&mut table, Reason::GaveWay),
            Room::None => {
                self.turned_away(&mut table, Reason::Refused);
                return None;
            }
        }
        let (quiet, sees) = watch::channel(Quiet {
            empty: Some(Instant::now()),
            idle: Some(Instant::now()),
        });
        let evicted = CancellationToken::new();
        let id = table.tick();
        table.peers.entry(peer).or_default().open += 1;
        table.open.insert(
            id,
            Entry {
                peer,
                requests: BTreeMap::new(),
                idle: None,
                evicted: evicted.clone(),
                quiet,
            },
        );
        table.settle(id);
        self.metrics.open(table.open.len());
        drop(table);
        let slots = Arc::clone(self);
        Some(Slot {
            place: Arc::new(Place { slots, id }),
            evicted,
            quiet: sees,
        })
    }

    /// Ends the connection that has been idle longest: the process is out of descriptors.
    pub(super) fn give_way(&self) {
        let mut table = self.table();
        if matches!(table.evict(None), Room::Made) {
            self.turned_away(&mut table, Reason::GaveWay);
        }
        self.metrics.open(table.open.len());
    }

    /// Logs that there is room again, once there has been for a while.
    pub(crate) fn log_room(&self) {
        let mut table = self.table();
        let count = std::mem::take(&mut table.turned_away);
        if count == 0 && std::mem::take(&mut table.full) {
            tracing::info!(
                address = self.metrics.address(),
                open = table.open.len(),
                "there is room for connections again"
            );
        } else if count > 0 {
            tracing::warn!(
                address = self.metrics.address(),
                count,
                open = table.open.len(),
                "connections were evicted or refused"
            );
        }
    }

    fn turned_away(&self, table: &mut Table, reason: Reason) {
        self.metrics.ended(reason);
        table.turned_away += 1;
        if !std::mem::replace(&mut table.full, true) {
            tracing::warn!(
                address = self.metrics.address(),
                open = table.open.len(),
                most = self.limits.most,
                per_peer = self.limits.per_peer,
                "too many connections: those that have been idle longest are evicted for new ones"
            );
        }
    }

    fn change(&self, id: u64, change: impl FnOnce(&mut BTreeMap<u64, bool>)) {
        let mut table = self.table();
        if let Some(entry) = table.open.get_mut(&id) {
            change(&mut entry.requests);
            table.settle(id);
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether there is a slot.
enum Room {
    Free,
    /// A connection was evicted.
    Made,
    None,
}

// === impl Table ===

impl Table {
    fn tick(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Updates whether a connection is idle, and since when.
    fn settle(&mut self, id: u64) {
        let now = self.tick();
        let Some(entry) = self.open.get_mut(&id) else {
            return;
        };
        let idle = entry.requests.values().all(|waits| *waits);
        let empty = entry.requests.is_empty();
        entry.quiet.send_modify(|quiet| {
            let at = Instant::now();
            quiet.empty = empty.then(|| quiet.empty.unwrap_or(at));
            quiet.idle = idle.then(|| quiet.idle.unwrap_or(at));
        });
        let (peer, before) = (entry.peer, entry.idle);
        let after = idle.then(|| before.unwrap_or(now));
        if before == after {
            return;
        }
        entry.idle = after;
        self.of_peer(peer, |held| {
            if let Some(at) = before {
                held.idle.remove(&(at, id));
            }
            if let Some(at) = after {
                held.idle.insert((at, id));
            }
        });
    }

    /// Changes a peer's connections, and its position among those with idle ones.
    fn of_peer(&mut self, peer: Network, change: impl FnOnce(&mut PeerConnections)) {
        let held = self.peers.entry(peer).or_default();
        self.idle.remove(&(held.idle.len(), peer));
        change(held);
        if !held.idle.is_empty() {
            self.idle.insert((held.idle.len(), peer));
        } else if held.open == 0 {
            self.peers.remove(&peer);
        }
    }

    /// Evicts the oldest idle connection, of this peer or of the one with the most.
    fn evict(&mut self, peer: Option<Network>) -> Room {
        let peer = peer.or_else(|| self.idle.last().map(|(_, peer)| *peer));
        let oldest = peer
            .and_then(|peer| self.peers.get(&peer))
            .and_then(|held| held.idle.first().copied());
        let Some((_, id)) = oldest else {
            return Room::None;
        };
        if let Some(entry) = self.remove(id) {
            entry.evicted.cancel();
        }
        Room::Made
    }

    fn remove(&mut self, id: u64) -> Option<Entry> {
        let entry = self.open.remove(&id)?;
        self.of_peer(entry.peer, |held| {
            held.open = held.open.saturating_sub(1);
            if let Some(at) = entry.idle {
                held.idle.remove(&(at, id));
            }
        });
        Some(entry)
    }
}

// === impl Slot ===

impl Slot {
    /// Notes that a request begins on the connection.
    pub(super) fn begin(&self) -> InFlight {
        let id = self.place.slots.table().tick();
        self.place.change(|requests| {
            requests.insert(id, false);
        });
        InFlight {
            place: Arc::clone(&self.place),
            id,
        }
    }

    /// Waits until the connection is evicted, or has had no request for `limit`.
    pub(super) async fn over(&self, limit: Duration) -> Over {
        tokio::select! {
            () = self.evicted.cancelled() => Over::Evicted,
            () = self.quiet_for(limit, |quiet| quiet.empty) => {
                self.place.slots.metrics.ended(Reason::Idle);
                Over::Idle
            }
        }
    }

    /// Waits until the connection is evicted, or everything on it has waited for its client for `limit`.
    pub(super) async fn idle(&self, limit: Duration) {
        tokio::select! {
            () = self.evicted.cancelled() => {}
            () = self.quiet_for(limit, |quiet| quiet.idle) => {}
        }
    }

    async fn quiet_for(&self, limit: Duration, since: impl Fn(Quiet) -> Option<Instant>) {
        let mut sees = self.quiet.clone();
        loop {
            let quiet = *sees.borrow_and_update();
            let changed = match since(quiet) {
                None => sees.changed().await,
                Some(since) => tokio::select! {
                    () = tokio::time::sleep_until(since + limit) => return,
                    changed = sees.changed() => changed,
                },
            };
            if changed.is_err() {
                // It was evicted.
                return std::future::pending().await;
            }
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let slots = &self.place.slots;
        let mut table = slots.table();
        table.remove(self.place.id);
        slots.metrics.open(table.open.len());
    }
}

impl Place {
    fn change(&self, change: impl FnOnce(&mut BTreeMap<u64, bool>)) {
        self.slots.change(self.id, change);
    }
}

// === impl InFlight ===

impl InFlight {
    /// Tracks the request's body.
    pub(super) fn body(&self) -> Awaited {
        Awaited {
            place: Arc::clone(&self.place),
            id: self.id,
            waiting: false,
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.place.change(|requests| {
            requests.remove(&self.id);
        });
    }
}

// === impl Awaited ===

impl Awaited {
    /// Notes whether the body is being waited for.
    pub(crate) fn set(&mut self, waiting: bool) {
        if std::mem::replace(&mut self.waiting, waiting) == waiting {
            return;
        }
        self.place.change(|requests| {
            if let Some(waits) = requests.get_mut(&self.id) {
                *waits = waiting;
            }
        });
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        self.set(false);
    }
}

#[cfg(test)]
mod tests;
