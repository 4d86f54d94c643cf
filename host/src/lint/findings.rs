//! Findings at the entries of a file.

use super::points::{Point, Row, by_id};

/// A finding at one place of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) point: &'static Point,
    /// A path into a message, a header, a query parameter; `status`.
    pub(crate) place: String,
    /// What is there and what is expected, without values.
    pub(crate) what: String,
}

/// The findings at one entry.
#[derive(Default)]
pub(super) struct Findings {
    all: Vec<Finding>,
}

// === impl Findings ===

impl Findings {
    /// Adds a point of a table.
    pub(super) fn at(&mut self, row: &Row, place: impl Into<String>, what: impl Into<String>) {
        self.of_id(row.id, place.into(), what.into());
    }

    /// Adds a rule of the guard, unless it is no point.
    pub(super) fn of_id(&mut self, id: &str, place: String, what: String) {
        let Some(point) = by_id(id) else { return };
        let finding = Finding { point, place, what };
        if !self.all.contains(&finding) {
            self.all.push(finding);
        }
    }

    /// Whether this point was found.
    pub(super) fn has(&self, id: &str) -> bool {
        self.all.iter().any(|finding| finding.point.id == id)
    }

    pub(super) fn into_all(self) -> Vec<Finding> {
        self.all
    }
}
