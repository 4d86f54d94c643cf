//! The mutants: what `cargo mutants --list --json` prints.

use std::fmt;

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// A small change of the source that a test should notice.
#[derive(Clone, Deserialize)]
pub(crate) struct Mutant {
    /// Its file, from the root of the workspace.
    pub(crate) file: String,
    /// What is replaced.
    pub(crate) span: Span,
    /// The new text.
    pub(crate) replacement: String,
    pub(crate) genre: Genre,
    function: Option<Function>,
    name: String,
}

/// The kinds of changes.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Genre {
    FnValue,
    BinaryOperator,
    UnaryOperator,
    MatchArm,
    MatchArmGuard,
    StructField,
}

#[derive(Clone, Deserialize)]
struct Function {
    return_type: String,
}

#[derive(Clone, Copy, Deserialize)]
pub(crate) struct Span {
    pub(crate) start: Place,
}

/// Line and column, from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

// === impl Mutant ===

impl Mutant {
    /// What is changed, without the place: "replace > with == in Act::within".
    pub(crate) fn change(&self) -> &str {
        let place = format!(
            "{}:{}:{}: ",
            self.file, self.span.start.line, self.span.start.column
        );
        self.name.strip_prefix(&place).unwrap_or(&self.name)
    }

    /// The function returns a type without a name, so that another value has another type.
    pub(crate) fn returns_unnamed(&self) -> bool {
        self.function
            .as_ref()
            .is_some_and(|function| function.return_type.contains("impl "))
    }
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Reads the list.
pub(crate) fn read(json: &[u8]) -> Result<Vec<Mutant>> {
    serde_json::from_slice(json).context("the list of mutants")
}
