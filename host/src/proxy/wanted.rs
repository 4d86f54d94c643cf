//! Does anybody still want what is worked on? Before something is forwarded, work ends with its client, and
//! with the process.

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::incoming::Refused;

/// Whether somebody still wants what nothing has come of yet.
pub(super) struct Wanted {
    /// `None` once something was forwarded, which is worked on to its end; or if nobody waits.
    gone: Option<oneshot::Receiver<()>>,
    /// The process ends, and has waited long enough.
    ending: CancellationToken,
}

// === impl Wanted ===

impl Wanted {
    /// `gone` ends when the client has gone.
    pub(super) fn new(gone: Option<oneshot::Receiver<()>>, ending: CancellationToken) -> Self {
        Self { gone, ending }
    }

    /// Something is about to be forwarded.
    pub(super) fn forwards(&mut self) -> Result<(), Refused> {
        if self.ending.is_cancelled() {
            return Err(ending());
        }
        self.gone = None;
        Ok(())
    }

    /// Work that ends, with its leases, when nobody wants it any more.
    pub(super) async fn until_forwarded<T>(
        &mut self,
        work: impl Future<Output = Result<T, Refused>>,
    ) -> Result<T, Refused> {
        let Self { gone, ending: ends } = self;
        let gone = async {
            match gone {
                // The client never says anything: its end of this is dropped.
                Some(gone) => gone.await.is_ok(),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            done = work => done,
            _ = gone => Err(Refused::new(
                "plugin.timeout",
                "The client has gone before there was a decision. Nothing was forwarded.",
            )),
            () = ends.cancelled() => Err(ending()),
        }
    }
}

fn ending() -> Refused {
    Refused::new(
        "facts.unavailable",
        "The guard is ending, and the request was not decided in time. Repeat it.",
    )
}
