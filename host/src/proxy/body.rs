//! Bodies on their way through: read up to a limit, or streamed without trailers.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};

/// What goes out, to either side.
pub(super) enum Outgoing {
    /// Known bytes; the length is written from them.
    Whole(Option<Bytes>),
    /// As it comes in, but for trailers: neither side agreed to them.
    Stream(Incoming),
}

/// A body that has been read.
pub(super) enum Collected {
    None,
    Bytes(Bytes),
    OverLimit,
}

/// Reads a body of at most `limit` bytes. A larger one is left where the limit was passed, or
/// untouched if its length was announced.
pub(super) async fn collect(mut body: Incoming, limit: u64) -> Result<Collected, hyper::Error> {
    if body.size_hint().lower() > limit {
        return Ok(Collected::OverLimit);
    }
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        let size = u64::try_from(bytes.len() + data.len()).unwrap_or(u64::MAX);
        if size > limit {
            return Ok(Collected::OverLimit);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(if bytes.is_empty() {
        Collected::None
    } else {
        Collected::Bytes(bytes.freeze())
    })
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
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
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
