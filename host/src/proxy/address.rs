//! One address that is listened on: HTTP/1.1 and HTTP/2, in clear text or by TLS.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_util::sync::CancellationToken;

use super::body::Outgoing;

/// Head of a request: more than any identity provider sends.
const HEAD_BYTES: usize = 64 * 1024;

/// An address, and how connections to it are served.
pub(super) struct Address {
    listener: TcpListener,
    connections: Connections,
}

/// The other end of a connection.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) address: IpAddr,
    /// Of a good certificate that it has shown.
    pub(super) certificate: Option<CertificateDer<'static>>,
}

#[derive(Clone)]
struct Connections {
    builder: auto::Builder<TokioExecutor>,
    tls: Option<TlsAcceptor>,
    timeout: Duration,
}

impl Address {
    /// `timeout`: how long the other end may take for a handshake, and for the head of a request.
    pub(super) fn new(listener: TcpListener, tls: Option<TlsAcceptor>, timeout: Duration) -> Self {
        Self {
            listener,
            connections: Connections {
                builder: builder(timeout),
                tls,
                timeout,
            },
        }
    }

    /// Takes connections until the end, and then waits for the requests on them.
    pub(super) async fn serve<F>(
        self,
        answer: impl Fn(http::Request<Incoming>, Peer) -> F + Clone + Send + 'static,
        end: CancellationToken,
    ) where
        F: Future<Output = http::Response<Outgoing>> + Send + 'static,
    {
        let graceful = GracefulShutdown::new();
        loop {
            let accepted = tokio::select! {
                () = end.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let (connections, watcher) = (self.connections.clone(), graceful.watcher());
                    tokio::spawn(connections.connect(stream, peer.ip(), watcher, answer.clone()));
                }
                Err(error) => {
                    // Out of file descriptors, usually: wait for connections to end.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        drop(self.listener);
        graceful.shutdown().await;
    }
}

impl Connections {
    async fn connect<F>(
        self,
        stream: TcpStream,
        address: IpAddr,
        watcher: Watcher,
        answer: impl Fn(http::Request<Incoming>, Peer) -> F + Send + 'static,
    ) where
        F: Future<Output = http::Response<Outgoing>> + Send + 'static,
    {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection ended early");
            return;
        }
        let mut peer = Peer {
            address,
            certificate: None,
        };
        let Some(tls) = &self.tls else {
            return self.exchange(stream, peer, watcher, answer).await;
        };
        match tokio::time::timeout(self.timeout, tls.accept(stream)).await {
            Ok(Ok(stream)) => {
                let shown = stream.get_ref().1.peer_certificates();
                let own = shown.and_then(<[_]>::first).cloned();
                peer.certificate = own.map(CertificateDer::into_owned);
                self.exchange(stream, peer, watcher, answer).await;
            }
            Ok(Err(error)) => tracing::debug!(%error, "no TLS connection came about"),
            Err(error) => tracing::debug!(%error, "a TLS handshake took too long"),
        }
    }

    async fn exchange<F>(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: Peer,
        watcher: Watcher,
        answer: impl Fn(http::Request<Incoming>, Peer) -> F,
    ) where
        F: Future<Output = http::Response<Outgoing>> + Send + 'static,
    {
        let service = service_fn(move |request: http::Request<Incoming>| {
            let answered = answer(request, peer.clone());
            async move { Ok::<_, Infallible>(answered.await) }
        });
        let connection = self
            .builder
            .serve_connection(TokioIo::new(stream), service)
            .into_owned();
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "a connection broke off");
        }
    }
}

/// How connections are spoken to, with a time for the head of each request.
pub(crate) fn builder(timeout: Duration) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(timeout)
        .max_buf_size(HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(timeout)
        .max_header_list_size(u32::try_from(HEAD_BYTES).unwrap_or(u32::MAX));
    builder
}
