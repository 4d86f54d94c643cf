//! The case suites, as far as a face must know them: requests, facts, time, the backend's answers.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use jiff::Timestamp;
use scimguard_core::Request;
use scimguard_core::facts::Table;
use scimguard_core::history::{Answers, RequestDocument, UpstreamDocument, given};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

/// One case.
#[derive(Clone)]
pub(crate) struct Case {
    /// Of its file, below tests/cases.
    pub(crate) suite: String,
    pub(crate) name: String,
    pub(crate) policy: Value,
    pub(crate) facts: Table,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone)]
pub(crate) struct Step {
    pub(crate) request: Request,
    pub(crate) answers: Answers,
    pub(crate) now: u64,
}

#[derive(Deserialize)]
struct SuiteDocument {
    policy: Option<Value>,
    now: Option<Timestamp>,
    facts: Option<Value>,
    cases: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct CaseDocument {
    name: String,
    facts: Option<Value>,
    now: Option<Timestamp>,
    steps: Option<Vec<StepDocument>>,
}

#[derive(Deserialize)]
struct StepDocument {
    request: RequestDocument,
    now: Option<Timestamp>,
    #[serde(default, deserialize_with = "given")]
    upstream: Option<UpstreamDocument<IgnoredAny>>,
}

/// Every case of this repository.
pub(crate) fn cases() -> anyhow::Result<Vec<Case>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut files = Vec::new();
    walk(&root, &mut files)?;
    let mut cases = Vec::new();
    for file in files {
        let name = file.strip_prefix(&root)?.display().to_string();
        read(&file, &name, &mut cases).with_context(|| name.clone())?;
    }
    Ok(cases)
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => walk(&path, found)?,
            false => found.push(path),
        }
    }
    found.sort();
    Ok(())
}

fn read(file: &Path, suite: &str, to: &mut Vec<Case>) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file)?;
    let document: SuiteDocument = serde_json::from_str(&text)?;
    let facts = document.facts.as_ref().map(table).transpose()?;
    for text in document.cases {
        let case: CaseDocument = serde_json::from_str(text.get())?;
        let mut table_of_case = facts.clone().unwrap_or_default();
        if let Some(facts) = &case.facts {
            table_of_case.merge(table(facts)?);
        }
        let now = case.now.or(document.now).map_or_else(wall_clock, Ok)?;
        let steps = match case.steps {
            Some(steps) => steps,
            None => vec![serde_json::from_str(text.get())?],
        };
        let steps = steps.into_iter().map(|step| into_step(step, now));
        to.push(Case {
            suite: suite.to_owned(),
            name: case.name,
            policy: document.policy.clone().unwrap_or(Value::Null),
            facts: table_of_case,
            steps: steps.collect::<anyhow::Result<_>>()?,
        });
    }
    Ok(())
}

fn wall_clock() -> anyhow::Result<Timestamp> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(Timestamp::from_second(i64::try_from(since.as_secs())?)?)
}

fn into_step(step: StepDocument, now: Timestamp) -> anyhow::Result<Step> {
    let upstream = step.upstream.unwrap_or_default();
    let (answers, _) = upstream.into_answers().map_err(anyhow::Error::msg)?;
    Ok(Step {
        request: step.request.into_request().map_err(anyhow::Error::msg)?,
        answers,
        now: u64::try_from(step.now.unwrap_or(now).as_millisecond())?,
    })
}

fn table(document: &Value) -> anyhow::Result<Table> {
    Table::from_json(document).map_err(|error| anyhow::anyhow!("facts: {error}"))
}
