//! The plugin configuration: the policy document, the same as everywhere, and beside it where the
//! facts service and the application are, as the gateway names them.

use std::time::Duration;

use scimguard_core::Guard;
use serde::Deserialize;
use serde_json::Value;

/// How long the facts service may take: longer than it waits for leases.
const FACTS_MILLISECONDS: u64 = 15_000;

/// How long the application may take for the further requests of one.
const BACKEND_MILLISECONDS: u64 = 30_000;

/// What the filter needs.
pub(crate) struct Config {
    pub(crate) guard: Guard,
    pub(crate) facts: Cluster,
    pub(crate) backend: Cluster,
    pub(crate) annotate: bool,
}

/// A cluster of the gateway.
pub(crate) struct Cluster {
    pub(crate) name: String,
    /// The host that is asked for; `None`: that of the client's request.
    pub(crate) authority: Option<String>,
    pub(crate) timeout: Duration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    /// Absent: the default policy.
    policy: Option<Value>,
    facts: ClusterDocument,
    backend: ClusterDocument,
    #[serde(default)]
    annotate: bool,
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
    /// Every fault, in words.
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
        Ok(Self {
            guard,
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
