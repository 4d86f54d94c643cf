//! The process's own log, one line for each event: JSON for programs, readable text on a terminal.
//! Everything that looks like a secret is hidden.

use std::fmt;
use std::io::{self, IsTerminal as _, Write};

use scimguard_core::hide_secrets;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::util::SubscriberInitExt as _;

/// What a command reports beside its output.
const NOTES: &str = "off,scimguard::engine=info";

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

/// The time of an event to the second.
struct Seconds;

impl FormatTime for Seconds {
    fn format_time(&self, out: &mut Writer<'_>) -> fmt::Result {
        let now = jiff::Timestamp::now();
        write!(out, "{}", now.strftime("%Y-%m-%dT%H:%M:%SZ"))
    }
}

/// Logs what a server does to standard error. `RUST_LOG` chooses other levels.
pub(crate) fn of_server() {
    let filter = filter("info");
    match io::stderr().is_terminal() {
        true => readable(io::stderr, filter).init(),
        false => json(io::stderr, filter).init(),
    }
}

/// Writes what takes a command long to standard error. `RUST_LOG` chooses other events.
pub(crate) fn of_command() {
    tracing_subscriber::fmt()
        .with_ansi(false)
        .without_time()
        .with_level(false)
        .with_target(false)
        .log_internal_errors(false)
        .with_writer(AllHiding(io::stderr))
        .with_env_filter(filter(NOTES))
        .finish()
        .init();
}

fn filter(otherwise: &str) -> EnvFilter {
    EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(otherwise))
}

/// Writes events as lines of JSON.
pub(crate) fn json<M>(writer: M, filter: EnvFilter) -> impl Subscriber + Send + Sync
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

/// Writes events as lines of text, without colours: a secret is recognised by the text before it.
fn readable<M>(writer: M, filter: EnvFilter) -> impl Subscriber + Send + Sync
where
    M: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_timer(Seconds)
        .with_target(false)
        .log_internal_errors(false)
        .with_writer(AllHiding(writer))
        .with_env_filter(filter)
        .finish()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_for_people_is_plain_and_hides_secrets() {
        let kept = Kept::default();
        let writer = kept.clone();
        let lines = readable(move || writer.clone(), EnvFilter::new("info"));
        tracing::subscriber::with_default(lines, || {
            tracing::info!(
                listen = "127.0.0.1:8080",
                why = "it sent Bearer sat.ACC1.t1.abcdefgh12345678",
                "ready"
            );
        });
        let line = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(time.parse::<jiff::Timestamp>().is_ok(), "{line}");
        assert!(
            rest.trim_start()
                .starts_with("INFO ready listen=\"127.0.0.1:8080\""),
            "{line}"
        );
        assert!(!line.contains("abcdefgh12345678"), "{line}");
        assert!(!line.contains('\u{1b}'), "{line}");
    }
}
