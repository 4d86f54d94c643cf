//! Everything that can happen. A history is a list of events.

use scimguard_exchange::Incoming;
use scimguard_tests::acts::Operation;
use scimguard_tests::fixtures::{HARNESS_BASE, in_account};
use scimguard_tests::model::Actor;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::leases::TaskId;

/// The provider's token.
pub(crate) const PROVIDER: &str = "pat.ACC1.okta.s3cret";
/// A token with the same rights that belongs to no provider.
pub(crate) const OPERATOR: &str = "pat.ACC1.admin.s3cret";

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A client's request arrives.
    Begin(TaskId, Request),
    /// The guard starts a settling run.
    Settle(TaskId),
    /// What a request waits for happens.
    Step(TaskId),
    /// The application performs a request.
    Perform(TaskId),
    /// A fault occurs in a request.
    Fault(TaskId, Fault),
    /// The application performs a late write: nobody waits for its answer any more.
    Late(TaskId),
    /// The guard dies and restarts.
    Kill,
    /// Enough time passes for the application to finish everything.
    Wait,
}

/// The faults of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Fault {
    /// Its leases are not available in time.
    Busy,
    /// The record cannot be read.
    Unreadable,
    /// The record cannot be written.
    CommitFails,
    /// The record is written, but the store reports a failure.
    CommitUnknown,
    /// The application answers 503 and does nothing.
    NotDone,
    /// The application performs it, and its answer is lost.
    AnswerLost,
    /// The application performs it, and answers 504.
    AnswerWrong,
    /// The connection breaks; the application may perform it later.
    Detached,
    /// A read by the guard itself gets no answer.
    NotRead,
    /// The client goes away before anything is sent.
    ClientGone,
    /// A gateway's pass takes too long: its leases expire.
    Expired,
    /// The gateway dies.
    GatewayDies,
}

/// A client's request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Whether the provider or an operator sends it.
    pub by_provider: bool,
    /// Whether a gateway decides it, with a facts service.
    pub at_gateway: bool,
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The body; `null` if there is none.
    pub body: Value,
}

impl Request {
    /// The request of an operation.
    #[must_use]
    pub fn of(actor: Actor, operation: &Operation) -> Self {
        Self {
            by_provider: actor == Actor::Provisioner,
            at_gateway: false,
            method: operation.method.to_owned(),
            path: match operation.by_scim {
                true => format!("{HARNESS_BASE}{}", operation.path),
                false => in_account(&format!("/gateway{}", operation.path)),
            },
            body: operation.body.clone(),
        }
    }

    /// The same request, decided by a gateway.
    #[must_use]
    pub fn at_gateway(self) -> Self {
        Self {
            at_gateway: true,
            ..self
        }
    }

    /// The sender.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match self.by_provider {
            true => Actor::Provisioner,
            false => Actor::Operator,
        }
    }

    /// Its head and body as the guard receives them.
    pub(crate) fn received(&self) -> (Incoming, Vec<u8>) {
        let is_scim = self.path.starts_with(HARNESS_BASE);
        let token = match self.by_provider {
            true => PROVIDER,
            false => OPERATOR,
        };
        let media_type: &[u8] = match is_scim {
            true => b"application/scim+json",
            false => b"application/json",
        };
        let mut headers = vec![("content-type".to_owned(), media_type.to_vec())];
        if is_scim {
            let value = format!("Bearer {token}").into_bytes();
            headers.push(("authorization".to_owned(), value));
        }
        let incoming = Incoming {
            method: self.method.clone(),
            path: self.path.clone(),
            authority: Some(b"guard.example.com".to_vec()),
            headers,
        };
        let body = match &self.body {
            Value::Null => Vec::new(),
            body => body.to_string().into_bytes(),
        };
        (incoming, body)
    }
}
