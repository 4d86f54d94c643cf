//! Answers to calls in the wrong order (`configure` must come first, and only once). A trap would be safe
//! too, but would not help the author of a host.

use scimguard_interface::{ConfigError, Reject, Respond, Response, ResponseBody};

const RULE: &str = "facts.unavailable";

const BODY: &[u8] = br#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"503","detail":"The policy is not ready: the host must call configure first, and resume only a decision that needs something."}"#;

/// The verdict without a policy: a refusal.
pub(crate) fn reject() -> Reject {
    Reject {
        rule: RULE.to_owned(),
        response: response(),
        changes: Vec::new(),
        account: None,
        verified_token: None,
    }
}

/// The same after the backend's answer: nothing is known about it, so nothing is recorded or passed on.
pub(crate) fn respond() -> Respond {
    Respond {
        response: response(),
        records: Vec::new(),
        rule: Some(RULE.to_owned()),
    }
}

/// The error of a second `configure`: a policy never changes during a request.
pub(crate) fn already() -> ConfigError {
    ConfigError {
        pointer: String::new(),
        message: "this instance is already configured; create a new one for another policy"
            .to_owned(),
    }
}

fn response() -> Response {
    let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    Response {
        status: 503,
        headers: vec![
            header("content-type", "application/scim+json"),
            header("retry-after", "5"),
            header("scimguard-rule", RULE),
        ],
        body: ResponseBody::Bytes(BODY.to_vec()),
    }
}
