//! The file itself: only its owner may read it, and its name must still refer to the open file.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::Error;

/// With less space, SQLite cannot even create its shared memory.
const TOO_LITTLE: u64 = 64 * 1024;

/// The name of a file, and the file that had this name when it was opened.
pub(super) struct Place {
    path: PathBuf,
    identity: (u64, u64),
}

impl Place {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            identity: identity(path)?,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn is_full(&self) -> bool {
        is_full(&self.path)
    }

    /// Fails if the name now refers to another file: writes would be lost, and reads would be
    /// stale.
    pub(super) fn check(&self) -> Result<(), Error> {
        match identity(&self.path) {
            Ok(identity) if identity == self.identity => Ok(()),
            _ => Err(Error::Replaced(self.path.display().to_string())),
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let file = std::fs::metadata(path)?;
    Ok((file.dev(), file.ino()))
}

/// Creates the file so that only its owner can read it: it contains names, addresses and token
/// hashes.
pub(super) fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options.open(path).map(drop)
}

/// Whether the disk of a file has too little space for a database.
pub(super) fn is_full(path: &Path) -> bool {
    rustix::fs::statvfs(path).is_ok_and(|disk| disk.f_bavail * disk.f_frsize < TOO_LITTLE)
}
