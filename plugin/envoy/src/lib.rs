//! Face 2: the policy as a proxy-wasm filter, for Envoy and what is built on it.
//!
//! `root` reads the plugin configuration, once a worker, `shared` is what its requests share. `stream` is one request: the callbacks
//! of the gateway, translated into steps of [`scimguard_exchange::Exchange`] and back. `calls` speaks
//! with the facts service and the application, `hand_back` gives bodies back to the gateway, `memory`
//! bounds what a worker keeps, `config` reads the plugin configuration.

mod calls;
mod config;
mod hand_back;
mod memory;
mod metrics;
mod refusals;
mod root;
mod shared;
mod stream;

use proxy_wasm::types::LogLevel;
use scimguard_entropy as _;

/// Called by the gateway once a virtual machine.
#[expect(
    unsafe_code,
    reason = "proxy-wasm finds the entry by the name of this symbol"
)]
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|id| Box::new(root::Root::new(id)));
}
