//! The plugin configuration: the policy document, and Envoy's names for the facts service and the
//! application.

use std::time::Duration;

use scimguard_core::Guard;
use serde::Deserialize;
use serde_json::Value;

/// Time limit of the facts service; longer than it waits for leases.
const FACTS_MILLISECONDS: u64 = 15_000;

/// Time limit of the application for further requests.
const BACKEND_MILLISECONDS: u64 = 30_000;

/// Memory that a worker keeps for bodies. A virtual machine in Envoy has 1 GiB.
const MEMORY_BYTES: u64 = 128 << 20;

/// The least memory with which a worker is useful.
const LEAST_MEMORY_BYTES: u64 = 1 << 20;

/// The filter's configuration.
pub(crate) struct Config {
    pub(crate) guard: Guard,
    pub(crate) facts: Cluster,
    pub(crate) backend: Cluster,
    pub(crate) annotate: bool,
    /// The size of Envoy's buffer; `None` if the filter has to find out.
    pub(crate) buffer: Option<u64>,
    /// Memory that a worker keeps for bodies, in bytes.
    pub(crate) memory: usize,
}

/// A cluster of Envoy.
pub(crate) struct Cluster {
    pub(crate) name: String,
    /// The host to request; `None` for the host of the client's request.
    pub(crate) authority: Option<String>,
    pub(crate) timeout: Duration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    /// The default policy if absent.
    policy: Option<Value>,
    facts: ClusterDocument,
    backend: ClusterDocument,
    #[serde(default)]
    annotate: bool,
    buffer_bytes: Option<u64>,
    memory_bytes: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClusterDocument {
    cluster: String,
    authority: Option<String>,
    timeout_ms: Option<u64>,
}

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    /// Describes every fault.
    pub(crate) fn read(text: &[u8]) -> Result<Self, Vec<String>> {
        let document: Document = serde_json::from_slice(text).map_err(|error| {
            vec![format!(
                "{error}; expected {{\"policy\": …, \"facts\": {{\"cluster\": …}}, \"backend\": \
                 {{\"cluster\": …}}}}"
            )]
        })?;
        let policy = document
            .policy
            .map_or_else(String::new, |it| it.to_string());
        let guard = Guard::configure(&policy).map_err(|errors| {
            let told = errors.into_iter();
            told.map(|error| format!("/policy{}: {}", error.pointer, error.message))
                .collect::<Vec<_>>()
        })?;
        let body_limit = guard.settings().body_limit;
        let memory = document.memory_bytes.unwrap_or(MEMORY_BYTES);
        let mut faults = Vec::new();
        if let Some(buffer) = document.buffer_bytes
            && buffer < body_limit
        {
            faults.push(format!(
                "/buffer_bytes: {buffer} is less than the {body_limit} bytes of the policy's \
                 scim.limits.body_bytes; raise per_connection_buffer_limit_bytes of the listener, and \
                 buffer_bytes with it, or lower body_bytes"
            ));
        }
        if memory < LEAST_MEMORY_BYTES.max(body_limit.saturating_mul(2)) {
            faults.push(format!(
                "/memory_bytes: {memory} is too little; it must be 1048576 or more, and twice the \
                 {body_limit} bytes of the policy's scim.limits.body_bytes"
            ));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self {
            guard,
            buffer: document.buffer_bytes,
            memory: usize::try_from(memory).unwrap_or(usize::MAX),
            facts: document.facts.into_cluster(FACTS_MILLISECONDS),
            backend: document.backend.into_cluster(BACKEND_MILLISECONDS),
            annotate: document.annotate,
        })
    }
}

impl ClusterDocument {
    fn into_cluster(self, milliseconds: u64) -> Cluster {
        Cluster {
            name: self.cluster,
            authority: self.authority,
            timeout: Duration::from_millis(self.timeout_ms.unwrap_or(milliseconds)),
        }
    }
}
