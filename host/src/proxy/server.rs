//! Connections: HTTP/1.1 and HTTP/2 in clear text, until the process is told to end; then no new
//! ones, and a bounded time for the requests in flight.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::body::Outgoing;
use super::facts_service::FactsService;
use super::{Proxy, credential, facts_service};
use crate::admin;

/// How often it is stored when tokens were used.
const STORE_USED: Duration = Duration::from_secs(60);

/// How often somebody may have asked to repeat what failed.
const LOOK_FOR_RETRIES: Duration = Duration::from_secs(1);

/// Head of a request: more than any identity provider sends.
const HEAD_BYTES: usize = 64 * 1024;

/// Addresses that are listened on.
pub struct Listeners {
    /// Where clients connect. `None`: gateways decide all requests.
    pub clients: Option<TcpListener>,
    /// Health checks and the operators' page.
    pub admin: Option<admin::Listener>,
    /// Where gateways ask for facts.
    pub facts: Option<TcpListener>,
}

/// Serves until `end` comes true and the requests in flight are done, or have had their time.
pub async fn serve(proxy: Arc<Proxy>, listeners: Listeners, end: impl Future<Output = ()>) {
    let (no_clients, no_gateways) = (CancellationToken::new(), CancellationToken::new());
    let builder = builder(proxy.client_timeout);
    let admin = listeners
        .admin
        .map(|listener| tokio::spawn(listener.serve(Arc::clone(&proxy))));
    let asking = tokio::spawn(settle(Arc::clone(&proxy)));
    let repeating = tokio::spawn(retry(Arc::clone(&proxy)));
    let mut upkeep = JoinSet::new();
    for work in proxy.issuers.upkeep() {
        upkeep.spawn(work);
    }
    let mut gateways = None;
    if let (Some(listener), Some(service)) = (listeners.facts, &proxy.facts_service) {
        upkeep.spawn(expire(Arc::clone(&proxy), Arc::clone(service)));
        let (proxy, service) = (Arc::clone(&proxy), Arc::clone(service));
        let answer =
            move |request, peer| Arc::clone(&service).handle(Arc::clone(&proxy), request, peer);
        let (builder, end) = (builder.clone(), no_gateways.clone());
        gateways = Some(tokio::spawn(accept(listener, builder, answer, end)));
    }
    let renewing = tokio::spawn(renew(Arc::clone(&proxy)));
    let clients = listeners.clients.map(|listener| {
        let proxy = Arc::clone(&proxy);
        let answer = move |request, peer| Arc::clone(&proxy).handle(request, peer);
        tokio::spawn(accept(listener, builder, answer, no_clients.clone()))
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
                tokio::spawn(async move { proxy.store_used().await });
            }
        }
    }
    no_clients.cancel();
    asking.abort();
    repeating.abort();
    renewing.abort();
    proxy.in_flight.close();
    let limit = proxy.client_timeout;
    let done = async {
        ended(clients).await;
        proxy.in_flight.wait().await;
        // Until then gateways go on with what they have under way.
        no_gateways.cancel();
        ended(gateways).await;
    };
    if tokio::time::timeout(limit, done).await.is_err() {
        tracing::warn!(?limit, "requests were still in flight at the end");
    }
    upkeep.abort_all();
    if let Some(admin) = admin {
        admin.abort();
    }
    proxy.metrics.log_slowed();
    proxy.store_used().await;
    if let Some(decisions) = &proxy.decisions {
        decisions.close().await;
    }
    proxy.store.close().await;
}

/// Takes connections until the end, and then waits for the requests on them.
async fn accept<F>(
    listener: TcpListener,
    builder: auto::Builder<TokioExecutor>,
    answer: impl Fn(http::Request<Incoming>, IpAddr) -> F + Clone + Send + 'static,
    end: CancellationToken,
) where
    F: Future<Output = http::Response<Outgoing>> + Send + 'static,
{
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = end.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (answer, peer) = (answer.clone(), peer.ip());
                connect(&builder, &graceful, stream, move |request| {
                    answer(request, peer)
                });
            }
            Err(error) => {
                // Out of file descriptors, usually: wait for connections to end.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    graceful.shutdown().await;
}

async fn ended(task: Option<JoinHandle<()>>) {
    if let Some(task) = task
        && task.await.is_err()
    {
        tracing::error!("an address was not served to the end");
    }
}

/// Looks for requests that their gateways have left alone.
async fn expire(proxy: Arc<Proxy>, service: Arc<FactsService>) {
    let mut times = tokio::time::interval(facts_service::LOOK);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        times.tick().await;
        service.expire(&proxy);
    }
}

/// Asks the backend what became of what is open, at the start and then from time to time.
async fn settle(proxy: Arc<Proxy>) {
    if proxy.credential.is_none() {
        tracing::info!(
            "without `backend_credential` the application is not asked what became of unclear writes; \
             the identity provider's next requests tell"
        );
        return;
    }
    let mut times = tokio::time::interval(proxy.settle.every);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        times.tick().await;
        proxy.settle().await;
    }
}

/// Looks whether the guard's own credential or a gateway's secret was replaced.
async fn renew(proxy: Arc<Proxy>) {
    if proxy.credential.is_none() && proxy.facts_service.is_none() {
        return;
    }
    let mut times = tokio::time::interval(credential::LOOK);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        times.tick().await;
        let proxy = Arc::clone(&proxy);
        let looked = tokio::task::spawn_blocking(move || {
            if let Some(own) = &proxy.credential {
                own.refresh();
            }
            if let Some(service) = &proxy.facts_service {
                service.refresh();
            }
        });
        if looked.await.is_err() {
            return;
        }
    }
}

/// Repeats what somebody asked for.
async fn retry(proxy: Arc<Proxy>) {
    let mut times = tokio::time::interval(LOOK_FOR_RETRIES);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        times.tick().await;
        let work = Arc::clone(&proxy);
        let repeated = proxy
            .in_flight
            .spawn(async move { work.retry_asked().await });
        if let Ok(Err(error)) = repeated.await {
            tracing::warn!(%error, "membership changes cannot be repeated now");
        }
    }
}

/// How connections are spoken to, with a time for the head of each request.
pub(crate) fn builder(client_timeout: Duration) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(client_timeout)
        .max_buf_size(HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(client_timeout)
        .max_header_list_size(u32::try_from(HEAD_BYTES).unwrap_or(u32::MAX));
    builder
}

fn connect<F>(
    builder: &auto::Builder<TokioExecutor>,
    graceful: &GracefulShutdown,
    stream: TcpStream,
    answer: impl Fn(http::Request<Incoming>) -> F + Send + 'static,
) where
    F: Future<Output = http::Response<Outgoing>> + Send + 'static,
{
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection ended early");
        return;
    }
    let service = service_fn(move |request: http::Request<Incoming>| {
        let answered = answer(request);
        async move { Ok::<_, Infallible>(answered.await) }
    });
    let connection = builder
        .serve_connection(TokioIo::new(stream), service)
        .into_owned();
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection broke off");
        }
    });
}
