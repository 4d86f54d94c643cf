//! A scripted backend on its own socket.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A request as the backend received it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: http::HeaderMap,
    pub(super) body: Vec<u8>,
}

/// A backend on its own socket.
pub(super) struct Backend {
    pub(super) address: SocketAddr,
    pub(super) seen: Arc<Mutex<Vec<Seen>>>,
    pub(super) task: JoinHandle<()>,
}

impl Backend {
    /// Answers every request by `handle`, after reading it completely.
    pub(super) async fn start<F>(handle: impl Fn(Seen) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = http::Response<Full<Bytes>>> + Send + 'static,
    {
        let handle = Arc::new(handle);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let record = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (handle, record) = (Arc::clone(&handle), Arc::clone(&record));
                let service = service_fn(move |request: http::Request<Incoming>| {
                    let (handle, record) = (Arc::clone(&handle), Arc::clone(&record));
                    async move {
                        let (parts, body) = request.into_parts();
                        let seen = Seen {
                            method: parts.method.to_string(),
                            path: parts.uri.to_string(),
                            headers: parts.headers,
                            body: body.collect().await.unwrap().to_bytes().to_vec(),
                        };
                        record.lock().unwrap().push(seen.clone());
                        Ok::<_, Infallible>(handle(seen).await)
                    }
                });
                tokio::spawn(async move {
                    let builder = auto::Builder::new(TokioExecutor::new());
                    // The test checks what the client receives.
                    let _ = builder
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self {
            address,
            seen,
            task,
        }
    }

    pub(super) async fn ok() -> Self {
        Self::start(async |_| json(200, "{}")).await
    }

    /// Answers with this status after so many milliseconds.
    pub(super) async fn slow(millis: u64, status: u16) -> Self {
        let time = std::time::Duration::from_millis(millis);
        Self::start(move |_| async move {
            tokio::time::sleep(time).await;
            json(status, "{}")
        })
        .await
    }

    /// Reads the request, writes exactly these bytes, then closes.
    pub(super) async fn raw(says: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut buffer = [0; 4096];
                let _ = stream.read(&mut buffer).await;
                let _ = stream.write_all(says).await;
            }
        });
        Self {
            address,
            seen: Arc::default(),
            task,
        }
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(super) fn json(status: u16, body: &'static str) -> http::Response<Full<Bytes>> {
    http::Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(Full::from(body))
        .unwrap()
}
