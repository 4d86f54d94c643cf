//! Performs one step of the demo: sends the request, checks the answer, and checks what the
//! application stored.

use std::collections::BTreeMap;

use bytes::Bytes;
use http_body_util::Full;
use serde_json::Value;
use tokio::time::Instant;

use super::client::{Answer, Client};
use super::story::{ACCOUNT, Caller, Expected, Step};

const SCIM_BASE: &str = "/gateway/ng/api/scim/account";

/// The credentials of the demo's callers.
pub(super) struct Tokens {
    pub(super) okta: String,
    pub(super) other_account: String,
    pub(super) expired: String,
    /// When `expired` expires.
    pub(super) expired_at: Instant,
    pub(super) no_group_management: String,
}

/// The result of a step.
pub(super) struct Outcome {
    /// Status, rule and detail of the client's answer.
    pub(super) status: u16,
    pub(super) rule: Option<String>,
    pub(super) detail: Option<String>,
    /// What the application has, in words.
    pub(super) stored: Option<String>,
    /// Differences from what was expected.
    pub(super) faults: Vec<String>,
}

/// The servers and state of the demo.
pub(super) struct Stage<'a> {
    client: &'a Client,
    application: &'a str,
    guard: &'a str,
    tokens: Tokens,
    /// The application's ids, by their names in the demo.
    ids: BTreeMap<&'static str, String>,
}

impl<'a> Stage<'a> {
    pub(super) fn new(
        client: &'a Client,
        application: &'a str,
        guard: &'a str,
        tokens: Tokens,
    ) -> Self {
        Self {
            client,
            application,
            guard,
            tokens,
            ids: BTreeMap::new(),
        }
    }

    /// Performs a step.
    pub(super) async fn perform(&mut self, step: &Step) -> anyhow::Result<Outcome> {
        if step.caller == Caller::Expired {
            tokio::time::sleep_until(self.tokens.expired_at).await;
        }
        let answer = self.client.send(self.request(step)?).await?;
        if let (Some(name), Some(id)) = (step.kept_as, answer.body["id"].as_str()) {
            self.ids.insert(name, id.to_owned());
        }
        let mut faults: Vec<String> = unexpected(&step.expected, &answer).into_iter().collect();
        faults.extend(self.differences("the answer", &step.answer, &answer.body));
        let mut stored = None;
        if !step.stored_at.is_empty() {
            let url = format!(
                "{}{}",
                self.application,
                scim_path(&self.fill(step.stored_at))
            );
            let resource = self.client.get(&url).await?.body;
            faults.extend(self.differences("the application", &step.stored, &resource));
            let members = self.members(&resource);
            if !step.members.is_empty() && members != step.members {
                faults.push(format!("the application has the members {members:?}"));
            }
            stored = Some(words(step));
        }
        let detail = answer.body["detail"].as_str().map(str::to_owned);
        Ok(Outcome {
            status: answer.status,
            rule: answer.rule,
            detail,
            stored,
            faults,
        })
    }

    fn request(&self, step: &Step) -> anyhow::Result<http::Request<Full<Bytes>>> {
        let path = self.fill(step.path);
        let (path, media_type) = match step.caller {
            Caller::Administrator => (
                format!("{path}?accountIdentifier={ACCOUNT}"),
                "application/json",
            ),
            _ => (scim_path(&path), "application/scim+json; charset=utf-8"),
        };
        let mut request = http::Request::builder()
            .method(step.method)
            .uri(format!("{}{path}", self.guard));
        if let Some(token) = self.token(step.caller) {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        Ok(match &step.body {
            Some(body) => request
                .header("content-type", media_type)
                .body(self.fill(&body.to_string()).into())?,
            None => request.body(Full::default())?,
        })
    }

    fn token(&self, caller: Caller) -> Option<&str> {
        match caller {
            Caller::Okta => Some(&self.tokens.okta),
            Caller::OtherAccount => Some(&self.tokens.other_account),
            Caller::Expired => Some(&self.tokens.expired),
            Caller::NoGroupManagement => Some(&self.tokens.no_group_management),
            Caller::Administrator | Caller::Nobody => None,
        }
    }

    /// Replaces names by their ids.
    fn fill(&self, text: &str) -> String {
        let named =
            |text: String, (name, id): (&&str, &String)| text.replace(&format!("{{{name}}}"), id);
        self.ids.iter().fold(text.to_owned(), named)
    }

    fn differences(&self, whose: &str, expected: &[(&str, Value)], found: &Value) -> Vec<String> {
        let differs = |(pointer, value): &(&str, Value)| {
            let wanted = self.fill(&value.to_string());
            let has = found.pointer(pointer).unwrap_or(&Value::Null).to_string();
            (has != wanted).then(|| format!("{whose} has {has} at {pointer}, not {wanted}"))
        };
        expected.iter().filter_map(differs).collect()
    }

    /// The demo's names for the members of a group.
    fn members<'g>(&'g self, group: &'g Value) -> Vec<&'g str> {
        let listed = group["members"].as_array().map_or(&[][..], Vec::as_slice);
        let name = |id: &'g str| {
            self.ids
                .iter()
                .find(|(_, known)| *known == id)
                .map_or(id, |(name, _)| *name)
        };
        let mut names: Vec<&str> = listed
            .iter()
            .filter_map(|member| member["value"].as_str())
            .map(name)
            .collect();
        names.sort_unstable();
        names
    }
}

/// Describes what the application should have.
fn words(step: &Step) -> String {
    let word = |(pointer, value): &(&str, Value)| match value {
        Value::Null => format!("no {}", &pointer[1..]),
        _ => format!("{} {value}", &pointer[1..]),
    };
    let mut words: Vec<String> = step.stored.iter().map(word).collect();
    if !step.members.is_empty() {
        words.push(format!("the members {}", step.members.join(", ")));
    }
    words.join(", ")
}

fn scim_path(path: &str) -> String {
    format!("{SCIM_BASE}/{ACCOUNT}{path}")
}

fn unexpected(expected: &Expected, answer: &Answer) -> Option<String> {
    let as_expected = match expected {
        Expected::Done => (200..300).contains(&answer.status),
        Expected::Refused { status, rule } => {
            answer.status == *status && answer.rule.as_deref() == Some(rule)
        }
    };
    (!as_expected).then(|| match expected {
        Expected::Done => "expected success".to_owned(),
        Expected::Refused { status, rule } => format!("expected {status} {rule}"),
    })
}
