//! The format of a suite file. Unknown fields are errors: a misspelt expectation would pass.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use jiff::Timestamp;
use scimguard_core::facts::Table;
use scimguard_core::history::{Answers, HeaderValue, RequestDocument, UpstreamDocument, given};
use scimguard_core::{BackendOutcome, Request, syntax_fault};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// A parsed suite.
pub struct Suite {
    /// The policy document's text; empty for the default policy.
    pub policy: String,
    /// Facts of all cases, as a document.
    pub(super) facts: Option<Value>,
    /// The cases, in the order of the file.
    pub cases: Vec<Case>,
}

/// Requests, and what is expected of them.
pub struct Case {
    /// Its name.
    pub name: String,
    /// All facts.
    pub(super) facts: Table,
    /// Facts of this case alone, as a document.
    pub(super) own_facts: Option<Value>,
    pub(super) steps: Vec<Step>,
}

pub(super) struct Step {
    pub(super) request: Request,
    pub(super) expect: Expect,
    /// The backend's answers to the forwarded requests.
    pub(super) upstream: Answers,
    /// The expected request of each answer, as far as it is given.
    asked: Vec<Option<Expect>>,
    pub(super) response: Option<ExpectResponse>,
    pub(super) now: u64,
}

/// The expected decision, as far as it is given.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expect {
    pub(super) decision: Option<Decision>,
    pub(super) rule: Option<String>,
    pub(super) status: Option<u16>,
    #[serde(rename = "scimType")]
    pub(super) scim_type: Option<String>,
    pub(super) method: Option<String>,
    pub(super) path: Option<String>,
    /// `null`: there is none.
    #[serde(default, deserialize_with = "given")]
    pub(super) body: Option<Value>,
    pub(super) body_contains: Option<Value>,
    pub(super) detail_contains: Option<String>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, HeaderValue>,
    pub(super) changes: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Decision {
    Forward,
    Reject,
    /// Nothing is forwarded, but the request is answered: each part of it was refused.
    Respond,
}

/// The expected response, as far as it is given.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectResponse {
    pub(super) status: Option<u16>,
    /// `null`: there is none.
    #[serde(default, deserialize_with = "given")]
    pub(super) body: Option<Value>,
    pub(super) body_contains: Option<Value>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, HeaderValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SuiteDocument {
    #[serde(rename = "suite")]
    _name: String,
    policy: Option<Box<RawValue>>,
    now: Option<Timestamp>,
    facts: Option<Value>,
    cases: Vec<CaseDocument>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseDocument {
    name: String,
    facts: Option<Value>,
    now: Option<Timestamp>,
    request: Option<RequestDocument>,
    expect: Option<Expect>,
    #[serde(default, deserialize_with = "given")]
    upstream: Option<UpstreamDocument<Expect>>,
    response: Option<ExpectResponse>,
    steps: Option<Vec<StepDocument>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepDocument {
    request: RequestDocument,
    #[serde(default)]
    expect: Expect,
    now: Option<Timestamp>,
    #[serde(default, deserialize_with = "given")]
    upstream: Option<UpstreamDocument<Expect>>,
    response: Option<ExpectResponse>,
}

impl Suite {
    /// Reads a suite file.
    ///
    /// # Errors
    /// It cannot be read, or is malformed.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let file = || path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(file)?;
        Self::parse(&text).with_context(file)
    }

    /// Parses the text of a suite file.
    ///
    /// # Errors
    /// It is malformed.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let document: SuiteDocument =
            serde_json::from_str(text).map_err(|error| anyhow!(syntax_fault(&error)))?;
        document.into_suite()
    }
}

impl Case {
    /// Each step's request, and the backend's answer if the client's request itself, and no other,
    /// is answered.
    pub fn exchanges(&self) -> impl Iterator<Item = (&Request, Option<&BackendOutcome>)> {
        self.steps
            .iter()
            .map(|step| match (&step.upstream, step.asked.as_slice()) {
                (Answers::Same(only), [None]) => (&step.request, Some(only)),
                (Answers::Each(answers), [None]) => (&step.request, answers.first()),
                _ => (&step.request, None),
            })
    }
}

impl Step {
    /// The expected request at this stop.
    pub(super) fn asked(&self, stop: usize) -> Option<&Expect> {
        let answer = match self.upstream {
            Answers::Same(_) => 0,
            Answers::Awaited | Answers::Each(_) => stop,
        };
        self.asked.get(answer)?.as_ref()
    }
}

impl SuiteDocument {
    fn into_suite(self) -> anyhow::Result<Suite> {
        let table = self.facts.as_ref().map(facts).transpose()?;
        let table = table.unwrap_or_default();
        let now = self.now.unwrap_or_else(Timestamp::now);
        let cases = self
            .cases
            .into_iter()
            .map(|case| {
                let name = case.name.clone();
                case.into_case(&table, now)
                    .with_context(|| format!("case \"{name}\""))
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Suite {
            policy: self
                .policy
                .map_or_else(String::new, |policy| policy.get().to_owned()),
            facts: self.facts,
            cases,
        })
    }
}

impl CaseDocument {
    fn into_case(self, suite_facts: &Table, now: Timestamp) -> anyhow::Result<Case> {
        let now = self.now.unwrap_or(now);
        let mut table = suite_facts.clone();
        if let Some(document) = &self.facts {
            table.merge(facts(document)?);
        }
        let steps = match (self.request, self.steps) {
            (Some(request), None) => vec![StepDocument {
                request,
                expect: self.expect.unwrap_or_default(),
                now: None,
                upstream: self.upstream,
                response: self.response,
            }],
            (None, Some(steps)) => {
                let alone =
                    self.expect.is_none() && self.upstream.is_none() && self.response.is_none();
                anyhow::ensure!(alone, "expect, upstream and response belong to the steps");
                steps
            }
            _ => return Err(anyhow!("give either a request or steps")),
        };
        anyhow::ensure!(!steps.is_empty(), "there are no steps");
        let steps = steps
            .into_iter()
            .enumerate()
            .map(|(index, step)| {
                step.into_step(now)
                    .with_context(|| format!("step {}", index + 1))
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Case {
            name: self.name,
            facts: table,
            own_facts: self.facts,
            steps,
        })
    }
}

impl StepDocument {
    fn into_step(self, now: Timestamp) -> anyhow::Result<Step> {
        let upstream = self.upstream.unwrap_or_default();
        let (upstream, asked) = upstream
            .into_answers()
            .map_err(|error| anyhow!("upstream: {error}"))?;
        Ok(Step {
            request: self
                .request
                .into_request()
                .map_err(|error| anyhow!("request: {error}"))?,
            expect: self.expect,
            upstream,
            asked,
            response: self.response,
            now: milliseconds(self.now.unwrap_or(now))?,
        })
    }
}

/// Reads a facts document.
fn facts(document: &Value) -> anyhow::Result<Table> {
    Table::from_json(document).map_err(|error| anyhow!("facts: {error}"))
}

/// The time as the policy counts it: milliseconds since 1970.
///
/// # Errors
/// It is before 1970.
pub fn milliseconds(time: Timestamp) -> anyhow::Result<u64> {
    u64::try_from(time.as_millisecond()).map_err(|_| anyhow!("now: {time} is before 1970"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::SuiteDocument;

    fn read(cases: &Value) -> Result<usize, String> {
        let text = json!({"suite": "a suite", "now": "2026-06-01T00:00:00Z", "cases": cases});
        serde_json::from_str::<SuiteDocument>(&text.to_string())
            .map_err(Into::into)
            .and_then(SuiteDocument::into_suite)
            .map(|suite| suite.cases.iter().map(|case| case.steps.len()).sum())
            .map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn what_a_case_may_hold() {
        let request = json!({"method": "GET", "path": "/", "headers": {"a": "1", "b": ["1", "2"]}});
        let cases = json!([
            {"name": "one step", "request": request, "expect": {"decision": "reject"}},
            {"name": "with an answer", "request": request, "upstream": {"status": 200, "body": {}},
             "response": {"status": 200, "body": null}},
            {"name": "several", "now": "2026-06-02T00:00:00Z", "steps": [
                {"request": request, "upstream": null},
                {"request": {"method": "PUT", "path": "/", "body_base64": "e30="}, "now": "2026-06-03T00:00:00Z"}]}
        ]);
        assert_eq!(read(&cases), Ok(4));
    }

    #[test]
    fn what_makes_a_suite_malformed() {
        let request = json!({"method": "GET", "path": "/"});
        for (case, place) in [
            (
                json!({"name": "c", "request": request, "expct": {}}),
                "expct",
            ),
            (
                json!({"name": "c", "request": request, "expect": {"detail": "x"}}),
                "detail",
            ),
            (
                json!({"name": "c", "request": {"method": "GET", "path": "/", "url": "/"}}),
                "url",
            ),
            (
                json!({"name": "c", "request": {"method": "GET", "path": "/", "body": 1, "body_text": "1"}}),
                "body_text",
            ),
            (
                json!({"name": "c", "request": {"method": "GET", "path": "/", "body_base64": "?"}}),
                "body_base64",
            ),
            (
                json!({"name": "c", "request": request, "upstream": {"body": {}}}),
                "status",
            ),
            (
                json!({"name": "c", "request": request, "now": "tomorrow"}),
                "line 1",
            ),
            (
                json!({"name": "c", "request": request, "now": "1969-01-01T00:00:00Z"}),
                "1970",
            ),
            (
                json!({"name": "c", "request": request, "steps": []}),
                "steps",
            ),
            (json!({"name": "c", "steps": []}), "steps"),
            (
                json!({"name": "c", "steps": [{"request": request}], "expect": {}}),
                "steps",
            ),
            (json!({"name": "c"}), "request"),
            (json!({"request": request}), "name"),
        ] {
            let error = read(&json!([case])).unwrap_err();
            assert!(error.contains(place), "{case}: {error}");
        }
    }
}
