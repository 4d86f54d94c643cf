//! One request from beginning to end: every stop of its way, and what the client gets.

use super::drive::{Calls, Decided, Driver, Stuck};
use crate::facts::Table;
use crate::message::{
    AnswerBody, AnswerHandling, BackendAnswer, BackendOutcome, Request, Response, ResponseBody,
};
use crate::refusal::{ErrorForm, refusal};

/// What the backend does with the requests that one request becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answers {
    /// It is not asked, or nobody knows what it will say.
    Awaited,
    /// The same to each.
    Same(BackendOutcome),
    /// One after the other.
    Each(Vec<BackendOutcome>),
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Played {
    /// What was decided: of the request, then after each answer of the backend.
    pub stops: Vec<Decided>,
    /// What the client gets, with its body; `None` while an answer is awaited.
    pub response: Option<Response>,
}

// === impl Answers ===

impl Answers {
    fn get(&self, index: usize) -> Option<&BackendOutcome> {
        match self {
            Self::Awaited => None,
            Self::Same(answer) => Some(answer),
            Self::Each(answers) => answers.get(index),
        }
    }
}

/// Plays one request. What is recorded on its way is in the table then.
///
/// # Errors
/// There is no decision, or one answer of the backend too few.
pub fn play<C: Calls>(
    driver: &mut Driver<C>,
    request: &Request,
    answers: &Answers,
    table: &mut Table,
    now: u64,
) -> Result<Played, Stuck<C::Fault>> {
    let mut stops = Vec::new();
    let mut decided = driver.evaluate(request, table, now)?;
    let mut received = None;
    let response = loop {
        let forward = match &decided {
            Decided::Reject(reject) => break Some(reject.response.clone()),
            Decided::Respond(respond) => break Some(respond.response.clone()),
            Decided::Forward(forward) => forward,
        };
        let answer = match answers.get(stops.len()) {
            Some(answer) => answer,
            None if *answers == Answers::Awaited => break None,
            None => {
                return Err(Stuck::Another {
                    method: forward.method.clone(),
                    path: forward.path.clone(),
                });
            }
        };
        received = body(answer);
        let next = match forward.answer {
            AnswerHandling::Observe => driver.observe(&forward.continuation, answer, table, now)?,
            AnswerHandling::Pass => break passed(answer),
        };
        stops.push(std::mem::replace(&mut decided, next));
    };
    stops.push(decided);
    let response = response.map(|response| whole(response, received));
    Ok(Played { stops, response })
}

/// What the client gets of an answer that nobody looks at.
fn passed(answer: &BackendOutcome) -> Option<Response> {
    match answer {
        BackendOutcome::Answered(answer) => Some(Response {
            status: answer.status,
            headers: answer.headers.clone(),
            body: ResponseBody::AsReceived,
        }),
        // What a face says by itself.
        BackendOutcome::Unanswered | BackendOutcome::NotAsked => refusal(
            "upstream.unavailable",
            "The application gave no answer.",
            ErrorForm::Problem,
        ),
    }
}

fn body(answer: &BackendOutcome) -> Option<&[u8]> {
    match answer {
        BackendOutcome::Answered(BackendAnswer {
            body: AnswerBody::Bytes(bytes),
            ..
        }) => Some(bytes),
        _ => None,
    }
}

/// With the backend's bytes where they are what the client gets.
fn whole(mut response: Response, received: Option<&[u8]>) -> Response {
    if response.body == ResponseBody::AsReceived {
        response.body = received.map_or(ResponseBody::None, |bytes| {
            ResponseBody::Bytes(bytes.to_vec())
        });
    }
    response
}
