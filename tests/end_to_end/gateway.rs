//! A gateway that runs the policy itself, and has neither a store nor leases: the least that a face
//! needs which uses the facts service.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body as Streamed, to_bytes};
use axum::extract::{Request as Received, State};
use axum::response::Response as Sent;
use scimguard_core::message::{AnswerBody, BackendAnswer, ResponseBody};
use scimguard_core::{BackendOutcome, Body, ErrorForm, Guard, Headers, Response, refusal};
use scimguard_exchange::{
    Exchange, Incoming, Outgoing, Remote, Send, Setup, Step, Strangers, headers,
};
use scimguard_tests::client::Client;
use scimguard_tests::served::{Served, forward};
use scimguard_wire::{FACTS, RECORDS};
use serde::Serialize;
use serde_json::Value;

/// More than any test sends.
const LARGEST: usize = 16 * 1024 * 1024;

/// The gateway. It is gone when it is dropped, with all that it has under way.
pub(crate) struct Gateway {
    pub(crate) url: String,
    _server: Served,
}

struct Face {
    setup: Arc<Setup<Guard>>,
    strangers: Arc<Strangers>,
    facts: Client,
    backend: String,
}

impl Gateway {
    /// In front of a backend, with the secret of a gateway at a facts service.
    pub(crate) async fn start(
        policy: &Value,
        facts: &str,
        secret: &str,
        backend: &str,
    ) -> anyhow::Result<Self> {
        let policy = Guard::configure(&policy.to_string());
        let policy = policy.map_err(|errors| anyhow::anyhow!("{errors:?}"))?;
        let face = Face {
            setup: Arc::new(Setup::new(policy, false)),
            strangers: Arc::default(),
            facts: Client::new(facts).with("authorization", format!("Bearer {secret}")),
            backend: backend.to_owned(),
        };
        let routes = Router::new().fallback(answer).with_state(Arc::new(face));
        let server = Served::start(routes).await?;
        Ok(Self {
            url: server.url.clone(),
            _server: server,
        })
    }
}

async fn answer(State(face): State<Arc<Face>>, received: Received) -> Sent {
    let is_scim = received.uri().path().contains("/scim/");
    let form = match is_scim {
        true => ErrorForm::Scim,
        false => ErrorForm::Problem,
    };
    let response = drive(&face, received).await.unwrap_or_else(|error| {
        refusal("facts.unavailable", &format!("{error:#}"), form)
            .expect("it is a rule that refuses")
    });
    sent(response)
}

fn sent(response: Response) -> Sent {
    let body = match response.body {
        ResponseBody::Bytes(bytes) => Streamed::from(bytes),
        ResponseBody::None | ResponseBody::AsReceived => Streamed::empty(),
    };
    let mut sent = http::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        sent = sent.header(name, value.as_slice());
    }
    sent.body(body).expect("it is a response")
}

/// Drives the exchange of one request.
async fn drive(face: &Face, received: Received) -> anyhow::Result<Response> {
    let (head, body) = received.into_parts();
    let body = to_bytes(body, LARGEST).await?.to_vec();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let incoming = Incoming {
        method: head.method.as_str().to_owned(),
        path: path.to_owned(),
        authority: None,
        headers: all(&head.headers),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let now = u64::try_from(now)?;
    let source = Some("192.0.2.7".to_owned());
    let mut remote = Remote::new(Arc::clone(&face.strangers), &incoming, source, now);
    let (mut exchange, mut step) = Exchange::begin(Arc::clone(&face.setup), incoming, now);
    loop {
        step = match step {
            Step::ReadBody(limit) => exchange.body(match body.len() as u64 {
                0 => Body::None,
                size if size <= limit => Body::Bytes(body.clone()),
                _ => Body::OverLimit,
            }),
            Step::GetFacts(needed) => match remote.ask(needed) {
                Ok(question) => {
                    let (status, answer) = face.post(FACTS, &question).await?;
                    exchange.facts(remote.found(status, &answer))
                }
                Err(error) => exchange.facts(Err(error)),
            },
            Step::Store(report) => match remote.tell(report) {
                Some(told) => {
                    let (status, answer) = face.post(RECORDS, &told).await?;
                    exchange.stored(remote.stored(status, &answer))
                }
                None => exchange.stored(Ok(())),
            },
            Step::Send(mut send) => {
                let (observe, last) = (send.observe, send.final_report.take());
                let answered = face.send(send, &body).await?;
                // What was leased stays so until the backend has acted.
                if let Some(told) = last.and_then(|report| remote.tell(report)) {
                    face.post(RECORDS, &told).await?;
                }
                match answered {
                    BackendOutcome::Answered(answer) if !observe => return Ok(passed(answer)),
                    answered => exchange.answered(answered),
                }
            }
            Step::Respond(answer) => {
                if let Some(told) = answer.final_report.and_then(|report| remote.tell(report)) {
                    face.post(RECORDS, &told).await?;
                }
                return Ok(answer.response);
            }
        };
    }
}

impl Face {
    async fn post(&self, path: &str, message: &impl Serialize) -> anyhow::Result<(u16, Vec<u8>)> {
        let message = serde_json::to_value(message)?;
        let answer = self.facts.post(path, &message).await?;
        Ok((answer.status, answer.body.to_string().into_bytes()))
    }

    async fn send(&self, send: Send, received: &[u8]) -> anyhow::Result<BackendOutcome> {
        let mut outbound = http::Request::builder()
            .method(send.method.as_str())
            .uri(&send.path);
        for (name, value) in &send.headers {
            if name != "host" {
                outbound = outbound.header(name, value.as_slice());
            }
        }
        let outbound = outbound.body(Streamed::from(match send.body {
            Outgoing::None => Vec::new(),
            Outgoing::Whole(bytes) => bytes,
            Outgoing::AsItComes => received.to_vec(),
        }))?;
        let Ok(answer) = forward(&self.backend, outbound).await else {
            return Ok(BackendOutcome::Unanswered);
        };
        let (head, body) = answer.into_parts();
        let body = to_bytes(body, LARGEST).await?.to_vec();
        Ok(BackendOutcome::Answered(BackendAnswer {
            status: head.status.as_u16(),
            headers: headers::end_to_end(all(&head.headers)),
            body: match body.is_empty() {
                true => AnswerBody::None,
                false => AnswerBody::Bytes(body),
            },
        }))
    }
}

fn all(headers: &http::HeaderMap) -> Headers {
    let all = headers.iter();
    all.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect()
}

/// The backend's answer as it came.
fn passed(answer: BackendAnswer) -> Response {
    Response {
        status: answer.status,
        headers: answer.headers,
        body: match answer.body {
            AnswerBody::Bytes(bytes) => ResponseBody::Bytes(bytes),
            AnswerBody::None | AnswerBody::OverLimit => ResponseBody::None,
        },
    }
}
