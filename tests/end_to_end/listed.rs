//! What an import reads: responses of the test, which can lie, or of a real server whose requests are
//! counted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use scimguard_tests::served::{Served, forward, or_bad_gateway};
use serde_json::{Value, json};

/// Path and query of a request.
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
}

/// A status and a body.
type Answer = (u16, Value);

/// The server.
pub(crate) struct Listed {
    pub(crate) url: String,
    requests: Arc<Requests>,
    _server: Served,
}

struct Requests {
    source: Source,
    count: AtomicUsize,
    /// Paths, with the credential that came with each.
    seen: Mutex<Vec<(String, Option<String>)>>,
}

enum Source {
    Test(Box<dyn Fn(&Asked) -> Answer + Send + Sync>),
    Server(String),
}

impl Listed {
    pub(crate) async fn by(
        answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        Self::start(Source::Test(Box::new(answer))).await
    }

    pub(crate) async fn in_front_of(server: &str) -> anyhow::Result<Self> {
        Self::start(Source::Server(server.to_owned())).await
    }

    async fn start(source: Source) -> anyhow::Result<Self> {
        let requests = Arc::new(Requests {
            source,
            count: AtomicUsize::new(0),
            seen: Mutex::default(),
        });
        let routes = Router::new()
            .fallback(respond)
            .with_state(Arc::clone(&requests));
        let server = Served::start(routes).await?;
        Ok(Self {
            url: server.url.clone(),
            requests,
            _server: server,
        })
    }

    /// How many requests have come.
    pub(crate) fn count(&self) -> usize {
        self.requests.count.load(Ordering::SeqCst)
    }

    /// Waits until this many have come.
    pub(crate) async fn until(&self, count: usize) -> anyhow::Result<()> {
        let come = async {
            while self.count() < count {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), come)
            .await
            .with_context(|| format!("{} requests, not {count}", self.count()))
    }

    /// The paths that were asked for, with the credential that came with each.
    pub(crate) fn seen(&self) -> Vec<(String, Option<String>)> {
        self.requests
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

async fn respond(State(requests): State<Arc<Requests>>, request: Request) -> Response {
    let credential = request.headers().get(header::AUTHORIZATION);
    let credential = credential.and_then(|value| Some(value.to_str().ok()?.to_owned()));
    let path = request.uri().path().to_owned();
    requests
        .seen
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push((path.clone(), credential));
    requests.count.fetch_add(1, Ordering::SeqCst);
    match &requests.source {
        Source::Test(answer) => {
            let query = query(request.uri().query().unwrap_or_default());
            let (status, body) = answer(&Asked { path, query });
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT);
            let scim = [(header::CONTENT_TYPE, "application/scim+json")];
            (status, scim, body.to_string()).into_response()
        }
        Source::Server(url) => or_bad_gateway(forward(url, request).await),
    }
}

fn query(text: &str) -> BTreeMap<String, String> {
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| {
            let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
            (name.to_owned(), value.into_owned())
        })
        .collect()
}

impl Asked {
    /// `startIndex` or `count`.
    pub(crate) fn number(&self, name: &str) -> usize {
        self.query
            .get(name)
            .and_then(|value| value.parse().ok())
            .unwrap_or(0)
    }

    /// The page of these that is asked for, as an honest server answers.
    pub(crate) fn page(&self, all: &[Value]) -> Answer {
        let start = self.number("startIndex").saturating_sub(1);
        let page = all.iter().skip(start).take(self.number("count"));
        (200, list(all.len(), page.cloned().collect()))
    }
}

/// A list response with this `totalResults`.
pub(crate) fn list(total: usize, resources: Vec<Value>) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}
