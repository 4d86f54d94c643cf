//! A case suite as an exchange: each step's request, and the answer in `upstream`.

use scimguard_cases::Suite;
use scimguard_core::message::{AnswerBody, BackendAnswer};
use scimguard_core::{BackendOutcome, Body, Request};

use crate::lint::exchange::{Answer, Entry};

/// The steps of each case. Entries are counted through the file.
pub(super) fn sequences(text: &str) -> anyhow::Result<Vec<Vec<Entry>>> {
    let mut number = 0;
    let suite = Suite::parse(text)?;
    Ok(suite
        .cases
        .iter()
        .map(|case| {
            case.exchanges()
                .map(|(request, upstream)| {
                    number += 1;
                    entry(number, &case.name, request, upstream)
                })
                .collect()
        })
        .collect())
}

fn entry(number: usize, name: &str, request: &Request, upstream: Option<&BackendOutcome>) -> Entry {
    Entry {
        number,
        name: Some(name.to_owned()),
        method: request.method.clone(),
        path: request.path.clone(),
        headers: request.headers.clone(),
        body: match &request.body {
            Body::Bytes(bytes) => Some(bytes.clone()),
            _ => None,
        },
        answer: match upstream {
            Some(BackendOutcome::Answered(answered)) => Some(answer(answered)),
            _ => None,
        },
    }
}

fn answer(answered: &BackendAnswer) -> Answer {
    Answer {
        status: answered.status,
        headers: answered.headers.clone(),
        body: match &answered.body {
            AnswerBody::Bytes(bytes) => Some(bytes.clone()),
            _ => None,
        },
    }
}
