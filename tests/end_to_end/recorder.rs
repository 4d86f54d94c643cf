//! An application that answers every read with an empty list, and remembers the credential that it was
//! asked with.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use scimguard_tests::client::Client;
use scimguard_tests::fixtures::{ACCOUNT, HARNESS_BASE, harness};
use scimguard_tests::guard::Guard;
use scimguard_tests::served::Served;

const NOBODY: &str = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"Resources":[]}"#;

/// What a provider reads first: a page of users.
pub(crate) const USERS: &str = "/Users?startIndex=1&count=2";

/// The application.
pub(crate) struct Recorder {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<String>>>,
    _server: Served,
}

impl Recorder {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let routes = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&asked));
        let server = Served::start(routes).await?;
        Ok(Self {
            url: server.url.clone(),
            asked,
            _server: server,
        })
    }

    /// The application, a guard in front of it with more lines in its configuration, which does not run
    /// yet, and a token of Okta's.
    pub(crate) async fn guarded(configuration: &str) -> anyhow::Result<(Self, Guard, String)> {
        let application = Self::start().await?;
        let guard = Guard::configure(&application.url, &harness())?;
        guard.configure_also(configuration)?;
        let token = guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;
        Ok((application, guard, token))
    }

    /// The `Authorization` of each request since the last time, in order; empty: none.
    pub(crate) fn credentials(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A client of the account's SCIM end points.
pub(crate) fn client(guard: &Guard, token: &str) -> Client {
    guard.scim(HARNESS_BASE, token)
}

async fn answer(
    State(asked): State<Arc<Mutex<Vec<String>>>>,
    headers: HeaderMap,
) -> impl IntoResponse {
    let credential = headers.get("authorization");
    let credential = credential.and_then(|value| value.to_str().ok());
    asked
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(credential.unwrap_or_default().to_owned());
    ([("content-type", "application/scim+json")], NOBODY)
}
