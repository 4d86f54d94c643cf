//! A case both ways, through Envoy and as native code: what reaches the application, what the client
//! gets and what is recorded, compared byte for byte.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use scimguard_core::facts::Table;
use scimguard_core::history::Decided;
use scimguard_core::message::{AnswerHandling, ForwardBody, ResponseBody};
use scimguard_core::{Body, Forward, Guard, Headers, Request, Response};
use scimguard_exchange::headers;
use scimguard_exchange::history::{Driver, Played, Stuck};

use crate::peers::{Forwarded, Peers};
use crate::raw::Answer;
use crate::suites::{Case, Step};
use crate::ways::{self, Way};

/// Headers that Envoy, or the application's HTTP library, writes by itself.
const OF_THE_WAY: [&str; 5] = [
    "date",
    "server",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-request-id",
];

/// Plays a case both ways.
pub(crate) async fn run(
    case: &Case,
    way: Way,
    guard: &Guard,
    peers: &Peers,
    listeners: impl Fn(&Step) -> SocketAddr,
) -> anyhow::Result<()> {
    let mut driver = Driver::new(guard);
    let mut table = case.facts.clone();
    peers.state().table = case.facts.clone();
    for (number, step) in case.steps.iter().enumerate() {
        let natively = driver.play(&step.request, &step.answers, &mut table, step.now);
        {
            let mut state = peers.state();
            state.now = step.now;
            state.answers = step.answers.clone();
            state.forwarded.clear();
        }
        let answer = ways::send(listeners(step), &step.request, way).await;
        let forwarded = std::mem::take(&mut peers.state().forwarded);
        compare(&natively, &step.request, answer, &forwarded)
            .with_context(|| format!("step {}", number + 1))?;
        same_record(&table, &peers.state().table)?;
        if matches!(&natively, Ok(played) if played.response.is_none()) {
            // Where the case ends, the application broke off here.
            peers.state().table = table.clone();
        }
    }
    Ok(())
}

fn compare(
    natively: &Result<Played, Stuck>,
    request: &Request,
    answer: anyhow::Result<Answer>,
    came: &[Forwarded],
) -> anyhow::Result<()> {
    let played = natively
        .as_ref()
        .map_err(|stuck| anyhow::anyhow!("stuck: {stuck:?}"))?;
    let expected: Vec<Forwarded> = played
        .stops
        .iter()
        .filter_map(|stop| match stop {
            Decided::Forward(forward) => Some(expected(forward, request)),
            Decided::Reject(_) | Decided::Respond(_) => None,
        })
        .collect();
    let came: Vec<Forwarded> = came.iter().map(shown).collect();
    ensure!(
        expected == came,
        "forwarded: expected {expected:?}, came {came:?}"
    );
    let answer = answer?;
    match (&played.response, played.stops.last()) {
        (None, _) => Ok(()),
        (Some(response), Some(Decided::Forward(_))) if rule(&response.headers).is_some() => {
            // Nobody answered what is passed on: the words are each face's own.
            ensure!(
                answer.status == response.status
                    && rule(&answer.headers) == rule(&response.headers),
                "expected {response:?}, came {answer:?}"
            );
            Ok(())
        }
        (Some(response), _) => same_answer(response, request, &answer),
    }
}

fn same_answer(expected: &Response, request: &Request, came: &Answer) -> anyhow::Result<()> {
    let body: &[u8] = match &expected.body {
        ResponseBody::Bytes(bytes) if request.method != "HEAD" => bytes,
        _ => &[],
    };
    ensure!(
        expected.status == came.status
            && end_to_end(&expected.headers) == end_to_end(&came.headers)
            && body == came.body,
        "expected {} {:?} {:?}, came {} {:?} {:?}",
        expected.status,
        end_to_end(&expected.headers),
        String::from_utf8_lossy(body),
        came.status,
        end_to_end(&came.headers),
        String::from_utf8_lossy(&came.body)
    );
    Ok(())
}

/// A passed answer may come after what is told of it; a record never does.
fn same_record(expected: &Table, came: &Table) -> anyhow::Result<()> {
    ensure!(
        expected == came,
        "the record: expected {expected:?}, came {came:?}"
    );
    Ok(())
}

fn expected(forward: &Forward, request: &Request) -> Forwarded {
    let body = match (&forward.body, &request.body) {
        (ForwardBody::Bytes(bytes), _) | (ForwardBody::AsReceived, Body::Bytes(bytes)) => {
            bytes.clone()
        }
        _ => Vec::new(),
    };
    let mut kept = end_to_end(&forward.headers);
    if forward.answer == AnswerHandling::Observe {
        kept.retain(|(name, _)| name != "accept-encoding");
    }
    Forwarded {
        method: forward.method.clone(),
        path: forward.path.clone(),
        headers: kept,
        body,
    }
}

fn shown(came: &Forwarded) -> Forwarded {
    Forwarded {
        headers: end_to_end(&came.headers),
        ..came.clone()
    }
}

/// Without framing and what Envoy writes itself, by name: the order of different names means nothing.
fn end_to_end(all: &Headers) -> Headers {
    let mut kept = headers::end_to_end(all.clone());
    kept.retain(|(name, _)| !OF_THE_WAY.contains(&name.as_str()) && !name.starts_with("x-envoy-"));
    kept.sort_by(|(one, _), (other, _)| one.cmp(other));
    kept
}

fn rule(headers: &Headers) -> Option<&[u8]> {
    let found = headers.iter().find(|(name, _)| name == "scimguard-rule");
    found.map(|(_, value)| value.as_slice())
}
