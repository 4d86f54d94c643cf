//! All tasks beside requests, until shutdown; then no new requests are accepted, and those in
//! flight get a bounded time.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::address::{Address, Peer};
use super::credential::{self, Own};
use super::facts_service::FactsService;
use super::{Proxy, facts_service};
use crate::reread::Reread;

/// How often last uses of tokens are stored.
const STORE_USED: Duration = Duration::from_secs(60);

/// Time to refuse what is not forwarded when the process ends.
const TO_REFUSE: Duration = Duration::from_secs(1);

/// How often to look for requested retries.
const LOOK_FOR_RETRIES: Duration = Duration::from_secs(1);

impl Proxy {
    /// Reads the guard's own credential, the gateways' secrets and the certificates again.
    pub(super) fn refresh(&self) {
        if let Some(own) = &self.credential {
            own.refresh();
        }
        if let Some(service) = &self.facts_service {
            service.refresh();
        }
        self.front.tls.all().for_each(|tls| tls.refresh());
    }

    /// What could not be used when it was last read again, so that what was read before is in use.
    pub(crate) fn stale(&self) -> Vec<&str> {
        let own = self.credential.as_ref().map(Own::reread);
        let service = self.facts_service.iter();
        let all = own.into_iter();
        let all = all.chain(service.flat_map(|service| service.reread()));
        all.chain(self.front.tls.all().map(|tls| tls.reread()))
            .filter_map(Reread::stale)
            .collect()
    }

    /// Stores everything outstanding; nothing is stored afterwards.
    pub(crate) async fn close(&self) {
        self.metrics.log_slowed();
        self.uses.store(&self.store).await;
        if let Some(decisions) = &self.decisions {
            decisions.close().await;
        }
        self.store.close().await;
    }
}

/// Answers clients and gateways until `end` completes and the requests in flight are done or out of time.
pub(crate) async fn answer(
    proxy: Arc<Proxy>,
    clients: Option<TcpListener>,
    gateways: Option<TcpListener>,
    end: impl Future<Output = ()>,
) {
    let (no_clients, no_gateways) = (CancellationToken::new(), CancellationToken::new());
    let timeout = proxy.front.client_timeout;
    let asking = tokio::spawn(settle(Arc::clone(&proxy)));
    let repeating = tokio::spawn(retry(Arc::clone(&proxy)));
    let mut upkeep = JoinSet::new();
    for work in proxy.vouchers.issuers.upkeep() {
        upkeep.spawn(work);
    }
    let mut serving_gateways = None;
    if let (Some(listener), Some(service)) = (gateways, &proxy.facts_service) {
        upkeep.spawn(expire(Arc::clone(&proxy), Arc::clone(service)));
        let (proxy, service) = (Arc::clone(&proxy), Arc::clone(service));
        let (tls, slots) = (service.tls(), Arc::clone(&proxy.front.slots.facts));
        let answer =
            move |request, peer| Arc::clone(&service).handle(Arc::clone(&proxy), request, peer);
        let address = Address::new(listener, tls, timeout, slots);
        serving_gateways = Some(tokio::spawn(address.serve(answer, no_gateways.clone())));
    }
    let renewing = tokio::spawn(renew(Arc::clone(&proxy)));
    let serving_clients = clients.map(|listener| {
        let slots = Arc::clone(&proxy.front.slots.clients);
        let tls = proxy.front.tls.clients.clone();
        let proxy = Arc::clone(&proxy);
        let answer = move |request, peer: Peer| Arc::clone(&proxy).handle(request, peer.address);
        let address = Address::new(listener, tls, timeout, slots);
        tokio::spawn(address.serve(answer, no_clients.clone()))
    });
    let mut store_used = tokio::time::interval(STORE_USED);
    let mut end = std::pin::pin!(end);
    loop {
        tokio::select! {
            () = &mut end => break,
            _ = store_used.tick() => {
                let proxy = Arc::clone(&proxy);
                proxy.limits.forget_quiet();
                proxy.metrics.log_slowed();
                proxy.front.slots.log_room();
                tokio::spawn(async move { proxy.uses.store(&proxy.store).await });
            }
        }
    }
    no_clients.cancel();
    asking.abort();
    repeating.abort();
    renewing.abort();
    proxy.lifetime.in_flight.close();
    let mut done = std::pin::pin!(async {
        ended(serving_clients).await;
        proxy.lifetime.in_flight.wait().await;
        // Until then gateways finish what they have in progress.
        no_gateways.cancel();
        ended(serving_gateways).await;
    });
    let mut in_time = tokio::time::timeout(timeout, &mut done).await.is_ok();
    if !in_time {
        // Refusing what is not forwarded takes no time.
        proxy.lifetime.ending.cancel();
        in_time = tokio::time::timeout(TO_REFUSE, &mut done).await.is_ok();
    }
    if !in_time {
        tracing::warn!(limit = ?timeout, "requests were still in flight at the end");
    }
    upkeep.abort_all();
}

async fn ended(task: Option<JoinHandle<()>>) {
    if let Some(task) = task
        && task.await.is_err()
    {
        tracing::error!("an address was not served to the end");
    }
}

/// Drops requests that their gateways abandoned.
async fn expire(proxy: Arc<Proxy>, service: Arc<FactsService>) {
    let mut times = tokio::time::interval(facts_service::POLL_INTERVAL);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        times.tick().await;
        service.expire(&proxy);
    }
}

/// Settles what is open with the backend, at the start and then periodically.
async fn settle(proxy: Arc<Proxy>) {
    if proxy.credential.is_none() {
        tracing::info!(
            "without `backend_credential` the application is not asked about unclear writes; \
             the identity provider's next requests tell"
        );
        return;
    }
    let mut times = tokio::time::interval(proxy.settling.every);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        times.tick().await;
        proxy.settle().await;
    }
}

/// Rereads the guard's own credential, the gateways' secrets and the certificates.
async fn renew(proxy: Arc<Proxy>) {
    let has_tls = proxy.front.tls.all().next().is_some();
    if proxy.credential.is_none() && proxy.facts_service.is_none() && !has_tls {
        return;
    }
    let mut times = tokio::time::interval(credential::POLL_INTERVAL);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        times.tick().await;
        let proxy = Arc::clone(&proxy);
        let looked = tokio::task::spawn_blocking(move || proxy.refresh());
        if looked.await.is_err() {
            return;
        }
    }
}

/// Repeats the changes that operators requested.
async fn retry(proxy: Arc<Proxy>) {
    let mut times = tokio::time::interval(LOOK_FOR_RETRIES);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        times.tick().await;
        let work = Arc::clone(&proxy);
        let repeated = proxy
            .lifetime
            .in_flight
            .spawn(async move { work.retry_asked().await });
        if let Ok(Err(error)) = repeated.await {
            proxy.store.report(&error);
        }
    }
}
