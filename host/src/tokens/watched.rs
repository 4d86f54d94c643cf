//! A file that is read again when it changes.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use tokio::time::Instant;

use crate::causes::with_causes;

/// How long a change may go unnoticed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A file and its last content.
pub(crate) struct Watched<T> {
    file: PathBuf,
    parse: fn(&[u8]) -> anyhow::Result<T>,
    state: Mutex<State<T>>,
}

struct State<T> {
    /// When the file was last checked for a change.
    looked: Instant,
    version: Option<Version>,
    /// Its content; `None` if it cannot be used.
    content: Option<Arc<T>>,
}

/// What differs between two versions of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Version {
    modified: Option<SystemTime>,
    length: u64,
    /// An atomic replacement may keep the other two.
    #[cfg(unix)]
    inode: u64,
}

impl<T> Watched<T> {
    /// Reads the file for the first time.
    pub(crate) fn new(
        file: PathBuf,
        parse: fn(&[u8]) -> anyhow::Result<T>,
    ) -> anyhow::Result<Self> {
        let watched = Self {
            file,
            parse,
            state: Mutex::new(State {
                looked: Instant::now(),
                version: None,
                content: None,
            }),
        };
        let (version, content) = watched.read()?;
        let mut state = watched.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.version = Some(version);
        state.content = Some(Arc::new(content));
        drop(state);
        Ok(watched)
    }

    /// The content of the file. `None`: it cannot be read or parsed now.
    pub(crate) fn content(&self) -> Option<Arc<T>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.looked.elapsed() >= LOOK_EVERY {
            state.looked = Instant::now();
            self.look(&mut state);
        }
        state.content.clone()
    }

    fn look(&self, state: &mut State<T>) {
        if state.version.is_some() && self.version().ok() == state.version {
            return;
        }
        match self.read() {
            Ok((version, content)) => {
                tracing::info!(file = %self.file.display(), "a changed file was read");
                state.version = Some(version);
                state.content = Some(Arc::new(content));
            }
            Err(error) => {
                // Logged once for each version that cannot be used.
                let version = self.version().ok();
                if state.content.is_some() || version != state.version {
                    tracing::error!(
                        why = with_causes(error.as_ref()),
                        "a changed file cannot be used"
                    );
                }
                state.version = version;
                state.content = None;
            }
        }
    }

    /// Takes the version first: a change while reading is noticed the next time.
    fn read(&self) -> anyhow::Result<(Version, T)> {
        let place = || format!("in {}", self.file.display());
        let version = self.version().with_context(place)?;
        let bytes = std::fs::read(&self.file).with_context(place)?;
        let content = (self.parse)(&bytes).with_context(place)?;
        Ok((version, content))
    }

    fn version(&self) -> std::io::Result<Version> {
        let metadata = std::fs::metadata(&self.file)?;
        Ok(Version {
            modified: metadata.modified().ok(),
            length: metadata.len(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(&metadata),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> anyhow::Result<String> {
        Ok(std::str::from_utf8(bytes)?.to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_is_seen_after_a_second_and_a_fault_is_no_content() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("it");
        assert!(Watched::new(file.clone(), text).is_err());
        std::fs::write(&file, "one").unwrap();
        let watched = Watched::new(file.clone(), text).unwrap();
        std::fs::write(&file, "other").unwrap();
        let content = || watched.content().map(|text| text.as_str().to_owned());
        assert_eq!(content().as_deref(), Some("one"));
        tokio::time::advance(LOOK_EVERY).await;
        assert_eq!(content().as_deref(), Some("other"));

        for fault in ["not UTF-8", "gone"] {
            match fault {
                "gone" => std::fs::remove_file(&file).unwrap(),
                _ => std::fs::write(&file, [0xff]).unwrap(),
            }
            tokio::time::advance(LOOK_EVERY).await;
            assert_eq!(content(), None, "{fault}");
        }
        std::fs::write(&file, "back").unwrap();
        tokio::time::advance(LOOK_EVERY).await;
        assert_eq!(content().as_deref(), Some("back"));
    }
}
