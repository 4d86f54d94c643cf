//! The plainest of everything that a policy, a client or a backend can say.

use scimguard_core::facts::Key;
use scimguard_core::message::{
    AnswerBody, AnswerHandling, BackendAnswer, ForwardBody, Need, Proceed, Reject, Respond,
    ResponseBody,
};
use scimguard_core::record::{Record, ResourceKey};
use scimguard_core::{BackendOutcome, Body, Forward, Headers, Request, Response};

use super::facts::user_key;
use super::{ACCOUNT, PATH};

/// A need for these users of the account.
pub(crate) fn need(users: &[&str]) -> Need {
    let keys: Vec<Key> = users.iter().map(|user| user_key(user)).collect();
    need_keys(&keys)
}

pub(crate) fn need_keys(keys: &[Key]) -> Need {
    Need {
        keys: keys.to_vec(),
        body_limit: None,
    }
}

/// A need for these users, and for as much of the body.
pub(crate) fn need_body(limit: u64, users: &[&str]) -> Need {
    Need {
        body_limit: Some(limit),
        ..need(users)
    }
}

/// A request to the backend whose answer is judged.
pub(crate) fn forward() -> Forward {
    Forward {
        method: "PUT".to_owned(),
        path: PATH.to_owned(),
        headers: Vec::new(),
        body: ForwardBody::None,
        answer: AnswerHandling::Observe,
        continuation: b"then".to_vec(),
        changes: Vec::new(),
        records: Vec::new(),
        account: Some(ACCOUNT.to_owned()),
        verified_token: None,
        rule: None,
    }
}

pub(crate) fn proceed() -> Proceed {
    Proceed {
        records: Vec::new(),
        continuation: b"next".to_vec(),
        changes: Vec::new(),
        rule: None,
        account: Some(ACCOUNT.to_owned()),
        verified_token: None,
    }
}

pub(crate) fn reject(status: u16) -> Reject {
    Reject {
        rule: "some.rule".to_owned(),
        response: response(status),
        changes: Vec::new(),
        account: Some(ACCOUNT.to_owned()),
        verified_token: None,
    }
}

pub(crate) fn respond() -> Respond {
    Respond {
        response: response(204),
        records: Vec::new(),
        rule: None,
    }
}

pub(crate) fn response(status: u16) -> Response {
    Response {
        status,
        headers: Vec::new(),
        body: ResponseBody::None,
    }
}

/// Records that this user of the account was removed.
pub(crate) fn removal(user: &str) -> Record {
    removal_of(ACCOUNT, user)
}

pub(crate) fn removal_of(account: &str, user: &str) -> Record {
    Record::RemoveUser(ResourceKey {
        account: account.to_owned(),
        scope: String::new(),
        id: user.to_owned(),
    })
}

/// Removals of this many users.
pub(crate) fn removals(count: usize) -> Vec<Record> {
    (0..count).map(|user| removal(&user.to_string())).collect()
}

// === what others say ===

pub(crate) fn headers(headers: &[(&str, &str)]) -> Headers {
    let headers = headers.iter();
    headers
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect()
}

pub(crate) fn request(body: Body) -> Request {
    Request {
        method: "PUT".to_owned(),
        path: PATH.to_owned(),
        headers: Vec::new(),
        body,
        annotate: false,
    }
}

/// An answer of the backend with a body of this size.
pub(crate) fn answered(size: usize) -> BackendOutcome {
    answered_with(AnswerBody::Bytes(vec![b'x'; size]))
}

pub(crate) fn answered_with(body: AnswerBody) -> BackendOutcome {
    answered_as(200, &[], body)
}

pub(crate) fn answered_as(status: u16, given: &[(&str, &str)], body: AnswerBody) -> BackendOutcome {
    BackendOutcome::Answered(BackendAnswer {
        status,
        headers: headers(given),
        body,
    })
}
