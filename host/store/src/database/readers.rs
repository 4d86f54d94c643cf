//! The reading connections.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::place::Place;
use super::{BUSY, Error, Statements as _, connect};

/// The most idle connections that are kept.
const IDLE: usize = 8;

/// The most large queries at the same time.
const LARGE: usize = 4;

/// A short query never waits: if no connection is idle, it opens one. There are never more
/// connections than calling threads, since a query stays on its thread.
pub(super) struct Readers {
    place: Arc<Place>,
    /// `None`: closed.
    idle: Mutex<Option<Vec<Connection>>>,
    large: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(place: Arc<Place>) -> Self {
        Self {
            place,
            idle: Mutex::new(Some(Vec::new())),
            large: Arc::new(Semaphore::new(LARGE)),
        }
    }

    pub(super) fn read<T>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        self.place.check()?;
        let idle = self.idle().as_mut().ok_or(Error::Closed)?.pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(self.place.path(), "PRAGMA query_only = ON")?,
        };
        connection.change("BEGIN", ())?;
        let answer = question(&connection)?;
        connection.change("COMMIT", ())?;
        if let Some(idle) = &mut *self.idle()
            && idle.len() < IDLE
        {
            idle.push(connection);
        }
        Ok(answer)
    }

    /// Waits for a permit to run a large query, in the order of arrival.
    pub(super) async fn permit_large(&self) -> Result<OwnedSemaphorePermit, Error> {
        let permit = Arc::clone(&self.large).acquire_owned();
        match tokio::time::timeout(BUSY, permit).await {
            Ok(permit) => permit.map_err(|_| Error::Closed),
            Err(_) => Err(Error::Busy),
        }
    }

    pub(super) fn close(&self) {
        self.large.close();
        *self.idle() = None;
    }

    fn idle(&self) -> MutexGuard<'_, Option<Vec<Connection>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
