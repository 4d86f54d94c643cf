//! A Bulk request (RFC 7644 §3.7), split into operations. Each operation is judged like a request
//! of its own, with the facts as they are after the ones before it, so Bulk permits nothing that
//! single requests do not. The application need not support `/Bulk`.

mod answer;
mod envelope;
pub(crate) mod references;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::budget::Budget;
use crate::message::{Body, Headers, Request, Respond};
use crate::parse;
use crate::policy::{Account, Policy};
use crate::record::Record;
use crate::refusal::ErrorForm;
use crate::route::ScimCall;
use crate::rules::{Refusal, scim};

use answer::Answered;

/// Headers that each operation sets itself.
const OF_THE_OPERATION: &[&str] = &["content-type", "if-match", "if-none-match"];

/// A Bulk request that is under way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Bulk {
    /// The account's SCIM base as clients see it.
    base: String,
    /// The request's headers, except those that each operation sets itself.
    headers: Headers,
    /// Stop after this many errors (`failOnErrors`).
    fail_on_errors: Option<usize>,
    operations: Vec<Operation>,
    /// The ids of created resources, by `bulkId`.
    pub(crate) ids: BTreeMap<String, String>,
    pub(crate) under_way: Option<UnderWay>,
    /// The first rule that refused an operation.
    pub(crate) rule: Option<String>,
    /// The steps spent on deciding the operations so far: all operations of a request share one
    /// budget.
    pub(crate) spent: u64,
}

/// One operation.
#[derive(Debug, Serialize, Deserialize)]
struct Operation {
    method: String,
    /// `/Type` or `/Type/id`, as sent.
    path: String,
    bulk_id: Option<String>,
    version: Option<String>,
    /// JSON text; removed after the operation.
    data: Option<String>,
    /// The `bulkId`s that it refers to.
    refers_to: Vec<String>,
    answered: Option<Answered>,
}

/// The operation that waits for its answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UnderWay {
    pub(crate) index: usize,
    /// The continuation of this operation alone.
    pub(crate) continuation: Vec<u8>,
}

/// Parses a Bulk request and starts it.
pub(crate) fn begin(
    call: &ScimCall,
    request: &Request,
    policy: &Policy,
    account: &Account,
    budget: &Budget,
) -> Result<Bulk, Refusal> {
    let (body, _) = parse::required(request, account, budget)?;
    let envelope = envelope::read(body, account.limits.bulk_operations)?;
    references::check(&envelope.operations)?;
    Ok(Bulk {
        base: call.bases(policy).0,
        headers: request
            .headers
            .iter()
            .filter(|(name, _)| !OF_THE_OPERATION.contains(&name.as_str()))
            .cloned()
            .collect(),
        fail_on_errors: envelope.fail_on_errors,
        operations: envelope.operations,
        ids: BTreeMap::new(),
        under_way: None,
        rule: None,
        spent: budget.spent_on_request(),
    })
}

// === impl Bulk ===

impl Bulk {
    /// The next operation whose references all have a result.
    pub(crate) fn first_ready(&self) -> Option<usize> {
        let errors = self
            .operations
            .iter()
            .filter(|operation| operation.failed())
            .count();
        if self.fail_on_errors.is_some_and(|most| errors >= most) {
            return None;
        }
        let decided: BTreeSet<&String> = self
            .operations
            .iter()
            .filter(|operation| operation.answered.is_some())
            .filter_map(|operation| operation.bulk_id.as_ref())
            .collect();
        self.operations.iter().position(|operation| {
            operation.answered.is_none()
                && operation.refers_to.iter().all(|id| decided.contains(id))
        })
    }

    /// The operation as a separate request.
    pub(crate) fn request(&self, index: usize) -> Result<Request, Refusal> {
        let Some(operation) = self.operations.get(index) else {
            return Err(scim::BULK_INVALID.because("There is no such operation."));
        };
        if let Some(failed) = operation
            .refers_to
            .iter()
            .find(|bulk_id| !self.ids.contains_key(*bulk_id))
        {
            return Err(scim::BULK_REFERENCE.because(format!(
                "Operations[{index}] refers to bulkId {failed:?}, whose operation did not create anything."
            )));
        }
        let mut headers = self.headers.clone();
        let mut header = |name: &str, value: &str| {
            headers.push((name.to_owned(), value.as_bytes().to_vec()));
        };
        if operation.data.is_some() {
            header("content-type", "application/scim+json");
        }
        if let Some(version) = &operation.version {
            header("if-match", version);
        }
        Ok(Request {
            method: operation.method.clone(),
            path: self.base.clone() + &references::resolved_path(&operation.path, &self.ids),
            headers,
            body: match &operation.data {
                Some(data) => Body::Bytes(data.clone().into_bytes()),
                None => Body::None,
            },
            annotate: false,
        })
    }

    /// Stores the result of an operation.
    pub(crate) fn answered(&mut self, index: usize, respond: &Respond) {
        let base = self.base.clone();
        let Some(operation) = self.operations.get_mut(index) else {
            return;
        };
        let path = references::resolved_path(&operation.path, &self.ids);
        let (answered, id) = answer::of(&operation.method, &(base + &path), &respond.response);
        operation.data = None;
        operation.answered = Some(answered);
        if let (Some(bulk_id), Some(id)) = (&operation.bulk_id, id) {
            self.ids.insert(bulk_id.clone(), id);
        }
        if let Some(rule) = &respond.rule {
            self.rule.get_or_insert_with(|| rule.clone());
        }
    }

    /// Stores that an operation is refused.
    pub(crate) fn refused(&mut self, index: usize, refusal: &Refusal) {
        let respond = Respond {
            response: refusal.response(ErrorForm::Scim),
            records: Vec::new(),
            rule: Some(refusal.rule.to_owned()),
        };
        self.answered(index, &respond);
    }

    /// The answer to the whole request.
    pub(crate) fn respond(&self, records: Vec<Record>) -> Respond {
        Respond {
            response: answer::response(&self.operations),
            records,
            rule: self.rule.clone(),
        }
    }
}

// === impl Operation ===

impl Operation {
    fn failed(&self) -> bool {
        self.answered
            .as_ref()
            .is_some_and(|answered| answered.status >= 400)
    }
}
