//! Whether anybody still wants the result. Before something is forwarded, work ends with its client
//! and with the process.

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::incoming::Refused;

/// Whether somebody still wants a result.
pub(super) struct Wanted {
    /// `None` once something was forwarded, which is completed in any case; or if nobody waits.
    gone: Option<oneshot::Receiver<()>>,
    /// The process ends, and has waited long enough.
    ending: CancellationToken,
}

// === impl Wanted ===

impl Wanted {
    /// `gone` ends when the client disconnects.
    pub(super) fn new(gone: Option<oneshot::Receiver<()>>, ending: CancellationToken) -> Self {
        Self { gone, ending }
    }

    /// Notes that something is about to be forwarded.
    pub(super) fn forwards(&mut self) -> Result<(), Refused> {
        if self.ending.is_cancelled() {
            return Err(ending());
        }
        self.gone = None;
        Ok(())
    }

    /// Runs work that ends, with its leases, when nobody wants it any more.
    pub(super) async fn until_forwarded<T>(
        &mut self,
        work: impl Future<Output = Result<T, Refused>>,
    ) -> Result<T, Refused> {
        let Self { gone, ending: ends } = self;
        let gone = async {
            match gone {
                // The client never sends on it: its end is only dropped.
                Some(gone) => gone.await.is_ok(),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            done = work => done,
            _ = gone => Err(Refused::new(
                "plugin.timeout",
                "The client disconnected before the decision. Nothing was forwarded.",
            )),
            () = ends.cancelled() => Err(ending()),
        }
    }
}

fn ending() -> Refused {
    Refused::new(
        "facts.unavailable",
        "The guard is shutting down, and the request was not decided in time. Repeat it.",
    )
}
