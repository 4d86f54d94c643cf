//! A case as it was played: every call of the policy with what it gave, and the decisions. Whoever brings
//! the policy to another face plays the calls there and compares, byte by byte.

use std::cell::RefCell;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scimguard_core::facts::Fact;
use scimguard_core::history::{Answers, Decided};
use scimguard_core::message::{AnswerBody, BackendAnswer};
use scimguard_core::{
    BackendOutcome, Body, Headers, Outcome, Request, Response, Settings, Verdict, decision,
};
use scimguard_exchange::Policy;
use scimguard_exchange::history::Played;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::run::{Failure, tell};
use super::suite::{Case, Step, Suite};
use crate::engine::{Engine, Fault};

/// One line of a transcript.
#[derive(Serialize)]
struct Line<'a> {
    suite: &'a str,
    case: &'a str,
    policy: &'a str,
    /// What was asked of the policy, and what it said.
    calls: Vec<Box<RawValue>>,
    /// What is known before the first step, as a facts document.
    facts: Value,
    steps: Vec<StepLine>,
}

#[derive(Serialize)]
struct StepLine {
    /// As `scimguard check` reads it.
    request: String,
    /// As in a case suite.
    upstream: Option<String>,
    now: u64,
    /// The decisions as `scimguard check` prints them.
    stops: Vec<String>,
    /// What the client gets, with its body.
    response: Option<Response>,
}

#[derive(Serialize)]
#[serde(tag = "call", rename_all = "lowercase")]
enum Call<'a> {
    Evaluate {
        request: &'a Request,
        facts: &'a [Fact],
        now: u64,
        gives: &'a Verdict,
    },
    Observe {
        #[serde(with = "serde_bytes")]
        continuation: &'a [u8],
        answer: &'a BackendOutcome,
        facts: &'a [Fact],
        now: u64,
        gives: &'a Outcome,
    },
}

/// A policy whose calls are written down.
struct Recorded<'r, P> {
    policy: P,
    written: &'r RefCell<Vec<Box<RawValue>>>,
}

/// Runs a case in one session of the engine, and gives its line.
pub(crate) fn record(
    engine: &Engine,
    name: &str,
    policy: &str,
    suite: &Suite,
    case: &Case,
) -> Result<String, Failure> {
    let calls = RefCell::default();
    let mut steps = Vec::new();
    let recorded = Recorded {
        policy: engine.session().map_err(Failure::begin)?,
        written: &calls,
    };
    tell(recorded, case, |step, played| {
        steps.push(StepLine::new(step, played));
    })?;
    let line = Line {
        suite: name,
        case: &case.name,
        policy,
        calls: calls.into_inner(),
        facts: together(suite.facts.as_ref(), case.own_facts.as_ref()),
        steps,
    };
    Ok(text(&line))
}

// === impl Recorded ===

impl<P> Recorded<'_, P> {
    fn write(&self, call: &Call<'_>) {
        // What serde_json wrote it reads as JSON.
        let written = RawValue::from_string(text(call));
        self.written.borrow_mut().extend(written);
    }
}

impl<P: Policy<Fault = Fault>> Policy for Recorded<'_, P> {
    type Fault = Fault;

    fn settings(&self) -> &Settings {
        self.policy.settings()
    }

    fn evaluate(&self, request: &Request, facts: &[Fact], now: u64) -> Result<Verdict, Fault> {
        let gives = self.policy.evaluate(request, facts, now)?;
        self.write(&Call::Evaluate {
            request,
            facts,
            now,
            gives: &gives,
        });
        Ok(gives)
    }

    fn observe(
        &self,
        continuation: &[u8],
        answer: &BackendOutcome,
        facts: &[Fact],
        now: u64,
    ) -> Result<Outcome, Fault> {
        let gives = self.policy.observe(continuation, answer, facts, now)?;
        self.write(&Call::Observe {
            continuation,
            answer,
            facts,
            now,
            gives: &gives,
        });
        Ok(gives)
    }
}

// === impl StepLine ===

impl StepLine {
    fn new(step: &Step, played: &Played) -> Self {
        let stops = played.stops.iter().map(|stop| {
            let document = match stop {
                Decided::Forward(forward) => decision::forward(forward, &step.request),
                Decided::Reject(reject) => decision::reject(reject),
                Decided::Respond(respond) => decision::respond(respond),
            };
            document.to_string()
        });
        Self {
            request: request(&step.request).to_string(),
            upstream: match &step.upstream {
                Answers::Awaited => None,
                Answers::Same(only) => Some(upstream(only).to_string()),
                Answers::Each(answers) => {
                    Some(answers.iter().map(upstream).collect::<Value>().to_string())
                }
            },
            now: step.now,
            stops: stops.collect(),
            response: played.response.clone(),
        }
    }
}

fn request(request: &Request) -> Value {
    let mut document = json!({
        "method": request.method,
        "path": request.path,
        "headers": headers(&request.headers),
        "annotate": request.annotate,
    });
    if let Body::Bytes(bytes) = &request.body {
        document["body_base64"] = STANDARD.encode(bytes).into();
    }
    document
}

fn upstream(outcome: &BackendOutcome) -> Value {
    let BackendOutcome::Answered(BackendAnswer {
        status,
        headers: sent,
        body,
    }) = outcome
    else {
        return Value::Null;
    };
    let mut document = json!({"status": status, "headers": headers(sent)});
    if let AnswerBody::Bytes(bytes) = body {
        document["body_base64"] = STANDARD.encode(bytes).into();
    }
    document
}

/// Documents hold text, so what came of a document is text.
fn headers(headers: &Headers) -> Value {
    let mut document: Map<String, Value> = Map::new();
    for (name, value) in headers {
        let value = Value::from(String::from_utf8_lossy(value));
        let values = document.entry(name).or_insert_with(|| json!([]));
        if let Value::Array(values) = values {
            values.push(value);
        }
    }
    document.into()
}

/// Two facts documents as one: of two entries with one key, the later counts.
fn together(first: Option<&Value>, second: Option<&Value>) -> Value {
    let mut whole: Map<String, Value> = Map::new();
    for (name, entries) in [first, second]
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .flatten()
    {
        let known = whole.entry(name).or_insert_with(|| json!([]));
        if let (Value::Array(known), Value::Array(entries)) = (known, entries) {
            known.extend_from_slice(entries);
        }
    }
    whole.into()
}

/// JSON of what has no map with other keys than text.
fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
