//! Compiled plugins on disk. This code runs unchecked, so the folder belongs to this user alone,
//! and a file counts only if it is complete.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use scimguard_core::Settings;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A file consists of this, the SHA-256 of everything after the hash, the length of a JSON document
/// (4 bytes, little endian), the document, and the code.
const MAGIC: &[u8] = b"scimguard code 1\n";

/// Each plugin and each policy document adds a file of about 20 MB, and each plugin one of its functions.
/// Only the most recently used files are kept.
const KEPT: usize = 12;

/// The cache, or none if the folder cannot be used.
#[derive(Clone)]
pub(super) struct CodeCache {
    folder: Option<PathBuf>,
}

/// One file of it.
pub(super) struct Entry {
    pub(super) code: Vec<u8>,
    /// The plugin's settings, if it was configured before it was compiled.
    pub(super) settings: Option<Settings>,
}

#[derive(Serialize, Deserialize)]
struct About {
    settings: Option<Stored>,
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Stored(#[serde(with = "SettingsFields")] Settings);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Settings")]
struct SettingsFields {
    body_limit: u64,
    answer_limit: u64,
    rounds: u32,
    passes: u32,
    scim_base: String,
    upstream_base: String,
    scim_account: Option<String>,
}

/// The default folder of compiled plugins.
#[must_use]
pub fn default_folder() -> PathBuf {
    let from = |variable| std::env::var_os(variable).filter(|value| !value.is_empty());
    from("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| from("HOME").map(|home| Path::new(&home).join(".cache")))
        .map_or_else(
            || {
                let user = rustix::process::geteuid().as_raw();
                std::env::temp_dir().join(format!("scimguard-{user}"))
            },
            |cache| cache.join("scimguard"),
        )
}

impl CodeCache {
    pub(super) fn open(folder: &Path) -> Self {
        let folder = match make_private(folder) {
            Ok(()) => Some(folder.to_owned()),
            Err(error) => {
                tracing::warn!(
                    folder = %folder.display(), %error,
                    "compiled plugins are not cached: every start compiles again"
                );
                None
            }
        };
        Self { folder }
    }

    pub(super) fn get(&self, key: &[u8; 32]) -> Option<Entry> {
        let path = self.path(key)?;
        let entry = fs::read(&path).ok()?;
        let read = decode(entry);
        if read.is_none() {
            tracing::warn!(file = %path.display(), "a damaged compiled plugin is compiled again");
        } else if let Ok(file) = OpenOptions::new().append(true).open(&path) {
            // If the time cannot be set, the file only looks less recently used.
            let _ = file.set_modified(SystemTime::now());
        }
        read
    }

    /// Logs that compilation starts, which takes a while.
    pub(super) fn log_miss(&self) {
        let folder = self.folder.as_ref().map(|folder| folder.display());
        tracing::info!(
            cache = folder.map(tracing::field::display),
            "compiling the policy plugin; this takes up to a minute, once for each plugin"
        );
    }

    pub(super) fn put(&self, key: &[u8; 32], code: &[u8], settings: Option<&Settings>) {
        let Some(path) = self.path(key) else { return };
        let written = encode(code, settings)
            .and_then(|entry| write(&path, &entry))
            .and_then(|()| self.prune());
        if let Err(error) = written {
            tracing::warn!(file = %path.display(), %error, "the compiled plugin was not cached");
        }
    }

    fn path(&self, key: &[u8; 32]) -> Option<PathBuf> {
        let name: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        Some(self.folder.as_ref()?.join(name))
    }

    fn prune(&self) -> io::Result<()> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let mut files: Vec<(SystemTime, PathBuf)> = fs::read_dir(folder)?
            .map(|file| file.and_then(|file| Ok((file.metadata()?.modified()?, file.path()))))
            .collect::<io::Result<_>>()?;
        files.sort();
        let old = files.len().saturating_sub(KEPT);
        files
            .iter()
            .take(old)
            .try_for_each(|(_, path)| fs::remove_file(path))
    }
}

fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let found = fs::symlink_metadata(folder)?;
    if !found.is_dir() {
        return Err(io::Error::other("it is a link; give the folder itself"));
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("it belongs to another user"));
    }
    if found.mode() & 0o077 != 0 {
        return Err(io::Error::other(
            "it is open to other users; `chmod 700` it",
        ));
    }
    Ok(())
}

fn encode(code: &[u8], settings: Option<&Settings>) -> io::Result<Vec<u8>> {
    let about = serde_json::to_vec(&About {
        settings: settings.cloned().map(Stored),
    })?;
    let length = u32::try_from(about.len()).map_err(io::Error::other)?;
    let content = [&length.to_le_bytes()[..], &about, code].concat();
    Ok([MAGIC, &Sha256::digest(&content), &content].concat())
}

fn decode(mut entry: Vec<u8>) -> Option<Entry> {
    let (digest, content) = entry.strip_prefix(MAGIC)?.split_at_checked(32)?;
    if digest != Sha256::digest(content).as_slice() {
        return None;
    }
    let (length, content) = content.split_first_chunk()?;
    let (about, code) = content.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let about: About = serde_json::from_slice(about).ok()?;
    let start = entry.len() - code.len();
    Some(Entry {
        code: entry.split_off(start),
        settings: about.settings.map(|stored| stored.0),
    })
}

/// A reader sees the whole file or none.
fn write(path: &Path, entry: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension(std::process::id().to_string());
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)
        .and_then(|mut file| file.write_all(entry))
        .and_then(|()| fs::rename(&unfinished, path))
        .inspect_err(|_| drop(fs::remove_file(&unfinished)))
}
