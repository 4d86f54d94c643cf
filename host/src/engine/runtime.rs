//! The wasmtime engine for plugins: allocates instances, and limits the memory and time of calls.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use wasmtime::component::Component;
use wasmtime::{
    Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, Store, StoreLimits,
    StoreLimitsBuilder, Trap,
};

use super::cache::CodeCache;
use super::functions::Functions;
use super::{Fault, LoadError};

/// Guest time of one call.
const CALL: Duration = Duration::from_secs(1);

/// Guest time of one configuration, which may compile an account's JSON Schemas.
const CONFIGURATION: Duration = Duration::from_secs(10);

const TICK: Duration = Duration::from_millis(20);

/// An observed answer may have 64 MiB (`limits.answer_bytes`), and is in memory as received, as a
/// tree, and as forwarded.
const MEMORY: usize = 512 << 20;

/// Memory that an instance leaves resident for the next one: about what one call touches.
const RESIDENT: usize = 4 << 20;

/// Instances that may wait for what their pass needs. The rest of the pool is for calls.
pub(super) const WAITING: usize = 400;

/// Concurrent instances: more than the host has threads for calls (tokio has 512 blocking ones),
/// plus waiting passes.
const INSTANCES: u32 = 1000;

/// Compiles and instantiates. Its clock stops with its last copy.
#[derive(Clone)]
pub(super) struct Runtime {
    engine: wasmtime::Engine,
    functions: Arc<Functions>,
}

/// Time limits of calls.
#[derive(Clone, Copy)]
pub(super) enum Deadline {
    /// One decision.
    Call,
    /// Reading a policy document.
    Configuration,
    /// Reading an instance's memory from outside, by code that is not the plugin's.
    Snapshot,
}

impl Runtime {
    /// For the component with this SHA-256: what is compiled of it goes to the cache.
    pub(super) fn start(component: &[u8; 32], cache: &CodeCache) -> Result<Self, LoadError> {
        let key = Sha256::new_with_prefix(b"functions")
            .chain_update(component)
            .finalize();
        let functions = Arc::new(Functions::of(cache.clone(), key.into()));
        let engine = engine(pooling(), &functions)
            .or_else(|error| {
                tracing::warn!(%error, "no pool of instances: each call allocates its own memory");
                engine(InstanceAllocationStrategy::OnDemand, &functions)
            })
            .map_err(sandbox)?;
        tick(&engine).map_err(sandbox)?;
        Ok(Self { engine, functions })
    }

    /// Keeps what was compiled for the next policy document.
    pub(super) fn keep_functions(&self) {
        self.functions.keep();
    }

    pub(super) fn engine(&self) -> &wasmtime::Engine {
        &self.engine
    }

    /// The store of one instance.
    pub(super) fn store(&self) -> Store<StoreLimits> {
        let limits = StoreLimitsBuilder::new()
            .memory_size(MEMORY)
            .trap_on_grow_failure(true)
            .build();
        let mut store = Store::new(&self.engine, limits);
        store.limiter(|limits| limits);
        store
    }

    /// Compiled code depends on these, on this version of wasmtime, and on its settings.
    pub(super) fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut digest = Sha256Hasher(Sha256::new());
        self.engine
            .precompile_compatibility_hash()
            .hash(&mut digest);
        parts.hash(&mut digest);
        digest.0.finalize().into()
    }

    /// Compiles code for [`Self::restore`].
    pub(super) fn compile(&self, component: &[u8]) -> wasmtime::Result<Component> {
        Component::from_binary(&self.engine, component)
    }

    /// Loads compiled code.
    #[expect(
        unsafe_code,
        reason = "code comes only from `CodeCache`: a folder of this user alone, an intact digest, \
                  and a name that is the hash of this runtime's settings"
    )]
    pub(super) fn restore(&self, code: &[u8]) -> wasmtime::Result<Component> {
        // SAFETY: see above; the bytes are what `Component::serialize` gave for the same settings.
        unsafe { Component::deserialize(&self.engine, code) }
    }
}

impl Deadline {
    pub(super) fn set(self, store: &mut Store<StoreLimits>) {
        let ticks = match self {
            Self::Call => CALL.as_millis() / TICK.as_millis() + 1,
            Self::Configuration => CONFIGURATION.as_millis() / TICK.as_millis() + 1,
            Self::Snapshot => u128::from(u32::MAX),
        };
        store.set_epoch_deadline(u64::try_from(ticks).unwrap_or(u64::MAX));
    }
}

impl From<wasmtime::Error> for Fault {
    fn from(error: wasmtime::Error) -> Self {
        match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => Self::Timeout,
            _ => Self::Trapped(error.root_cause().to_string()),
        }
    }
}

fn engine(
    allocation: InstanceAllocationStrategy,
    functions: &Arc<Functions>,
) -> wasmtime::Result<wasmtime::Engine> {
    let mut config = Config::new();
    config
        .allocation_strategy(allocation)
        .memory_init_cow(true)
        .epoch_interruption(true)
        .wasm_backtrace_max_frames(None)
        .enable_incremental_compilation(Arc::clone(functions) as _)?;
    wasmtime::Engine::new(&config)
}

fn pooling() -> InstanceAllocationStrategy {
    let mut pool = PoolingAllocationConfig::new();
    // A component has several core modules, each with tables and memories; all this is address
    // space, not memory.
    pool.total_component_instances(INSTANCES)
        .total_core_instances(INSTANCES * 8)
        .total_memories(INSTANCES)
        .total_tables(INSTANCES * 4)
        .table_elements(100_000)
        .max_memory_size(MEMORY)
        .linear_memory_keep_resident(RESIDENT)
        .table_keep_resident(1 << 16)
        .pagemap_scan(Enabled::Auto);
    InstanceAllocationStrategy::Pooling(pool)
}

fn tick(engine: &wasmtime::Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    std::thread::Builder::new()
        .name("plugin clock".to_owned())
        .spawn(move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(TICK);
            }
        })
        .map(drop)
}

fn sandbox(error: impl std::fmt::Display) -> LoadError {
    LoadError::Sandbox(error.to_string())
}

struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Unused: the digest itself is read.
    fn finish(&self) -> u64 {
        0
    }
}
