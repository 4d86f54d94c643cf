//! What clients send, and what they must be answered.

use bytes::Bytes;
use http_body_util::Full;
use scimguard_tests::load::{Exchange, Request};
use scimguard_tests::okta::patch;
use serde_json::{Value, json};

use crate::application::SCIM;

/// Each has a user and a group of its own: writes of one group are one after another.
pub(crate) const CLIENTS: usize = 16;

/// A kind of request.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Load {
    /// Okta reads a user.
    Read,
    /// Okta puts a user into a group, and takes it out again: each changes the record.
    Write,
    /// An administrator deletes a group that Okta pushed, and must not.
    Refusal,
}

impl Load {
    pub(crate) const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Refusal];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Read => "Okta reads a user",
            Self::Write => "Okta changes the members of a group (PATCH)",
            Self::Refusal => "An administrator deletes a pushed group: 403",
        }
    }

    /// What each client sends in turn, with Okta's token.
    pub(crate) fn clients(self, token: &str) -> anyhow::Result<Vec<Vec<Exchange>>> {
        (0..CLIENTS).map(|n| self.turn(n, token)).collect()
    }

    fn turn(self, n: usize, token: &str) -> anyhow::Result<Vec<Exchange>> {
        let group = format!("{SCIM}/Groups/g{n}");
        Ok(match self {
            Self::Read => {
                let user = format!("{SCIM}/Users/u{n}");
                vec![of_okta("GET", &user, token, Bytes::new())?]
            }
            Self::Write => vec![
                of_okta("PATCH", &group, token, addition(n))?,
                of_okta("PATCH", &group, token, removal(n))?,
            ],
            Self::Refusal => vec![Exchange {
                request: http::Request::delete(deletion(n))
                    .header("host", "gateway")
                    .body(Full::default())?,
                status: 403,
            }],
        })
    }
}

/// The path by which an administrator deletes the group of a client.
pub(crate) fn deletion(n: usize) -> String {
    format!("/gateway/ng/api/user-groups/g{n}?accountIdentifier=ACC1")
}

fn of_okta(method: &str, path: &str, token: &str, body: Bytes) -> anyhow::Result<Exchange> {
    let request: Request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("host", "gateway")
        .header("user-agent", "Okta SCIM Client 1.0.0")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/scim+json")
        .body(Full::new(body))?;
    Ok(Exchange {
        request,
        status: 200,
    })
}

fn addition(n: usize) -> Bytes {
    let members = json!([{"value": format!("u{n}"), "display": format!("u{n}@example.com")}]);
    written(json!({"op": "add", "path": "members", "value": members}))
}

fn removal(n: usize) -> Bytes {
    written(json!({"op": "remove", "path": format!("members[value eq \"u{n}\"]")}))
}

fn written(operation: Value) -> Bytes {
    Bytes::from(patch(json!([operation])).to_string())
}
