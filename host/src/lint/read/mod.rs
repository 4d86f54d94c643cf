//! Reads recorded exchanges: a HAR file, a case suite or a decision log, distinguished by content.

mod har;
mod log;
mod suite;

use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use scimguard_core::syntax_fault;
use serde_json::Value;

use super::exchange::Entry;
pub(super) use log::LoggedDecision;

/// The content of a file.
pub(super) enum Recording {
    /// The kind of file, and independent sequences of entries.
    Exchange(&'static str, Vec<Vec<Entry>>),
    Log(Vec<LoggedDecision>),
}

/// Reads a file of any of the kinds.
pub(super) fn read(path: &Path) -> anyhow::Result<Recording> {
    let file = || path.display().to_string();
    let text = std::fs::read(path).with_context(file)?;
    let text = String::from_utf8(text)
        .map_err(|error| error.utf8_error())
        .with_context(|| format!("{}: expected a file in UTF-8", file()))?;
    recording(text.trim_start_matches('\u{feff}')).with_context(file)
}

fn recording(text: &str) -> anyhow::Result<Recording> {
    if log::is_log(text) {
        return Ok(Recording::Log(log::lines(text)?));
    }
    let document: Value = serde_json::from_str(text)
        .map_err(|error| anyhow!(syntax_fault(&error)))
        .context("expected a HAR file, a case suite or a decision log, each of JSON")?;
    if document.get("log").is_some() {
        return Ok(Recording::Exchange("HAR file", vec![har::entries(text)?]));
    }
    if document.get("suite").is_some() || document.get("cases").is_some() {
        return Ok(Recording::Exchange("case suite", suite::sequences(text)?));
    }
    bail!(
        "expected a HAR file (an object with `log`), a case suite (an object with `suite` and `cases`) or a decision log (a line of JSON for each decision)"
    )
}

#[cfg(test)]
mod tests {
    use super::recording;

    fn error(text: &str) -> String {
        recording(text)
            .err()
            .map_or_else(String::new, |error| format!("{error:#}"))
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_place() {
        for (text, place) in [
            ("", "expected a HAR file"),
            ("{", "line 1, column 1"),
            ("[]", "an object with `log`"),
            ("{\"log\": 1}", "log"),
            (
                r#"{"log": {"entries": [{"request": {"method": "GET"}}]}}"#,
                "url",
            ),
            (
                r#"{"log": {"entries": [{"request": {"method": "GET", "url": "/Users"}}]}}"#,
                "entry 1: request.url",
            ),
            (
                r#"{"log": {"entries": [{"request": {"method": "GET", "url": "http://a/Users"},
                   "response": {"status": 200, "content": {"text": "?", "encoding": "base64"}}}]}}"#,
                "entry 1: response.content.text",
            ),
            (r#"{"suite": "s", "cases": [{}]}"#, "name"),
            (
                r#"{"target": "scimguard::decision", "method": 1}"#,
                "line 1",
            ),
        ] {
            let error = error(text);
            assert!(error.contains(place), "{text}: {error}");
        }
    }
}
