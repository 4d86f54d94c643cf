//! Requests of clients that gateways have under way. One is taken out while it is worked on: who fails
//! in between leaves nothing behind, and nobody else goes on with it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rand::TryRngCore as _;
use rand::rngs::OsRng;
use scimguard_core::sha256_hex;
use scimguard_wire::Pass;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::access::Gateway;
use super::failure::Failure;
use crate::proxy::client::Client;
use crate::proxy::facts::Facts;
use crate::proxy::leases::Held;
use crate::proxy::{Proxy, now};

/// All that are under way and not worked on at this moment.
pub(super) struct Passes {
    open: Mutex<HashMap<Pass, Waiting>>,
    timeout: Duration,
}

/// One that is worked on. Its leases end with it.
pub(super) struct Open {
    pub(super) pass: Pass,
    pub(super) started: Instant,
    /// When it began, in milliseconds since 1970.
    pub(super) now: u64,
    pub(super) facts: Facts,
    pub(super) held: Held,
    pub(super) client: Client,
    gateway: Arc<Gateway>,
    _room: OwnedSemaphorePermit,
    /// The process does not end before it.
    _in_flight: TaskTrackerToken,
}

/// One whose gateway has something else to do.
struct Waiting {
    open: Open,
    until: Instant,
}

impl Passes {
    pub(super) fn new(timeout: Duration) -> Self {
        Self {
            open: Mutex::default(),
            timeout,
        }
    }

    /// Begins one.
    pub(super) fn begin(
        &self,
        proxy: &Proxy,
        gateway: &Arc<Gateway>,
        client: Client,
    ) -> Result<Open, Failure> {
        if proxy.in_flight.is_closed() {
            let detail = "The facts service is ending. Repeat the request later.";
            return Err(Failure::later(detail, "the service is ending"));
        }
        let Some(room) = gateway.enter() else {
            let detail = "The gateway has too many requests under way. Repeat the request later.";
            return Err(Failure::later(detail, "it has too many requests under way"));
        };
        let now = now();
        Ok(Open {
            pass: unguessable()?,
            started: Instant::now(),
            now,
            facts: Facts::new(now, None),
            held: Held::default(),
            client,
            gateway: Arc::clone(gateway),
            _room: room,
            _in_flight: proxy.in_flight.token(),
        })
    }

    /// Takes one that its gateway goes on with.
    pub(super) fn take(&self, pass: &Pass, gateway: &Arc<Gateway>) -> Result<Open, Failure> {
        let mut all = self.lock();
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
        let until = Instant::now() + self.timeout;
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

fn unguessable() -> Result<Pass, Failure> {
    let mut random = [0; 32];
    let filled = OsRng.try_fill_bytes(&mut random);
    filled.map_err(|_| Failure::failed())?;
    Ok(Pass(sha256_hex(&random)))
}
