//! The policy as a component: compiled once, and a fresh, configured instance for each pass.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use scimguard_core::Settings;
use sha2::{Digest as _, Sha256};
use wasmtime::component::{Component, InstancePre};
use wasmtime::{Store, StoreLimits};

use super::cache::{CodeCache, Entry};
use super::instance::{Accepted, Instance, accept, configured, empty, foreign};
use super::runtime::Runtime;
use super::snapshot::{self, Snapshot};
use super::{Engine, Fault, LoadError};

/// A compiled component, for any number of policy documents.
pub struct Plugin {
    runtime: Runtime,
    policy: Accepted,
}

/// A component with its policy document.
pub struct Sandbox {
    runtime: Runtime,
    policy: Accepted,
    start: Start,
    settings: Settings,
}

/// The state in which a new instance starts.
enum Start {
    /// A snapshot of an instance that has read the document.
    Configured,
    /// Unconfigured: it has to read the document first.
    Empty(Arc<str>),
}

impl Plugin {
    /// Compiles the component in this file, or finds it in the cache.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn load(path: &Path, cache_dir: &Path) -> Result<Self, LoadError> {
        let bytes = read(path)?;
        let cache = CodeCache::open(cache_dir);
        let runtime = Runtime::start(&sha256(&bytes), &cache)?;
        Self::compile(runtime, path, &bytes, &cache)
    }

    fn compile(
        runtime: Runtime,
        path: &Path,
        bytes: &[u8],
        cache: &CodeCache,
    ) -> Result<Self, LoadError> {
        let component = compiled(&runtime, path, bytes, cache)?;
        let policy = accept(&runtime, path, &component)?;
        Ok(Self { runtime, policy })
    }

    /// The template of its instances.
    pub(super) fn instance_pre(&self) -> &InstancePre<StoreLimits> {
        &self.policy.pre
    }

    /// The store of one instance.
    pub(super) fn store(&self) -> Store<StoreLimits> {
        self.runtime.store()
    }

    /// Sets a policy document, which every new instance reads.
    ///
    /// # Errors
    /// If the document is faulty, or the plugin failed while reading it.
    pub fn configure(&self, policy: &str) -> Result<Engine, LoadError> {
        let (_, settings) = configured(&self.runtime, &self.policy, policy)?;
        Ok(Engine::Wasm(Arc::new(Sandbox {
            runtime: self.runtime.clone(),
            policy: self.policy.clone(),
            start: Start::Empty(policy.into()),
            settings,
        })))
    }
}

impl Sandbox {
    pub(super) fn load_snapshot(
        path: &Path,
        policy: &str,
        cache_dir: &Path,
    ) -> Result<Engine, LoadError> {
        let bytes = read(path)?;
        let cache = CodeCache::open(cache_dir);
        // Hashed once: a start with everything in the cache does little else.
        let digest = sha256(&bytes);
        let runtime = Runtime::start(&digest, &cache)?;
        let key = runtime.digest(&[&digest, policy.as_bytes()]);
        if let Some(Entry {
            code,
            settings: Some(settings),
        }) = cache.get(&key)
            && let Ok(component) = runtime.restore(&code)
        {
            return Self::of_snapshot(runtime, path, &component, settings);
        }
        let compile = |instrumented: &[u8]| compiled(&runtime, path, instrumented, &cache);
        match snapshot::take(&runtime, path, &bytes, policy, compile)? {
            Snapshot::Taken {
                component,
                settings,
            } => {
                let component = runtime
                    .compile(&component)
                    .map_err(|error| foreign(path, &error))?;
                keep(&runtime, &cache, &key, &component, Some(&settings));
                Self::of_snapshot(runtime, path, &component, settings)
            }
            Snapshot::Impossible(reason) => {
                tracing::warn!(
                    plugin = %path.display(), reason,
                    "the plugin cannot be snapshotted: each request configures its own instance"
                );
                Plugin::compile(runtime, path, &bytes, &cache)?.configure(policy)
            }
        }
    }

    fn of_snapshot(
        runtime: Runtime,
        path: &Path,
        component: &Component,
        settings: Settings,
    ) -> Result<Engine, LoadError> {
        let policy = accept(&runtime, path, component)?;
        Ok(Engine::Wasm(Arc::new(Self {
            runtime,
            policy,
            start: Start::Configured,
            settings,
        })))
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn instance(&self) -> Result<Instance, Fault> {
        match &self.start {
            Start::Configured => empty(&self.runtime, &self.policy),
            Start::Empty(document) => match configured(&self.runtime, &self.policy, document) {
                Ok((instance, _)) => Ok(instance),
                Err(LoadError::Fault(fault)) => Err(fault),
                Err(error) => Err(Fault::Trapped(error.to_string())),
            },
        }
    }
}

/// Compiles a component, or finds it in the cache.
fn compiled(
    runtime: &Runtime,
    path: &Path,
    bytes: &[u8],
    cache: &CodeCache,
) -> Result<Component, LoadError> {
    let key = runtime.digest(&[bytes]);
    let cached = cache
        .get(&key)
        .and_then(|entry| runtime.restore(&entry.code).ok());
    if let Some(component) = cached {
        return Ok(component);
    }
    cache.log_miss();
    let component = runtime
        .compile(bytes)
        .map_err(|error| foreign(path, &error))?;
    keep(runtime, cache, &key, &component, None);
    Ok(component)
}

/// Keeps compiled code, and its functions for the next policy document.
fn keep(
    runtime: &Runtime,
    cache: &CodeCache,
    key: &[u8; 32],
    component: &Component,
    settings: Option<&Settings>,
) {
    match component.serialize() {
        Ok(code) => cache.put(key, &code, settings),
        Err(error) => tracing::warn!(%error, "the compiled plugin was not cached"),
    }
    runtime.keep_functions();
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    let bytes = std::fs::read(path).map_err(|why| LoadError::Read {
        path: PathBuf::from(path),
        why,
    })?;
    match is_component(&bytes) {
        true => Ok(bytes),
        false => Err(LoadError::NoComponent {
            path: PathBuf::from(path),
        }),
    }
}

/// Whether it starts like a component: the magic number, a version, and the layer of components,
/// which is 0 in a core module (WebAssembly component model, Binary Format).
fn is_component(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\0asm") && bytes.get(6..8) == Some(&[1, 0][..])
}
