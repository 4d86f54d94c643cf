//! A body that comes in pieces, each a frame of its own, with trailers or without.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame};

pub(crate) struct Pieces(VecDeque<Frame<Bytes>>);

impl Pieces {
    /// Pieces of at most so many bytes.
    pub(crate) fn new(body: &[u8], size: usize, trailers: bool) -> Self {
        let pieces = body.chunks(size);
        let mut frames: VecDeque<_> = pieces
            .map(|piece| Frame::data(Bytes::copy_from_slice(piece)))
            .collect();
        if trailers {
            let mut trailers = http::HeaderMap::new();
            trailers.insert("x-checksum", http::HeaderValue::from_static("none"));
            frames.push_back(Frame::trailers(trailers));
        }
        Self(frames)
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}
