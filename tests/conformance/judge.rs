//! The policy `generic` with the facts of one account, and what a face does with it.

use scimguard_core::facts::{Fact, Key, Table};
use scimguard_core::message::{AnswerBody, BackendAnswer, ForwardBody};
use scimguard_core::{BackendOutcome, Body, Forward, Guard, Outcome, Request, Verdict};
use scimguard_tests::fixtures::principal;
use serde_json::{Value, json};

/// Where the policy has its SCIM end points.
pub(crate) const BASE: &str = "/scim/v2/ACC1";
/// The user and the group that the provisioner owns.
pub(crate) const USER: &str = "u1";
pub(crate) const GROUP: &str = "g1";

const NOW: u64 = 1_780_000_000_000;
const TOKEN: &[u8] = b"Bearer pat.ACC1.tok1.s3cret";

/// Decides requests of the provisioner.
pub(crate) struct Judge {
    guard: Guard,
    facts: Table,
}

// === impl Judge ===

impl Judge {
    /// A judge of a provisioner who may do everything.
    pub(crate) fn new() -> Self {
        let guard = match Guard::configure(r#"{"version": 1, "preset": "generic"}"#) {
            Ok(guard) => guard,
            Err(errors) => panic!("{errors:?}"),
        };
        let facts = json!({
            "tokens": [{"token": "pat.ACC1.tok1.s3cret", "account": "ACC1", "principal": "svc", "provider": "okta"}],
            "principals": [principal("svc")],
            "users": [{"account": "ACC1", "id": USER, "userName": "ann@example.com", "managed_by": "okta"}],
            "groups": [{"account": "ACC1", "id": GROUP, "displayName": "web-team", "managed_by": "okta"}],
        });
        Self {
            guard,
            facts: Table::from_json(&facts).expect("the facts are well formed"),
        }
    }

    /// The decision on a request.
    pub(crate) fn decide(&self, method: &str, path: &str, body: &[u8]) -> Verdict {
        let mut request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: vec![
                ("authorization".to_owned(), TOKEN.to_vec()),
                ("content-type".to_owned(), b"application/scim+json".to_vec()),
            ],
            body: Body::Unread,
            annotate: false,
        };
        let mut facts = Vec::new();
        for _ in 0..=self.guard.settings().rounds {
            match self.guard.evaluate(&request, &facts, NOW) {
                Verdict::Need(need) => {
                    if need.body_limit.is_some() {
                        request.body = Body::Bytes(body.to_vec());
                    }
                    facts.extend(self.answers(need.keys));
                }
                verdict => return verdict,
            }
        }
        panic!("more rounds than the settings allow");
    }

    /// Sends what is forwarded to a backend, and what follows from its answer, until the client is
    /// answered; returns the status of that answer.
    pub(crate) fn carry_out(
        &self,
        forward: &Forward,
        mut backend: impl FnMut(&Forward) -> (u16, Value),
    ) -> u16 {
        let mut forward = forward.clone();
        for _ in 0..self.guard.settings().passes {
            let (status, body) = backend(&forward);
            let answer = BackendOutcome::Answered(BackendAnswer {
                status,
                headers: vec![("content-type".to_owned(), b"application/scim+json".to_vec())],
                body: AnswerBody::Bytes(body.to_string().into_bytes()),
            });
            match self.observe(&forward.continuation, &answer) {
                Outcome::Respond(respond) => return respond.response.status,
                Outcome::Forward(next) => forward = next,
                other => panic!("neither an answer nor a request: {other:?}"),
            }
        }
        panic!("more passes than the settings allow");
    }

    fn observe(&self, continuation: &[u8], answer: &BackendOutcome) -> Outcome {
        let mut facts = Vec::new();
        for _ in 0..=self.guard.settings().rounds {
            match self.guard.observe(continuation, answer, &facts, NOW) {
                Outcome::Need(need) => facts.extend(self.answers(need.keys)),
                outcome => return outcome,
            }
        }
        panic!("more rounds than the settings allow");
    }

    fn answers(&self, keys: Vec<Key>) -> impl Iterator<Item = Fact> {
        keys.into_iter().map(|key| Fact {
            answer: self.facts.answer(&key),
            key,
        })
    }
}

/// The JSON that is forwarded; `None` for a request without a body.
pub(crate) fn body(forward: &Forward) -> Option<Value> {
    match &forward.body {
        ForwardBody::Bytes(bytes) => {
            Some(serde_json::from_slice(bytes).expect("what is forwarded is JSON"))
        }
        ForwardBody::None => None,
        ForwardBody::AsReceived => panic!("SCIM is never forwarded as received"),
    }
}
