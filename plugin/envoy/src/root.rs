//! Reads and compiles the plugin configuration, once per worker.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;
use scimguard_core::hide_secrets;
use scimguard_exchange::{Reports, Setup, Strangers};

use crate::calls;
use crate::config::Config;
use crate::hand_back::HandBacks;
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::refusals::Refusals;
use crate::shared::Shared;
use crate::stream::Stream;

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
                let strangers = Arc::<Strangers>::default();
                let setup = Setup::new(config.guard, config.annotate);
                let setup = setup.expecting(Arc::clone(&strangers));
                if let Some(room) = config.buffer {
                    setup.set_room(room);
                }
                self.shared = Some(Rc::new(Shared {
                    root: self.id,
                    setup: Arc::new(setup),
                    strangers,
                    facts: config.facts,
                    backend: config.backend,
                    metrics: Metrics::new(),
                    memory: Memory::new(config.memory),
                    hand_backs: HandBacks::default(),
                    reports: Reports::default(),
                    log: Refusals::default(),
                }));
                true
            }
            Err(faults) => {
                for fault in faults {
                    let fault = fault.to_string();
                    log::error!(
                        "the plugin configuration is refused: {}",
                        hide_secrets(&fault)
                    );
                }
                false
            }
        }
    }

    fn on_tick(&mut self) {
        if let Some(shared) = &self.shared {
            shared.hand_backs.run();
            calls::send_reports(shared);
        }
        self.set_tick_period(Duration::ZERO);
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        let shared = self.shared.as_ref()?;
        Some(Box::new(Stream::new(id, Rc::clone(shared))))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
