//! A gateway that runs the policy itself, and has neither a store nor leases: the least that a face
//! needs which uses the facts service.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use axum::Router;
use axum::body::{Body as Streamed, to_bytes};
use axum::extract::{Request as Received, State};
use axum::response::Response as Sent;
use scimguard_core::facts::{Fact, Key};
use scimguard_core::message::{
    AnswerBody, AnswerHandling, BackendAnswer, ForwardBody, ResponseBody,
};
use scimguard_core::record::Record;
use scimguard_core::{
    BackendOutcome, Body, ErrorForm, Forward, Guard, Headers, Outcome, Request, Response, refusal,
};
use scimguard_tests::client::Client;
use scimguard_wire::{Ask, FACTS, Facts, Head, Pass, RECORDS, Refused, Stage, Tell, Verdict};
use serde_json::Value;
use tokio::task::JoinHandle;

use scimguard_tests::held::exchange;

/// More than any test sends.
const LARGEST: usize = 16 * 1024 * 1024;

/// The gateway. It is gone when it is dropped, with all that it has under way.
pub(crate) struct Gateway {
    pub(crate) url: String,
    server: JoinHandle<()>,
}

struct Face {
    policy: Guard,
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
        let face = Face {
            policy: policy.map_err(|errors| anyhow::anyhow!("{errors:?}"))?,
            facts: Client::new(facts).with("authorization", format!("Bearer {secret}")),
            backend: backend.to_owned(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let routes = Router::new().fallback(answer).with_state(Arc::new(face));
        let server = tokio::spawn(async move {
            // Serving ends with the test, whose failure says more.
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Self { url, server })
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(face): State<Arc<Face>>, received: Received) -> Sent {
    let is_scim = received.uri().path().contains("/scim/");
    let form = match is_scim {
        true => ErrorForm::Scim,
        false => ErrorForm::Problem,
    };
    let answered = match Exchange::new(&face, received).await {
        Ok(exchange) => exchange.run().await,
        Err(error) => Err(error),
    };
    let response = answered.unwrap_or_else(|error| {
        let (rule, detail) = match error.downcast::<NotJudged>() {
            Ok(NotJudged(refused)) => (refused.rule, refused.detail),
            Err(error) => ("facts.unavailable".to_owned(), format!("{error:#}")),
        };
        refusal(&rule, &detail, form).expect("it is a rule that refuses")
    });
    sent(response)
}

/// The service refused.
#[derive(Debug)]
struct NotJudged(Refused);

impl std::fmt::Display for NotJudged {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0.detail)
    }
}

impl std::error::Error for NotJudged {}

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

/// The headers that do not belong to one connection.
fn end_to_end(headers: &http::HeaderMap) -> Headers {
    let own = ["connection", "content-length", "transfer-encoding"];
    let kept = headers
        .iter()
        .filter(|(name, _)| !own.contains(&name.as_str()));
    kept.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect()
}

/// One request from beginning to end.
struct Exchange<'a> {
    face: &'a Face,
    request: Request,
    body: Vec<u8>,
    now: u64,
    pass: Option<Pass>,
    /// Not told yet.
    verdict: Option<Verdict>,
}

/// What a request's way goes on with.
enum Next {
    Forward(Forward),
    Part(Vec<u8>),
    Respond(Response),
}

impl<'a> Exchange<'a> {
    async fn new(face: &'a Face, received: Received) -> anyhow::Result<Self> {
        let (head, body) = received.into_parts();
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            face,
            request: Request {
                method: head.method.as_str().to_owned(),
                path: path.to_owned(),
                headers: end_to_end(&head.headers),
                body: Body::Unread,
                annotate: false,
            },
            body: to_bytes(body, LARGEST).await?.to_vec(),
            now: u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?,
            pass: None,
            verdict: None,
        })
    }

    async fn run(mut self) -> anyhow::Result<Response> {
        let mut next = self.decide().await?;
        loop {
            next = match next {
                Next::Respond(response) => return Ok(response),
                Next::Part(continuation) => {
                    self.observe(&continuation, BackendOutcome::NotAsked)
                        .await?
                }
                Next::Forward(forward) => self.forward(forward).await?,
            };
        }
    }

    async fn decide(&mut self) -> anyhow::Result<Next> {
        use scimguard_core::Verdict as Decision;
        let mut facts = Vec::new();
        let mut first = true;
        for _ in 0..=self.face.policy.settings().rounds {
            match self.face.policy.evaluate(&self.request, &facts, self.now) {
                Decision::Need(need) => {
                    if let Some(limit) = need.body_limit {
                        self.read(limit);
                    }
                    if !need.keys.is_empty() {
                        facts = self.ask(Stage::Decide, first, need.keys).await?;
                        first = false;
                    }
                }
                Decision::Forward(forward) => {
                    self.decided(&forward.account, &forward.verified_token);
                    return Ok(Next::Forward(forward));
                }
                Decision::Proceed(proceed) => {
                    self.decided(&proceed.account, &proceed.verified_token);
                    self.tell(&proceed.records, false).await?;
                    return Ok(Next::Part(proceed.continuation));
                }
                Decision::Reject(reject) => {
                    self.verdict = Some(Verdict {
                        account: reject.account,
                        verified_token: reject.verified_token,
                        rule: Some(reject.rule),
                        status: Some(reject.response.status),
                    });
                    self.tell(&[], true).await?;
                    return Ok(Next::Respond(reject.response));
                }
            }
        }
        anyhow::bail!("the policy asked without end")
    }

    fn decided(&mut self, account: &Option<String>, token: &Option<String>) {
        self.verdict = Some(Verdict {
            account: account.clone(),
            verified_token: token.clone(),
            ..Verdict::default()
        });
    }

    fn read(&mut self, limit: u64) {
        self.request.body = match &self.body {
            body if body.is_empty() => Body::None,
            body if u64::try_from(body.len()).is_ok_and(|size| size <= limit) => {
                Body::Bytes(body.clone())
            }
            _ => Body::OverLimit,
        };
    }

    async fn forward(&mut self, forward: Forward) -> anyhow::Result<Next> {
        let is_passed = forward.answer == AnswerHandling::Pass;
        // From here on the backend may act, and what it may do is on record.
        self.tell(&forward.records, false).await?;
        let body = match &forward.body {
            ForwardBody::None => Vec::new(),
            ForwardBody::Bytes(bytes) => bytes.clone(),
            ForwardBody::AsReceived => self.body.clone(),
        };
        let mut outbound = http::Request::builder()
            .method(forward.method.as_str())
            .uri(&forward.path);
        for (name, value) in &forward.headers {
            if name != "host" && name != "accept-encoding" {
                outbound = outbound.header(name, value.as_slice());
            }
        }
        let outbound = outbound.body(Streamed::from(body))?;
        let answered = match exchange(&self.face.backend, outbound).await {
            Ok(answer) => {
                let (head, body) = answer.into_parts();
                let body = to_bytes(body, LARGEST).await?.to_vec();
                BackendOutcome::Answered(BackendAnswer {
                    status: head.status.as_u16(),
                    headers: end_to_end(&head.headers),
                    body: match body.is_empty() {
                        true => AnswerBody::None,
                        false => AnswerBody::Bytes(body),
                    },
                })
            }
            Err(_) => BackendOutcome::Unanswered,
        };
        if is_passed {
            // What was leased stays so until the backend has acted.
            self.tell(&[], true).await?;
        }
        match answered {
            BackendOutcome::Answered(answer) if is_passed => Ok(Next::Respond(Response {
                status: answer.status,
                headers: answer.headers,
                body: match answer.body {
                    AnswerBody::Bytes(bytes) => ResponseBody::Bytes(bytes),
                    AnswerBody::None | AnswerBody::OverLimit => ResponseBody::None,
                },
            })),
            answered => self.observe(&forward.continuation, answered).await,
        }
    }

    async fn observe(
        &mut self,
        continuation: &[u8],
        answered: BackendOutcome,
    ) -> anyhow::Result<Next> {
        let stage = match answered {
            BackendOutcome::NotAsked => Stage::Decide,
            BackendOutcome::Answered(_) | BackendOutcome::Unanswered => Stage::Observe,
        };
        let mut facts = Vec::new();
        let mut first = true;
        for _ in 0..=self.face.policy.settings().rounds {
            let policy = &self.face.policy;
            match policy.observe(continuation, &answered, &facts, self.now) {
                Outcome::Need(need) => {
                    facts = self.ask(stage, first, need.keys).await?;
                    first = false;
                }
                Outcome::Forward(forward) => return Ok(Next::Forward(forward)),
                Outcome::Proceed(proceed) => {
                    self.tell(&proceed.records, false).await?;
                    return Ok(Next::Part(proceed.continuation));
                }
                Outcome::Respond(respond) => {
                    self.tell(&respond.records, true).await?;
                    let mut response = respond.response;
                    if let (ResponseBody::AsReceived, BackendOutcome::Answered(answer)) =
                        (&response.body, &answered)
                        && let AnswerBody::Bytes(bytes) = &answer.body
                    {
                        response.body = ResponseBody::Bytes(bytes.clone());
                    }
                    return Ok(Next::Respond(response));
                }
            }
        }
        anyhow::bail!("the policy asked without end")
    }

    async fn ask(
        &mut self,
        stage: Stage,
        first: bool,
        keys: Vec<Key>,
    ) -> anyhow::Result<Vec<Fact>> {
        let ask = Ask {
            pass: self.pass.clone(),
            head: self.head(),
            stage,
            first,
            keys,
        };
        let told = self.post(FACTS, &serde_json::to_value(&ask)?).await?;
        let facts: Facts = serde_json::from_value(told)?;
        if self.pass.is_none() {
            self.now = facts.now;
        }
        self.pass = Some(facts.pass);
        Ok(facts.facts)
    }

    async fn tell(&mut self, records: &[Record], end: bool) -> anyhow::Result<()> {
        let verdict = self.verdict.take();
        let nothing = verdict.is_none() && records.is_empty();
        if nothing && (!end || self.pass.is_none()) {
            return Ok(());
        }
        let tell = Tell {
            pass: self.pass.clone(),
            head: self.head(),
            verdict,
            records: records.to_vec(),
            end,
        };
        self.post(RECORDS, &serde_json::to_value(&tell)?).await?;
        Ok(())
    }

    async fn post(&self, path: &str, message: &Value) -> anyhow::Result<Value> {
        let answer = self.face.facts.send("POST", path, Some(message)).await?;
        if (200..300).contains(&answer.status) {
            return Ok(answer.body);
        }
        let refused: Refused = serde_json::from_value(answer.body)
            .with_context(|| format!("{path}: {}", answer.status))?;
        Err(NotJudged(refused).into())
    }

    fn head(&self) -> Head {
        let carries = |name: &str| name == "authorization" || name == "x-api-key";
        let headers = self.request.headers.iter();
        let credentials = headers.filter(|(name, _)| carries(name));
        Head {
            method: self.request.method.clone(),
            path: self.request.path.clone(),
            credentials: credentials
                .map(|(name, value)| (name.clone(), String::from_utf8_lossy(value).into_owned()))
                .collect(),
            source: Some("192.0.2.7".to_owned()),
        }
    }
}
