//! What a policy says outside the order that its interface asks for (`configure` once, then
//! everything else). A trap would be safe too, but says nothing to whoever writes a face.

use scimguard_interface::{ConfigError, Reject, Respond, Response, ResponseBody};

const RULE: &str = "facts.unavailable";

const BODY: &[u8] = br#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"503","detail":"The policy is not ready: the gateway must call configure first, and resume only a decision that needs something."}"#;

/// The verdict of a policy that has none: everything is refused.
pub(crate) fn reject() -> Reject {
    Reject {
        rule: RULE.to_owned(),
        response: response(),
        changes: Vec::new(),
        account: None,
        verified_token: None,
    }
}

/// The same, where the backend has answered already: nothing is known of the answer, so nothing is
/// recorded and nothing of it is shown.
pub(crate) fn respond() -> Respond {
    Respond {
        response: response(),
        records: Vec::new(),
        rule: Some(RULE.to_owned()),
    }
}

/// The error of a second `configure`: a policy never changes under a request.
pub(crate) fn already() -> ConfigError {
    ConfigError {
        pointer: String::new(),
        message: "this instance is configured already; make another one for another policy"
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
