//! One listening address: HTTP/1.1 and HTTP/2, in clear text or over TLS.
//!
//! One limit covers all the time in which a connection has no request: the TLS handshake, the bytes
//! that identify the protocol, a slowly arriving head, HTTP/2 without streams, and the time between
//! requests. The number of connections is limited as well ([`Slots`]), and a response that its
//! client does not read is aborted ([`stream`], [`streams`]).

mod descriptors;
mod framing;
mod stream;
mod streams;

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Version, header};
use hyper::body::Body;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::body::Inbound;
use super::slots::metrics::ConnectionMetrics;
use super::slots::{Limits, Over, Slot, Slots};

pub use self::descriptors::raise_descriptors;
use self::stream::Stream;
use self::streams::{Answer, Streams};
use crate::config::Config;
use crate::tls::Tls;

/// Limit of a request's head: more than any identity provider sends.
const HEAD_BYTES: usize = 64 * 1024;

/// Concurrent requests on one HTTP/2 connection, and how much of a response is buffered for its client.
const STREAMS: u32 = 100;
const SEND_BYTES: usize = 64 * 1024;

/// How long a closing connection may take to shut down.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// How long to stop accepting connections when the system has no room for one.
const NO_ROOM: Duration = Duration::from_millis(50);

/// Connections to the admin address: a few browsers and health checks.
const ADMIN: usize = 64;

/// An address, and how connections to it are served.
pub(crate) struct Address {
    listener: TcpListener,
    connections: Connections,
}

/// The other end of a connection.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    /// The valid certificate that it presented.
    pub(crate) certificate: Option<CertificateDer<'static>>,
}

#[derive(Clone)]
struct Connections {
    builder: auto::Builder<Streams>,
    tls: Option<Arc<Tls>>,
    timeout: Duration,
    slots: Arc<Slots>,
    end: CancellationToken,
}

impl Address {
    /// `timeout`: how long a connection may have no request, and its client may read nothing of a
    /// response.
    pub(crate) fn new(
        listener: TcpListener,
        tls: Option<Arc<Tls>>,
        timeout: Duration,
        slots: Arc<Slots>,
    ) -> Self {
        Self {
            listener,
            connections: Connections {
                builder: builder(timeout),
                tls,
                timeout,
                slots,
                end: CancellationToken::new(),
            },
        }
    }

    /// Accepts connections until the end, then waits for their requests.
    pub(crate) async fn serve<F, B>(
        mut self,
        answer: impl Fn(http::Request<Inbound>, Peer) -> F + Clone + Send + Sync + 'static,
        end: CancellationToken,
    ) where
        F: Future<Output = http::Response<B>> + Send + 'static,
        B: Body<Data = Bytes> + Unpin + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.connections.end = end.clone();
        let tasks = TaskTracker::new();
        let mut starved = false;
        loop {
            let accepted = tokio::select! {
                () = end.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    starved = false;
                    // Otherwise it is refused.
                    if let Some(slot) = self.connections.slots.take(peer.ip()) {
                        let connections = self.connections.clone();
                        tasks.spawn(connections.connect(stream, peer.ip(), slot, answer.clone()));
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut starved, true) {
                        tracing::warn!(%error, "no connection can be accepted");
                    }
                    // Usually out of file descriptors.
                    self.connections.slots.give_way();
                    tokio::time::sleep(NO_ROOM).await;
                }
            }
        }
        drop(self.listener);
        tasks.close();
        tasks.wait().await;
    }
}

impl Connections {
    async fn connect<F, B>(
        self,
        stream: TcpStream,
        address: IpAddr,
        slot: Slot,
        answer: impl Fn(http::Request<Inbound>, Peer) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = http::Response<B>> + Send + 'static,
        B: Body<Data = Bytes> + Unpin + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection was closed early");
            return;
        }
        let mut peer = Peer {
            address,
            certificate: None,
        };
        let Some(tls) = &self.tls else {
            return self.exchange(stream, peer, &slot, answer).await;
        };
        let shaken = tokio::select! {
            shaken = tls.acceptor().accept(stream) => shaken,
            _ = slot.over(self.timeout) => return,
            () = self.end.cancelled() => return,
        };
        match shaken {
            Ok(stream) => {
                let shown = stream.get_ref().1.peer_certificates();
                let own = shown.and_then(<[_]>::first).cloned();
                peer.certificate = own.map(CertificateDer::into_owned);
                self.exchange(stream, peer, &slot, answer).await;
            }
            Err(error) => tracing::debug!(%error, "the TLS handshake failed"),
        }
    }

    async fn exchange<F, B>(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: Peer,
        slot: &Slot,
        answer: impl Fn(http::Request<Inbound>, Peer) -> F + Send + Sync,
    ) where
        F: Future<Output = http::Response<B>> + Send + 'static,
        B: Body<Data = Bytes> + Unpin + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let stream = Stream::new(stream, self.timeout);
        let (faults, count, timeout) = (stream.faults(), AtomicU64::new(0), self.timeout);
        let service = service_fn(|request: http::Request<hyper::body::Incoming>| {
            let in_flight = slot.begin();
            let awaited = in_flight.body();
            let mut request = request.map(|body| Inbound::of_client(body, timeout, awaited));
            let fault = match request.version() {
                Version::HTTP_2 => None,
                _ => faults.of(count.fetch_add(1, Ordering::Relaxed)),
            };
            let broken = fault.is_some();
            let is_head = request.method() == Method::HEAD;
            if let Some(refused) = fault {
                request.extensions_mut().insert(refused.clone());
            }
            let answered = answer(request, peer.clone());
            async move {
                let mut response = answered.await;
                if broken {
                    // Where the next request begins is unknown.
                    let close = HeaderValue::from_static("close");
                    response.headers_mut().insert(header::CONNECTION, close);
                }
                Ok::<_, Infallible>(match is_head {
                    true => streams::without_body(response, in_flight),
                    false => response.map(|body| Answer::new(body, in_flight)),
                })
            }
        });
        let connection = self.builder.serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let ending = tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(error, "a connection failed");
                }
                return;
            }
            over = slot.over(timeout) => match over {
                Over::Evicted => return,
                Over::Idle => false,
            },
            () = self.end.cancelled() => true,
        };
        connection.as_mut().graceful_shutdown();
        // An idle connection gets no time beyond that; requests in progress have their own limits.
        if ending {
            let idle = async {
                tokio::time::sleep(CLOSE_TIMEOUT).await;
                slot.idle(Duration::ZERO).await;
            };
            tokio::select! {
                _ = connection => {}
                () = idle => {}
            }
        } else {
            let _ = tokio::time::timeout(CLOSE_TIMEOUT, connection).await;
        }
    }
}

/// The connection slots of one address, as configured.
pub(super) fn slots(config: &Config, metrics: ConnectionMetrics) -> Arc<Slots> {
    let connections = &config.connections;
    let most = connections
        .most
        .map_or_else(descriptors::default_connections, NonZeroUsize::get);
    let per_address = connections.per_address.map(NonZeroUsize::get);
    let limits = Limits {
        most,
        per_peer: per_address.unwrap_or(most.div_ceil(4)),
        exempt: config.trusted_proxies.clone(),
    };
    Slots::new(limits, metrics)
}

/// The connection slots of the admin address.
pub(super) fn admin_slots(metrics: ConnectionMetrics) -> Arc<Slots> {
    let limits = Limits {
        most: ADMIN,
        per_peer: ADMIN,
        exempt: Vec::new(),
    };
    Slots::new(limits, metrics)
}

/// Sets the protocol options of connections.
fn builder(timeout: Duration) -> auto::Builder<Streams> {
    let mut builder = auto::Builder::new(Streams { limit: timeout });
    builder
        .http1()
        .timer(TokioTimer::new())
        // The connection's limit covers the head.
        .header_read_timeout(None)
        .max_buf_size(HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(timeout)
        .max_concurrent_streams(STREAMS)
        .max_send_buf_size(SEND_BYTES)
        .max_header_list_size(u32::try_from(HEAD_BYTES).unwrap_or(u32::MAX));
    builder
}
