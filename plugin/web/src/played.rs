//! Plays requests in order and returns what a page shows of each.

use scimguard_core::facts::{Ownership, Table};
use scimguard_core::history::{
    Answers, Decided, Passage, RequestDocument, UpstreamDocument, place, way,
};
use scimguard_core::message::{ForwardBody, ResponseBody};
use scimguard_core::record::Record;
use scimguard_core::{
    Body, Forward, Guard, Headers, Normalisation, Reject, Request, Respond, Response, decision,
};
use scimguard_exchange::history::{Driver, Journal, Stuck};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

/// A request and the backend's answers, as JSON texts.
#[derive(Deserialize)]
pub(crate) struct Step {
    request: String,
    upstream: Option<String>,
    now: Option<u64>,
}

/// An unreadable input text, and why it is unreadable.
pub(crate) struct InputFault {
    pub(crate) input: Input,
    pub(crate) message: String,
    /// Line and column, counted from 1.
    pub(crate) place: Option<(usize, usize)>,
}

/// An input text; steps count from 0.
#[derive(Clone, Copy)]
pub(crate) enum Input {
    Facts,
    Request(usize),
    Upstream(usize),
}

/// The result of one request.
#[derive(Serialize)]
pub(crate) struct Played {
    stages: Vec<Passage>,
    place: Option<Place>,
    account: Option<String>,
    stops: Vec<Stop>,
    response: Option<Shown>,
    changes: Vec<Normalisation>,
    records: Vec<Record>,
    ownership: Ownership,
}

#[derive(Serialize)]
struct Place {
    line: usize,
    column: usize,
}

/// One decision.
#[derive(Serialize)]
struct Stop {
    #[serde(flatten)]
    decision: Decision,
    rule: Option<String>,
    changes: Vec<Normalisation>,
}

#[derive(Serialize)]
#[serde(tag = "decision", rename_all = "lowercase")]
enum Decision {
    Forward {
        request: Sent,
    },
    Reject {
        detail: Option<String>,
        response: Shown,
    },
    Respond {
        response: Shown,
    },
}

#[derive(Serialize)]
struct Sent {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

#[derive(Serialize)]
struct Shown {
    status: u16,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

/// Plays all steps.
pub(crate) fn play(
    guard: &Guard,
    facts: &str,
    steps: &[Step],
    now: u64,
) -> Result<Vec<Played>, InputFault> {
    each(guard, facts, steps, now, |came| {
        let first = came.stops.first();
        Played {
            stages: first.map_or_else(Vec::new, |first| way(guard, &came.request, first)),
            place: first.and_then(pointed),
            account: first.and_then(account),
            stops: came
                .stops
                .into_iter()
                .map(|decided| Stop::new(decided, &came.request))
                .collect(),
            response: came.response.as_ref().map(Shown::new),
            changes: came.journal.changes,
            records: came.journal.records,
            ownership: came.table.ownership(),
        }
    })
}

/// Plays all steps; returns the decisions on each as `scimguard check` prints them.
pub(crate) fn decisions(
    guard: &Guard,
    facts: &str,
    steps: &[Step],
    now: u64,
) -> Result<Vec<Vec<String>>, InputFault> {
    each(guard, facts, steps, now, |came| {
        let documents = came.stops.iter().map(|decided| match decided {
            Decided::Forward(forward) => decision::forward(forward, &came.request),
            Decided::Reject(reject) => decision::reject(reject),
            Decided::Respond(respond) => decision::respond(respond),
        });
        documents.map(|document| document.to_string()).collect()
    })
}

/// The outcome of one step.
struct Came<'t> {
    request: Request,
    stops: Vec<Decided>,
    response: Option<Response>,
    journal: Journal,
    /// The record after the step.
    table: &'t Table,
}

fn each<T>(
    guard: &Guard,
    facts: &str,
    steps: &[Step],
    now: u64,
    mut show: impl FnMut(Came<'_>) -> T,
) -> Result<Vec<T>, InputFault> {
    let mut table = table(facts)?;
    let mut driver = Driver::new(guard);
    let mut shown = Vec::new();
    for (index, given) in steps.iter().enumerate() {
        let request = request(&given.request, Input::Request(index))?;
        let answers = answers(given.upstream.as_deref(), Input::Upstream(index))?;
        let now = given.now.unwrap_or(now);
        let came = driver
            .play(&request, &answers, &mut table, now)
            .map_err(|stuck| InputFault::of(Input::Upstream(index), told(&stuck)))?;
        shown.push(show(Came {
            request,
            stops: came.stops,
            response: came.response,
            journal: driver.journal(),
            table: &table,
        }));
    }
    Ok(shown)
}

fn told(stuck: &Stuck) -> String {
    match stuck {
        Stuck::Another { method, path } => format!(
            "the guard sends another request to the application ({method} {path}): give its answer, \
             too, in a list"
        ),
        other => other.to_string(),
    }
}

fn table(facts: &str) -> Result<Table, InputFault> {
    if facts.trim().is_empty() {
        return Ok(Table::default());
    }
    let document: serde_json::Value = read(facts, Input::Facts)?;
    Table::from_json(&document).map_err(|message| InputFault::of(Input::Facts, message))
}

fn request(text: &str, input: Input) -> Result<Request, InputFault> {
    let document: RequestDocument = read(text, input)?;
    document
        .into_request()
        .map_err(|message| InputFault::of(input, message))
}

fn answers(text: Option<&str>, input: Input) -> Result<Answers, InputFault> {
    let Some(text) = text else {
        return Ok(Answers::Awaited);
    };
    let document: UpstreamDocument<IgnoredAny> = read(text, input)?;
    document
        .into_answers()
        .map(|(answers, _)| answers)
        .map_err(|message| InputFault::of(input, message))
}

fn read<T: DeserializeOwned>(text: &str, input: Input) -> Result<T, InputFault> {
    serde_json::from_str(text).map_err(|error| InputFault {
        input,
        message: error.to_string(),
        place: (error.line() > 0).then(|| (error.line(), error.column())),
    })
}

fn pointed(decided: &Decided) -> Option<Place> {
    let Decided::Reject(reject) = decided else {
        return None;
    };
    place(reject).map(|(line, column)| Place { line, column })
}

fn account(decided: &Decided) -> Option<String> {
    match decided {
        Decided::Forward(forward) => forward.account.clone(),
        Decided::Reject(reject) => reject.account.clone(),
        Decided::Respond(_) => None,
    }
}

// === impl InputFault ===

impl InputFault {
    fn of(input: Input, message: String) -> Self {
        Self {
            input,
            message,
            place: None,
        }
    }
}

// === impl Stop ===

impl Stop {
    fn new(decided: Decided, received: &Request) -> Self {
        match decided {
            Decided::Forward(forward) => Self::forward(forward, received),
            Decided::Reject(reject) => Self::reject(reject),
            Decided::Respond(respond) => Self::respond(respond),
        }
    }

    fn forward(forward: Forward, received: &Request) -> Self {
        let body = match (&forward.body, &received.body) {
            (ForwardBody::Bytes(bytes), _) | (ForwardBody::AsReceived, Body::Bytes(bytes)) => {
                Some(text(bytes))
            }
            _ => None,
        };
        Self {
            decision: Decision::Forward {
                request: Sent {
                    headers: headers(&forward.headers),
                    method: forward.method,
                    path: forward.path,
                    body,
                },
            },
            rule: forward.rule,
            changes: forward.changes,
        }
    }

    fn reject(reject: Reject) -> Self {
        let response = Shown::new(&reject.response);
        Self {
            decision: Decision::Reject {
                detail: response.detail(),
                response,
            },
            rule: Some(reject.rule),
            changes: reject.changes,
        }
    }

    fn respond(respond: Respond) -> Self {
        Self {
            decision: Decision::Respond {
                response: Shown::new(&respond.response),
            },
            rule: respond.rule,
            changes: Vec::new(),
        }
    }
}

// === impl Shown ===

impl Shown {
    fn new(response: &Response) -> Self {
        Self {
            status: response.status,
            headers: headers(&response.headers),
            body: match &response.body {
                ResponseBody::Bytes(bytes) => Some(text(bytes)),
                ResponseBody::None | ResponseBody::AsReceived => None,
            },
        }
    }

    /// The `detail` of the error in the body.
    fn detail(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Error {
            detail: String,
        }
        let error: Error = serde_json::from_str(self.body.as_deref()?).ok()?;
        Some(error.detail)
    }
}

fn headers(headers: &Headers) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
