//! What can happen. A history is a list of events.

use scimguard_exchange::Incoming;
use scimguard_tests::acts::Operation;
use scimguard_tests::fixtures::{HARNESS_BASE, in_account};
use scimguard_tests::model::Actor;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::leases::TaskId;

/// The provider's token.
pub(crate) const PROVIDER: &str = "pat.ACC1.okta.s3cret";
/// A token with the same rights that is bound to nobody.
pub(crate) const OPERATOR: &str = "pat.ACC1.admin.s3cret";

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A client's request arrives.
    Begin(TaskId, Request),
    /// The guard begins to ask what became of everything open.
    Settle(TaskId),
    /// What a request waits for happens.
    Step(TaskId),
    /// The application does what a request asks.
    Perform(TaskId),
    /// Something else happens to a request.
    Fault(TaskId, Fault),
    /// The application does what it was asked long ago, by a request that nobody waits for any more.
    Late(TaskId),
    /// The guard dies, and starts again.
    Kill,
    /// So much time passes that the application is done with everything.
    Wait,
}

/// What can go wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Fault {
    /// Its leases are not to be had in time.
    Busy,
    /// The record cannot be read.
    Unreadable,
    /// The record cannot be written.
    CommitFails,
    /// The record is written, and the store says it is not.
    CommitUnknown,
    /// The application answers 503 and does nothing.
    NotDone,
    /// The application does it, and its answer is lost.
    AnswerLost,
    /// The application does it, and answers 504.
    AnswerWrong,
    /// The connection breaks; the application may do it later.
    Detached,
    /// A read of the guard's own is not answered.
    NotRead,
    /// The client goes away before anything is sent.
    ClientGone,
    /// A gateway's pass takes too long: its leases end.
    Expired,
    /// The gateway dies.
    GatewayDies,
}

/// A client's request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Whether the provider sends it, or an operator.
    pub by_provider: bool,
    /// Whether a gateway decides it, by a facts service.
    pub at_gateway: bool,
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The body; none is `null`.
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

    /// The same, decided by a gateway.
    #[must_use]
    pub fn at_gateway(self) -> Self {
        Self {
            at_gateway: true,
            ..self
        }
    }

    /// Who sends it.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match self.by_provider {
            true => Actor::Provisioner,
            false => Actor::Operator,
        }
    }

    /// Its head and its body as the guard receives them.
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
