//! A filter that lets everything pass, built with the same library as the policy's filter. The baseline for
//! the policy's cost (`cargo xtask bench --envoy`).

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

/// Called by Envoy once per virtual machine.
#[expect(
    unsafe_code,
    reason = "proxy-wasm finds the entry by the name of this symbol"
)]
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    proxy_wasm::set_root_context(|_| Box::new(Root));
}

struct Root;

impl Context for Root {}

impl RootContext for Root {
    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

/// Uses the library's default callbacks, which continue.
struct Stream;

impl Context for Stream {}

impl HttpContext for Stream {}
