//! HTTP/2 streams: when a client stops reading one response, that stream ends without the others of
//! its connection. HTTP/1 has the limit on the connection's writes instead.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header;
use hyper::body::{Body, Frame, SizeHint};
use hyper::rt::Executor;
use tokio::time::Instant;

use crate::proxy::slots::InFlight;

tokio::task_local! {
    static TAKEN: Arc<Taken>;
}

/// Runs each stream as a task, as long as its client reads what it is sent.
#[derive(Clone)]
pub(crate) struct Streams {
    pub(super) limit: Duration,
}

/// The body of a response on its way to the client.
pub(super) struct Answer<B> {
    /// `None`: there is none, or there must be none.
    body: Option<B>,
    _in_flight: InFlight,
}

/// Since when the client has not read the data that is ready for it.
#[derive(Default)]
struct Taken(Mutex<Option<Instant>>);

impl<F> Executor<F> for Streams
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, stream: F) {
        let taken = Arc::<Taken>::default();
        let (within, limit) = (Arc::clone(&taken), self.limit);
        tokio::spawn(TAKEN.scope(within, async move {
            tokio::select! {
                _ = stream => {}
                // Dropping the stream resets it.
                () = taken.stalled(limit) => tracing::debug!("a client did not read its response"),
            }
        }));
    }
}

impl Taken {
    fn set(&self, since: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    fn get(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn stalled(&self, limit: Duration) {
        loop {
            let since = self.get();
            tokio::time::sleep_until(since.unwrap_or_else(Instant::now) + limit).await;
            if since.is_some() && self.get() == since {
                return;
            }
        }
    }
}

/// Data is ready for the client now, or none is.
fn offered(since: Option<Instant>) {
    // HTTP/1 streams are not tasks of this executor.
    let _ = TAKEN.try_with(|taken| taken.set(since));
}

/// The response to a HEAD: as for GET, including its length, but without the body (RFC 9110 §9.3.2). Over
/// HTTP/2 the server would send one (RFC 9113 §8.1.1), and clients reset such a stream.
pub(super) fn without_body<B: Body>(
    response: http::Response<B>,
    in_flight: InFlight,
) -> http::Response<Answer<B>> {
    let (mut parts, body) = response.into_parts();
    let length = body.size_hint().exact().filter(|_| !body.is_end_stream());
    if let Some(length) = length {
        let headers = &mut parts.headers;
        headers
            .entry(header::CONTENT_LENGTH)
            .or_insert_with(|| length.into());
    }
    http::Response::from_parts(parts, Answer::of(None, in_flight))
}

impl<B> Answer<B> {
    pub(super) fn new(body: B, in_flight: InFlight) -> Self {
        Self::of(Some(body), in_flight)
    }

    fn of(body: Option<B>, in_flight: InFlight) -> Self {
        offered(Some(Instant::now()));
        Self {
            body,
            _in_flight: in_flight,
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Answer<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        // While it is polled, nothing waits for the client.
        offered(None);
        let frame = match &mut self.body {
            Some(body) => ready!(Pin::new(body).poll_frame(context)),
            None => None,
        };
        offered(Some(Instant::now()));
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let hint = self.body.as_ref().map(Body::size_hint);
        hint.unwrap_or_else(|| SizeHint::with_exact(0))
    }
}
