//! What one worker has: the plugin configuration, read and compiled once, and shared by its requests.

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;
use scimguard_gateway::Gateway;

use crate::config::{Cluster, Config};
use crate::metrics::Metrics;
use crate::stream::Stream;

/// What all requests of a worker share.
pub(crate) struct Shared {
    /// The root context, in whose name calls are made that outlive a request.
    pub(crate) root: u32,
    pub(crate) gateway: Rc<Gateway>,
    pub(crate) facts: Cluster,
    pub(crate) backend: Cluster,
    pub(crate) metrics: Metrics,
}

/// The root context.
pub(crate) struct Root {
    id: u32,
    shared: Option<Rc<Shared>>,
}

impl Root {
    pub(crate) fn new(id: u32) -> Self {
        Self { id, shared: None }
    }
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        let text = self.get_plugin_configuration().unwrap_or_default();
        match Config::read(&text) {
            Ok(config) => {
                self.shared = Some(Rc::new(Shared {
                    root: self.id,
                    gateway: Rc::new(Gateway::new(config.guard, config.annotate)),
                    facts: config.facts,
                    backend: config.backend,
                    metrics: Metrics::new(),
                }));
                true
            }
            Err(faults) => {
                for fault in faults {
                    log::error!("the plugin configuration is refused: {fault}");
                }
                false
            }
        }
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        let shared = self.shared.as_ref()?;
        Some(Box::new(Stream::new(id, Rc::clone(shared))))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
