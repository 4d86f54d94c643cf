//! The mutants that change nothing, with the reason for each.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::list::Mutant;

/// A file of them.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    unchanged: Vec<Entry>,
}

/// Every mutant of a file with this change.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    file: String,
    change: String,
    /// Which of several with the same change, from 1; all by default.
    place: Option<usize>,
    why: String,
}

/// Which mutants change nothing.
pub(crate) struct Known {
    entries: Vec<Entry>,
}

impl Known {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let name = || path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(name)?;
        let document: Document = toml::from_str(&text).with_context(name)?;
        Ok(Self {
            entries: document.unchanged,
        })
    }

    /// For each of the mutants, in order, why it changes nothing.
    pub(crate) fn reasons(&self, mutants: &[Mutant]) -> Vec<Option<&str>> {
        let mut seen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut places = Vec::new();
        for mutant in mutants {
            let count = seen.entry((&mutant.file, mutant.change())).or_default();
            *count += 1;
            places.push(*count);
        }
        let reason = |(mutant, place): (&Mutant, usize)| {
            let entry = self.entries.iter().find(|entry| {
                entry.file == mutant.file
                    && entry.change == mutant.change()
                    && entry.place.is_none_or(|meant| meant == place)
            });
            entry.map(|entry| &*entry.why)
        };
        mutants.iter().zip(places).map(reason).collect()
    }
}
