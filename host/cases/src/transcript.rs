//! A transcript of a case: every call of the policy with its result, and the decisions. Other faces
//! of the policy replay the calls and compare, byte by byte.

use std::cell::RefCell;
use std::fmt::Display;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scimguard_core::facts::Fact;
use scimguard_core::history::{Answers, Decided};
use scimguard_core::message::{AnswerBody, BackendAnswer};
use scimguard_core::{
    BackendOutcome, Body, Headers, Outcome, Request, Response, Settings, Verdict, decision,
};
use scimguard_exchange::Refused;
use scimguard_exchange::history::Played;
use scimguard_interface::{Given, Observed, Pass, Policy};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::run::{Failure, tell};
use super::suite::{Case, Step, Suite};

/// One line of a transcript.
#[derive(Serialize)]
struct Line<'a> {
    suite: &'a str,
    case: &'a str,
    policy: &'a str,
    /// The calls of the policy and their results.
    calls: Vec<Box<RawValue>>,
    /// Facts before the first step, as a facts document.
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

/// Records the calls of a policy.
struct Recorded<'r, P> {
    policy: P,
    written: &'r RefCell<Vec<Box<RawValue>>>,
}

/// Records the calls of a pass.
struct RecordedPass<'r, P> {
    pass: P,
    observed: Option<Arc<Observed>>,
    written: &'r RefCell<Vec<Box<RawValue>>>,
}

/// Runs a case, and returns its line. The policy was configured with the `document`.
///
/// # Errors
/// Each difference from what the case expects.
pub fn record(
    policy: impl Policy<Fault: Into<Refused> + Display>,
    name: &str,
    document: &str,
    suite: &Suite,
    case: &Case,
) -> Result<String, Failure> {
    let calls = RefCell::default();
    let mut steps = Vec::new();
    let recorded = Recorded {
        policy,
        written: &calls,
    };
    tell(recorded, case, |step, played| {
        steps.push(StepLine::new(step, played));
    })?;
    let line = Line {
        suite: name,
        case: &case.name,
        policy: document,
        calls: calls.into_inner(),
        facts: together(suite.facts.as_ref(), case.own_facts.as_ref()),
        steps,
    };
    Ok(text(&line))
}

// === impl Recorded ===

impl<'r, P: Policy> Policy for Recorded<'r, P> {
    type Fault = P::Fault;
    type Pass = RecordedPass<'r, P::Pass>;

    fn settings(&self) -> &Settings {
        self.policy.settings()
    }

    fn pass(&self) -> Result<Self::Pass, P::Fault> {
        Ok(RecordedPass {
            pass: self.policy.pass()?,
            observed: None,
            written: self.written,
        })
    }
}

impl<P> RecordedPass<'_, P> {
    fn write(&self, call: &Call<'_>) {
        // serde_json wrote it as JSON.
        let written = RawValue::from_string(text(call));
        self.written.borrow_mut().extend(written);
    }

    fn evaluated(&self, given: Given<'_>, gives: &Verdict) {
        self.write(&Call::Evaluate {
            request: given.request,
            facts: given.facts,
            now: given.now,
            gives,
        });
    }

    fn observed(&self, given: Given<'_>, gives: &Outcome) {
        let Some(observed) = &self.observed else {
            return;
        };
        self.write(&Call::Observe {
            continuation: &observed.continuation,
            answer: &observed.outcome,
            facts: given.facts,
            now: given.now,
            gives,
        });
    }
}

/// Records what starts a pass with all its facts: that has to give the same result.
impl<P: Pass> Pass for RecordedPass<'_, P> {
    type Fault = P::Fault;

    fn evaluate(&mut self, given: Given<'_>) -> Result<Verdict, P::Fault> {
        let gives = self.pass.evaluate(given)?;
        self.evaluated(given, &gives);
        Ok(gives)
    }

    fn resume_evaluate(&mut self, given: Given<'_>) -> Result<Verdict, P::Fault> {
        let gives = self.pass.resume_evaluate(given)?;
        self.evaluated(given, &gives);
        Ok(gives)
    }

    fn observe(&mut self, observed: &Arc<Observed>, given: Given<'_>) -> Result<Outcome, P::Fault> {
        let gives = self.pass.observe(observed, given)?;
        self.observed = Some(Arc::clone(observed));
        self.observed(given, &gives);
        Ok(gives)
    }

    fn resume_observe(&mut self, given: Given<'_>) -> Result<Outcome, P::Fault> {
        let gives = self.pass.resume_observe(given)?;
        self.observed(given, &gives);
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

/// Documents hold text, so everything from them is text.
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

/// Merges two facts documents: of two entries with one key, the later counts.
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

/// JSON of a value whose maps all have text keys.
fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
