//! Client requests that gateways have in progress. One is removed while it is worked on: a failure
//! leaves nothing behind, and nobody else can continue it.

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
use crate::network::Network;
use crate::proxy::Proxy;
use crate::proxy::client::Client;
use crate::proxy::state::State;
use scimguard_store::now;

/// All that are in progress and not worked on at this moment.
pub(super) struct Passes {
    open: Mutex<HashMap<Pass, Waiting>>,
    timeout: Duration,
    longest: Duration,
}

/// One that is being worked on. Its leases end with it.
pub(super) struct Open {
    pub(super) pass: Pass,
    pub(super) started: Instant,
    pub(super) state: State,
    /// The good tokens that the gateway knows of.
    pub(super) tokens: Vec<GoodToken>,
    /// Its decision was reported.
    pub(super) is_decided: bool,
    head: HeadHash,
    gateway: Arc<Gateway>,
    place: Place,
    /// Keeps the process running until it ends.
    _in_flight: TaskTrackerToken,
}

/// One that waits for its gateway.
struct Waiting {
    open: Open,
    until: Instant,
}

impl Passes {
    /// `timeout`: how long gateways may leave one idle; `longest`: how long they may have it in
    /// all.
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
        if proxy.lifetime.in_flight.is_closed() {
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
            _in_flight: proxy.lifetime.in_flight.token(),
        })
    }

    /// Takes the one that a gateway continues, which must be of the same request.
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
                "it continues another request than it began",
            ));
        }
        let is_there = all.get(pass).is_some_and(|waiting| {
            Arc::ptr_eq(&waiting.open.gateway, gateway) && waiting.until > Instant::now()
        });
        let taken = is_there.then(|| all.remove(pass)).flatten();
        taken.map(|waiting| waiting.open).ok_or_else(|| {
            let detail = "The request took too long to be judged. Repeat it later.";
            Failure::later(detail, "it continues a request that is over")
        })
    }

    /// Keeps one until its gateway continues it.
    pub(super) fn keep(&self, open: Open) -> Pass {
        let pass = open.pass.clone();
        let until = (Instant::now() + self.timeout).min(open.started + self.longest);
        self.lock().insert(pass.clone(), Waiting { open, until });
        pass
    }

    /// Drops those that were idle for too long, and returns their gateways.
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
        // No code under this lock can panic halfway through a change.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Open ===

impl Open {
    /// Counts it against the account of its good token, or against those without one.
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
