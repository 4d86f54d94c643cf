//! Requests of clients that gateways have under way. One is taken out while it is worked on: who fails
//! in between leaves nothing behind, and nobody else goes on with it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rand::TryRngCore as _;
use rand::rngs::OsRng;
use scimguard_core::sha256_hex;
use scimguard_wire::Pass;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::access::Gateway;
use super::authority::{GoodToken, HeadHash};
use super::failure::Failure;
use super::shares::{Full, Place};
use crate::clock::now;
use crate::network::Network;
use crate::proxy::Proxy;
use crate::proxy::client::Client;
use crate::proxy::state::State;

/// All that are under way and not worked on at this moment.
pub(super) struct Passes {
    open: Mutex<HashMap<Pass, Waiting>>,
    timeout: Duration,
    longest: Duration,
}

/// One that is worked on. Its leases end with it.
pub(super) struct Open {
    pub(super) pass: Pass,
    pub(super) started: Instant,
    pub(super) state: State,
    /// The good tokens that the gateway was told of.
    pub(super) tokens: Vec<GoodToken>,
    /// Its decision was told.
    pub(super) is_decided: bool,
    head: HeadHash,
    gateway: Arc<Gateway>,
    place: Place,
    /// The process does not end before it.
    _in_flight: TaskTrackerToken,
}

/// One whose gateway has something else to do.
struct Waiting {
    open: Open,
    until: Instant,
}

impl Passes {
    /// For gateways that may leave one alone for `timeout`, and have it for `longest` in all.
    pub(super) fn new(timeout: Duration, longest: Duration) -> Self {
        Self {
            open: Mutex::default(),
            timeout,
            longest,
        }
    }

    /// Begins one.
    pub(super) fn begin(
        &self,
        proxy: &Proxy,
        gateway: &Arc<Gateway>,
        client: Client,
        head: HeadHash,
    ) -> Result<Open, Failure> {
        if proxy.in_flight.is_closed() {
            return Err(Failure::ending());
        }
        let place = gateway.room.enter(Network::of(client.source()));
        let place = place.map_err(too_many)?;
        Ok(Open {
            pass: unguessable()?,
            started: Instant::now(),
            state: State::of_client(client, now()),
            tokens: Vec::new(),
            is_decided: false,
            head,
            gateway: Arc::clone(gateway),
            place,
            _in_flight: proxy.in_flight.token(),
        })
    }

    /// Takes one that its gateway goes on with: that of the request that it began with.
    pub(super) fn take(
        &self,
        pass: &Pass,
        gateway: &Arc<Gateway>,
        head: &HeadHash,
    ) -> Result<Open, Failure> {
        let mut all = self.lock();
        let is_other = all.get(pass).is_some_and(|waiting| {
            Arc::ptr_eq(&waiting.open.gateway, gateway) && waiting.open.head != *head
        });
        if is_other {
            return Err(Failure::forbidden(
                "it goes on with a request that is not the one it began with",
            ));
        }
        let is_there = all.get(pass).is_some_and(|waiting| {
            Arc::ptr_eq(&waiting.open.gateway, gateway) && waiting.until > Instant::now()
        });
        let taken = is_there.then(|| all.remove(pass)).flatten();
        taken.map(|waiting| waiting.open).ok_or_else(|| {
            let detail = "The request took too long to be judged. Repeat it later.";
            Failure::later(detail, "it goes on with a request that is over")
        })
    }

    /// Keeps one until its gateway goes on with it.
    pub(super) fn keep(&self, open: Open) -> Pass {
        let pass = open.pass.clone();
        let until = (Instant::now() + self.timeout).min(open.started + self.longest);
        self.lock().insert(pass.clone(), Waiting { open, until });
        pass
    }

    /// Drops those that were left alone for too long; the gateways that did.
    pub(super) fn expire(&self) -> Vec<Arc<Gateway>> {
        let now = Instant::now();
        let over: Vec<Waiting> = {
            let mut all = self.lock();
            let over = all.extract_if(|_, waiting| waiting.until <= now);
            over.map(|(_, waiting)| waiting).collect()
        };
        let gateways = over.iter().map(|it| Arc::clone(&it.open.gateway));
        gateways.collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Pass, Waiting>> {
        // Nothing that runs under this lock can leave the map half changed.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Open ===

impl Open {
    /// Counts it to the account whose good token it has, or to those that have none.
    pub(super) fn count(&mut self, account: Option<&str>) -> Result<(), Failure> {
        let room = &self.gateway.room;
        let counted = match account {
            Some(account) => room.verified(&mut self.place, account),
            None => room.unverified(&mut self.place),
        };
        counted.map_err(too_many)
    }
}

fn too_many(full: Full) -> Failure {
    let detail = "Too many requests are under way at the gateway. Repeat the request later.";
    Failure::later(detail, &full.to_string())
}

fn unguessable() -> Result<Pass, Failure> {
    let mut random = [0; 32];
    let filled = OsRng.try_fill_bytes(&mut random);
    filled.map_err(|_| Failure::failed())?;
    Ok(Pass(sha256_hex(&random)))
}
