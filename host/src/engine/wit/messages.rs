//! Requests and answers into the sandbox; verdicts, outcomes and settings out of it.

use scimguard_core::message as core;
use scimguard_core::{ConfigError, Settings};

use super::types as wit;

impl From<&core::Request> for wit::Request {
    fn from(request: &core::Request) -> Self {
        Self {
            method: request.method.clone(),
            path: request.path.clone(),
            headers: request.headers.clone(),
            body: match &request.body {
                core::Body::Unread => wit::Body::Unread,
                core::Body::None => wit::Body::None,
                core::Body::Bytes(bytes) => wit::Body::Bytes(bytes.clone()),
                core::Body::OverLimit => wit::Body::OverLimit,
            },
            annotate: request.annotate,
        }
    }
}

impl From<&core::BackendOutcome> for wit::BackendOutcome {
    fn from(outcome: &core::BackendOutcome) -> Self {
        match outcome {
            core::BackendOutcome::NotAsked => Self::NotAsked,
            core::BackendOutcome::Unanswered => Self::Unanswered,
            core::BackendOutcome::Answered(answer) => Self::Answered(wit::BackendAnswer {
                status: answer.status,
                headers: answer.headers.clone(),
                body: match &answer.body {
                    core::AnswerBody::None => wit::AnswerBody::None,
                    core::AnswerBody::Bytes(bytes) => wit::AnswerBody::Bytes(bytes.clone()),
                    core::AnswerBody::OverLimit => wit::AnswerBody::OverLimit,
                },
            }),
        }
    }
}

impl From<wit::Verdict> for core::Verdict {
    fn from(verdict: wit::Verdict) -> Self {
        match verdict {
            wit::Verdict::Need(need) => Self::Need(need.into()),
            wit::Verdict::Forward(forward) => Self::Forward(forward.into()),
            wit::Verdict::Reject(reject) => Self::Reject(core::Reject {
                rule: reject.rule,
                response: reject.response.into(),
                changes: all(reject.changes),
                account: reject.account,
                verified_token: reject.verified_token,
            }),
            wit::Verdict::Proceed(proceed) => Self::Proceed(proceed.into()),
        }
    }
}

impl From<wit::Outcome> for core::Outcome {
    fn from(outcome: wit::Outcome) -> Self {
        match outcome {
            wit::Outcome::Need(need) => Self::Need(need.into()),
            wit::Outcome::Forward(forward) => Self::Forward(forward.into()),
            wit::Outcome::Respond(respond) => Self::Respond(core::Respond {
                response: respond.response.into(),
                records: all(respond.records),
                rule: respond.rule,
            }),
            wit::Outcome::Proceed(proceed) => Self::Proceed(proceed.into()),
        }
    }
}

impl From<wit::Need> for core::Need {
    fn from(need: wit::Need) -> Self {
        Self {
            keys: all(need.keys),
            body_limit: need.body_limit,
        }
    }
}

impl From<wit::Forward> for core::Forward {
    fn from(forward: wit::Forward) -> Self {
        Self {
            method: forward.method,
            path: forward.path,
            headers: forward.headers,
            body: match forward.body {
                wit::ForwardBody::None => core::ForwardBody::None,
                wit::ForwardBody::AsReceived => core::ForwardBody::AsReceived,
                wit::ForwardBody::Bytes(bytes) => core::ForwardBody::Bytes(bytes),
            },
            answer: match forward.answer {
                wit::AnswerHandling::Pass => core::AnswerHandling::Pass,
                wit::AnswerHandling::Observe => core::AnswerHandling::Observe,
            },
            continuation: forward.continuation,
            changes: all(forward.changes),
            records: all(forward.records),
            account: forward.account,
            verified_token: forward.verified_token,
            rule: forward.rule,
        }
    }
}

impl From<wit::Proceed> for core::Proceed {
    fn from(proceed: wit::Proceed) -> Self {
        Self {
            records: all(proceed.records),
            continuation: proceed.continuation,
            changes: all(proceed.changes),
            rule: proceed.rule,
            account: proceed.account,
            verified_token: proceed.verified_token,
        }
    }
}

impl From<wit::Response> for core::Response {
    fn from(response: wit::Response) -> Self {
        Self {
            status: response.status,
            headers: response.headers,
            body: match response.body {
                wit::ResponseBody::None => core::ResponseBody::None,
                wit::ResponseBody::AsReceived => core::ResponseBody::AsReceived,
                wit::ResponseBody::Bytes(bytes) => core::ResponseBody::Bytes(bytes),
            },
        }
    }
}

impl From<wit::Change> for core::Change {
    fn from(change: wit::Change) -> Self {
        Self {
            rule: change.rule,
            path: change.path,
            detail: change.detail,
        }
    }
}

impl From<wit::Settings> for Settings {
    fn from(settings: wit::Settings) -> Self {
        Self {
            body_limit: settings.body_limit,
            answer_limit: settings.answer_limit,
            rounds: settings.rounds,
            passes: settings.passes,
            scim_base: settings.scim_base,
            upstream_base: settings.upstream_base,
            scim_account: settings.scim_account,
        }
    }
}

impl From<wit::ConfigError> for ConfigError {
    fn from(error: wit::ConfigError) -> Self {
        Self {
            pointer: error.pointer,
            message: error.message,
        }
    }
}

fn all<From, To: std::convert::From<From>>(list: Vec<From>) -> Vec<To> {
    list.into_iter().map(To::from).collect()
}
