//! Whether the guard is alive, whether it can decide, and its metrics.

use axum::Router;
use axum::extract::State;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{StatusCode, header};

use super::{Admin, access};
use crate::proxy::METRICS_TYPE;

/// How many accounts `/readyz` names at most.
const NAMED: u32 = 20;

/// What stands for the names of credentials and certificates where everybody can reach them.
const UNNAMED: &[&str] = &["the log names it"];

/// `/healthz`, `/readyz` and `/metrics`. Where everybody can reach them, account names need the token.
pub(super) fn router(admin: Admin) -> Router<Admin> {
    let metrics = Router::new().route("/metrics", get(metrics));
    let metrics = match admin.access.is_local() {
        true => metrics,
        false => metrics.layer(from_fn_with_state(admin, access::authenticated)),
    };
    Router::new()
        .route("/healthz", get("ok\n"))
        .route("/readyz", get(readyz))
        .merge(metrics)
}

async fn readyz(State(admin): State<Admin>) -> (StatusCode, String) {
    let unready = |why: &str| (StatusCode::SERVICE_UNAVAILABLE, why.to_owned());
    if admin.proxy.is_ending() {
        return unready("the guard is shutting down\n");
    }
    let store = admin.proxy.store();
    // The log has the reason, with the file's name.
    if store.try_write().await.is_err() {
        return unready("the store cannot be written; the guard's log says why\n");
    }
    let accounts = match store.unfilled_accounts(NAMED).await {
        Ok(accounts) => accounts,
        Err(error) => {
            store.report(&error);
            return unready("the store does not answer; the guard's log says why\n");
        }
    };
    let stale = admin.proxy.stale();
    let mut text = match admin.access.is_local() {
        true => ready(&accounts, &stale),
        false => ready(&[], if stale.is_empty() { &[] } else { UNNAMED }),
    };
    if let Some(log) = admin.proxy.decisions()
        && log.try_write().await.is_err()
    {
        text.push_str("decisions are not recorded: the decision log cannot be written\n");
    }
    (StatusCode::OK, text)
}

async fn metrics(State(admin): State<Admin>) -> Response {
    match admin.proxy.metrics_text().await {
        Ok(text) => ([(header::CONTENT_TYPE, METRICS_TYPE)], text).into_response(),
        Err(error) => {
            admin.proxy.store().report(&error);
            let why = "the store does not answer\n";
            (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
        }
    }
}

/// Names accounts without an initial import, which are guarded only as far as the record goes, and what
/// cannot be read again.
fn ready(unfilled: &[String], stale: &[&str]) -> String {
    let mut text = "ready\n".to_owned();
    if !unfilled.is_empty() {
        text.push_str("no initial import yet (`scimguard import`): ");
        text.push_str(&unfilled.join(", "));
        text.push('\n');
    }
    if !stale.is_empty() {
        text.push_str(
            "degraded: what was read last stays in use, because it cannot be read again: ",
        );
        text.push_str(&stale.join(", "));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_and_what_is_degraded_is_said() {
        assert_eq!(ready(&[], &[]), "ready\n");
        assert_eq!(
            ready(&["ACC1".to_owned()], &["tls", "backend_credential"]),
            "ready\nno initial import yet (`scimguard import`): ACC1\n\
             degraded: what was read last stays in use, because it cannot be read again: tls, backend_credential\n"
        );
    }
}
