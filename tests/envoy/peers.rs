//! An application that answers as a case says, and a facts service that answers from the case's
//! facts. Both remember what they were told.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use scimguard_core::facts::{Fact, Key, Table};
use scimguard_core::history::Answers;
use scimguard_core::message::AnswerBody;
use scimguard_core::{BackendOutcome, Headers};
use scimguard_wire::{FACTS, FactsRequest, FactsResponse, Pass, RECORDS, REPORTS, RecordsRequest};
use tokio::net::TcpListener;

use crate::pieces::Pieces;

/// What both share.
pub(crate) struct State {
    pub(crate) table: Table,
    pub(crate) now: u64,
    pub(crate) answers: Answers,
    /// What reached the application.
    pub(crate) forwarded: Vec<Forwarded>,
    /// The application's answers come in pieces of so many bytes, with trailers.
    pub(crate) pieces: Option<usize>,
    keys: Vec<Key>,
}

/// A request that reached the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Forwarded {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

/// Both, on addresses of their own.
pub(crate) struct Peers {
    pub(crate) application: SocketAddr,
    pub(crate) facts: SocketAddr,
    state: Arc<Mutex<State>>,
}

/// Makes a connection break off.
#[derive(Debug)]
struct NoAnswer;

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no answer")
    }
}

impl std::error::Error for NoAnswer {}

impl Peers {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let state = Arc::new(Mutex::new(State {
            table: Table::default(),
            now: 0,
            answers: Answers::Awaited,
            forwarded: Vec::new(),
            pieces: None,
            keys: Vec::new(),
        }));
        let applications = TcpListener::bind("127.0.0.1:0").await?;
        let services = TcpListener::bind("127.0.0.1:0").await?;
        let peers = Self {
            application: applications.local_addr()?,
            facts: services.local_addr()?,
            state: Arc::clone(&state),
        };
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = applications.accept().await {
                let state = Arc::clone(&shared);
                let service = service_fn(move |request| application(Arc::clone(&state), request));
                tokio::spawn(async move {
                    // It breaks off where a case has no answer.
                    let _ = auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = services.accept().await {
                let state = Arc::clone(&state);
                let service = service_fn(move |request| facts(Arc::clone(&state), request));
                tokio::spawn(async move {
                    // Envoy closes what it does not need any more.
                    let _ = auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Ok(peers)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn application(
    state: Arc<Mutex<State>>,
    request: http::Request<Incoming>,
) -> Result<http::Response<Either<Full<Bytes>, Pieces>>, NoAnswer> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| NoAnswer)?.to_bytes();
    let mut state = lock(&state);
    let index = state.forwarded.len();
    state.forwarded.push(Forwarded {
        method: head.method.to_string(),
        path: head
            .uri
            .path_and_query()
            .map(ToString::to_string)
            .unwrap_or_default(),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
            .collect(),
        body: body.to_vec(),
    });
    let answer = match &state.answers {
        Answers::Awaited => None,
        Answers::Same(answer) => Some(answer),
        Answers::Each(answers) => answers.get(index),
    };
    let Some(BackendOutcome::Answered(answer)) = answer else {
        return Err(NoAnswer);
    };
    let mut response = http::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value.as_slice());
    }
    let body = match &answer.body {
        AnswerBody::Bytes(bytes) => Bytes::from(bytes.clone()),
        AnswerBody::None | AnswerBody::OverLimit => Bytes::new(),
    };
    let body = match state.pieces {
        Some(size) if !body.is_empty() => Either::Right(Pieces::new(&body, size, true)),
        _ => Either::Left(Full::new(body)),
    };
    response.body(body).map_err(|_| NoAnswer)
}

async fn facts(
    state: Arc<Mutex<State>>,
    request: http::Request<Incoming>,
) -> Result<http::Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let body = match request.into_body().collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => Bytes::new(),
    };
    let mut response = http::Response::new(Full::default());
    match answered(&mut lock(&state), &path, &body) {
        Ok(None) => *response.status_mut() = http::StatusCode::NO_CONTENT,
        Ok(Some(facts)) => *response.body_mut() = Full::from(facts),
        Err(error) => {
            *response.status_mut() = http::StatusCode::BAD_REQUEST;
            *response.body_mut() = Full::from(error.to_string());
        }
    }
    Ok(response)
}

fn answered(state: &mut State, path: &str, body: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
    if path == RECORDS {
        let tell: RecordsRequest = serde_json::from_slice(body)?;
        for record in &tell.records {
            state.table.apply(record);
        }
        return Ok(None);
    }
    if path == REPORTS {
        let reports: Vec<RecordsRequest> = serde_json::from_slice(body)?;
        let is_end = |report: &RecordsRequest| report.end && report.records.is_empty();
        anyhow::ensure!(reports.iter().all(is_end), "a report waits for something");
        return Ok(None);
    }
    anyhow::ensure!(path == FACTS, "there is nothing at {path}");
    let ask: FactsRequest = serde_json::from_slice(body)?;
    if ask.first {
        state.keys.clear();
    }
    for key in ask.keys {
        if !state.keys.contains(&key) {
            state.keys.push(key);
        }
    }
    let facts = state.keys.iter().map(|key| Fact {
        key: key.clone(),
        answer: state.table.answer(key),
    });
    Ok(Some(serde_json::to_vec(&FactsResponse {
        unsettled: true,
        pass: Pass("a case".to_owned()),
        now: state.now,
        facts: facts.collect(),
    })?))
}
