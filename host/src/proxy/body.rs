//! Message bodies: read up to a limit, or streamed without trailers.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep};

use super::slots::Awaited;

/// An incoming body, from either side.
pub(crate) struct Inbound {
    body: Incoming,
    /// How long the sender may send nothing.
    limit: Duration,
    /// Runs while the sender sends nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Only for a client's body: its connection may be evicted meanwhile.
    awaited: Option<Awaited>,
}

/// A body that did not arrive completely.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error(transparent)]
    Broken(#[from] hyper::Error),
    #[error("nothing arrived for {0:?}")]
    Stalled(Duration),
}

/// An outgoing body, to either side.
pub(crate) enum Outgoing {
    /// Known bytes, which give the Content-Length.
    Whole(Option<Bytes>),
    /// Streamed as it arrives, without trailers: neither side agreed to them.
    Stream(Inbound),
}

/// A body that has been read.
pub(super) enum BufferedBody {
    None,
    Bytes(Bytes),
    OverLimit,
}

/// Reads a body of at most `limit` bytes. Stops reading a larger one at the limit, or does not
/// start if its length was announced.
pub(super) async fn collect(mut body: Inbound, limit: u64) -> Result<BufferedBody, BodyError> {
    if body.size_hint().lower() > limit {
        return Ok(BufferedBody::OverLimit);
    }
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        let size = u64::try_from(bytes.len() + data.len()).unwrap_or(u64::MAX);
        if size > limit {
            return Ok(BufferedBody::OverLimit);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(if bytes.is_empty() {
        BufferedBody::None
    } else {
        BufferedBody::Bytes(bytes.freeze())
    })
}

impl Inbound {
    /// The body of a client's request.
    pub(super) fn of_client(body: Incoming, limit: Duration, awaited: Awaited) -> Self {
        Self {
            body,
            limit,
            stalled: None,
            awaited: Some(awaited),
        }
    }

    /// The body of the backend's answer.
    pub(super) fn of_backend(body: Incoming, limit: Duration) -> Self {
        Self {
            body,
            limit,
            stalled: None,
            awaited: None,
        }
    }
}

impl Body for Inbound {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.body).poll_frame(context);
        if let Some(awaited) = &mut this.awaited {
            awaited.set(frame.is_pending());
        }
        if let Poll::Ready(frame) = frame {
            this.stalled = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(BodyError::from)));
        }
        let limit = this.limit;
        let stalled = this
            .stalled
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + limit)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Some(Err(BodyError::Stalled(limit))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Outgoing {
    pub(super) fn empty() -> Self {
        Self::Whole(None)
    }
}

impl From<Vec<u8>> for Outgoing {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Whole(Some(bytes.into()).filter(|bytes: &Bytes| !bytes.is_empty()))
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream(incoming) => {
                let frame = ready!(Pin::new(incoming).poll_frame(context));
                Poll::Ready(
                    frame.filter(|frame| !matches!(frame, Ok(frame) if frame.is_trailers())),
                )
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Stream(incoming) => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                let length = bytes.as_ref().map_or(0, Bytes::len);
                SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
            }
            Self::Stream(incoming) => incoming.size_hint(),
        }
    }
}
