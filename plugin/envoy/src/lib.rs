//! The policy as a proxy-wasm filter, for Envoy and proxies built on it.
//!
//! `root` reads the plugin configuration with `config`, once per worker; `shared` is the state that its
//! requests share. `stream` is one request: it translates Envoy's callbacks into steps of
//! [`scimguard_exchange::Exchange`] and back. `calls` calls the facts service and the application,
//! `hand_back` puts bodies back into Envoy's buffer, and `memory` limits what a worker keeps.

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

/// Called by Envoy once per virtual machine.
#[expect(
    unsafe_code,
    reason = "proxy-wasm finds the entry by the name of this symbol"
)]
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|id| Box::new(root::Root::new(id)));
}
