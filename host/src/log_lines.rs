//! The process's own log: one JSON line for each event, with everything hidden that looks like a secret.

use std::io::{self, Write};

use scimguard_core::hide_secrets;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Hides secrets in whole lines.
struct Hiding<W>(W);

impl<W: Write> Write for Hiding<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        self.0.write_all(hide_secrets(&text).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Makes writers that hide secrets.
struct AllHiding<M>(M);

impl<'w, M: MakeWriter<'w>> MakeWriter<'w> for AllHiding<M> {
    type Writer = Hiding<M::Writer>;

    fn make_writer(&'w self) -> Self::Writer {
        Hiding(self.0.make_writer())
    }
}

/// Writes events as lines.
pub(crate) fn lines<M>(writer: M, filter: EnvFilter) -> impl Subscriber + Send + Sync
where
    M: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        // A failed write cannot be reported either: a full disk must not end the guard.
        .log_internal_errors(false)
        .with_writer(AllHiding(writer))
        .with_env_filter(filter)
        .finish()
}
