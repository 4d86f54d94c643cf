//! The decision log of `scimguard serve`: a line of JSON for each decision, without bodies.

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::Value;

/// The target of the lines that are decisions.
const TARGET: &str = "scimguard::decision";

/// A decision.
#[derive(Debug, Deserialize)]
pub(in crate::lint) struct LoggedDecision {
    /// LoggedDecision number in the file, from 1.
    #[serde(skip)]
    pub(in crate::lint) number: usize,
    pub(in crate::lint) method: String,
    pub(in crate::lint) path: String,
    pub(in crate::lint) rule: Option<String>,
    #[serde(default)]
    pub(in crate::lint) changes: u64,
}

/// Whether a text is a log: its first line of JSON is an object with a target.
pub(super) fn is_log(text: &str) -> bool {
    text.lines()
        .find_map(|line| serde_json::from_str::<Value>(line).ok())
        .is_some_and(|line| line.get("target").is_some_and(Value::is_string))
}

/// The decisions of a log. Other lines, such as a service manager's, are skipped.
pub(super) fn lines(text: &str) -> anyhow::Result<Vec<LoggedDecision>> {
    let mut decisions = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Ok(event) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        if event.get("target").and_then(Value::as_str) != Some(TARGET) {
            continue;
        }
        let number = index + 1;
        let decision: LoggedDecision = serde_json::from_value(event)
            .with_context(|| format!("line {number}: expected a decision of scimguard serve"))?;
        decisions.push(LoggedDecision { number, ..decision });
    }
    Ok(decisions)
}
