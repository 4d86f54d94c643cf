//! The pages: files of a folder, confined to themselves by headers.

use std::path::{Path, PathBuf};

use axum::Router;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{Redirect, Response};
use axum::routing::get;
use http::{HeaderName, HeaderValue, header};
use tower_http::services::ServeDir;

use super::Admin;
use crate::config::Config;
use crate::shipped;

/// What a page may do: run its own scripts and its WebAssembly module, and send requests to its own
/// address. Nothing from elsewhere, nothing inline, in no frame.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; \
    manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The folder of the pages.
pub(super) fn folder(config: &Config) -> PathBuf {
    let pages = config.pages.clone();
    pages.unwrap_or_else(|| shipped::place("pages"))
}

/// `/explain/` and `/operators/`.
pub(super) fn router(folder: &Path) -> Router<Admin> {
    let files = |name: &str| {
        ServeDir::new(folder.join(name))
            .precompressed_br()
            .precompressed_gzip()
    };
    Router::new()
        .route("/", get(async || Redirect::to("/operators/")))
        // Without the slash, relative paths would lead to its parent.
        .route("/explain", get(async || Redirect::permanent("/explain/")))
        .route(
            "/operators",
            get(async || Redirect::permanent("/operators/")),
        )
        .nest_service("/explain/", files("page"))
        .nest_service("/operators/", files("operators"))
}

/// Sets the headers that confine a page.
pub(super) async fn confined(request: Request, next: Next) -> Response {
    let is_page = ["/explain/", "/operators/"]
        .iter()
        .any(|page| request.uri().path().starts_with(page));
    let mut response = next.run(request).await;
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            header::CACHE_CONTROL,
            // A page is revalidated, mostly with 304.
            if is_page { "no-cache" } else { "no-store" },
        ),
    ];
    for (name, value) in fixed {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}
