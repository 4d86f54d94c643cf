//! A copy of the project with the mutants in it.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::compile::{Diagnostic, Span};
use crate::list::Mutant;
use crate::switch::{self, Number, Written};

/// The file of a crate that holds the switch.
const ROOT: &str = "src/lib.rs";

/// What does not compile, of these sources.
#[derive(Serialize, Deserialize)]
struct Memory {
    sources: u64,
    dropped: BTreeSet<Number>,
    unswitched: BTreeSet<Number>,
}

/// A copy of the project.
pub(crate) struct Tree<'m> {
    project: PathBuf,
    /// The root of the copy.
    pub(crate) root: PathBuf,
    mutants: &'m [Mutant],
    written: BTreeMap<String, Written>,
    /// Mutants that do not compile.
    pub(crate) dropped: BTreeSet<Number>,
    /// Arms that a match needs as long as another one has a switch.
    unswitched: BTreeSet<Number>,
}

impl<'m> Tree<'m> {
    /// Copies the files that git knows or would add, as they are now.
    pub(crate) fn copy(project: &Path, root: &Path, mutants: &'m [Mutant]) -> Result<Self> {
        let listed = Command::new("git")
            .current_dir(project)
            .args([
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ])
            .output()?;
        ensure!(listed.status.success(), "git ls-files failed");
        let mut copied = BTreeSet::new();
        for name in String::from_utf8(listed.stdout)?.split_terminator('\0') {
            let from = project.join(name);
            if from.is_file() {
                replace(&root.join(name), &std::fs::read(&from)?)?;
                copied.insert(root.join(name));
            }
        }
        remove_others(root, &copied)?;
        let mut tree = Self {
            project: project.to_owned(),
            root: root.to_owned(),
            mutants,
            written: BTreeMap::new(),
            dropped: BTreeSet::new(),
            unswitched: BTreeSet::new(),
        };
        tree.recall()?;
        tree.write(|_| true)?;
        Ok(tree)
    }

    /// What an earlier run of the same sources left out need not be found again.
    fn recall(&mut self) -> Result<()> {
        let Ok(text) = std::fs::read(self.memory()) else {
            return Ok(());
        };
        let memory: Memory = serde_json::from_slice(&text)?;
        if memory.sources == self.sources()? {
            self.dropped = memory.dropped;
            self.unswitched = memory.unswitched;
        }
        Ok(())
    }

    /// Keeps for a later run what was left out.
    pub(crate) fn remember(&self) -> Result<()> {
        let memory = Memory {
            sources: self.sources()?,
            dropped: self.dropped.clone(),
            unswitched: self.unswitched.clone(),
        };
        Ok(std::fs::write(self.memory(), serde_json::to_vec(&memory)?)?)
    }

    fn memory(&self) -> PathBuf {
        self.root.with_extension("left-out.json")
    }

    /// A hash of the mutants and of the files that they are in.
    fn sources(&self) -> Result<u64> {
        let mut hasher = DefaultHasher::new();
        let files: BTreeSet<&str> = self.mutants.iter().map(|mutant| &*mutant.file).collect();
        for file in files {
            std::fs::read(self.project.join(file))?.hash(&mut hasher);
        }
        for mutant in self.mutants {
            mutant.to_string().hash(&mut hasher);
        }
        Ok(hasher.finish())
    }

    /// Writes the files with these names anew, without the dropped mutants.
    fn write(&mut self, is_meant: impl Fn(&str) -> bool) -> Result<()> {
        let mut files: BTreeMap<String, Vec<(Number, &Mutant)>> = BTreeMap::new();
        for (number, mutant) in numbered(self.mutants) {
            if let Some(crate_) = crate_of(&mutant.file) {
                files.entry(format!("{crate_}/{ROOT}")).or_default();
            }
            let file = files.entry(mutant.file.clone()).or_default();
            if !self.dropped.contains(&number) && !self.unswitched.contains(&number) {
                file.push((number, mutant));
            }
        }
        files.retain(|name, _| is_meant(name));
        for (name, mutants) in files {
            let source = std::fs::read_to_string(self.project.join(&name))?;
            let written = switch::file(&source, mutants).with_context(|| name.clone())?;
            let switch = match name.ends_with(ROOT) {
                true => switch::SWITCH,
                false => "",
            };
            let text = format!("{}{switch}", written.text);
            replace(&self.root.join(&name), text.as_bytes())?;
            self.dropped.extend(written.impossible());
            self.written.insert(name, written);
        }
        Ok(())
    }

    /// Leaves out the mutants that these errors are about. Returns whether there was one.
    pub(crate) fn leave_out(&mut self, errors: &[&Diagnostic]) -> Result<bool> {
        let mut changed = BTreeSet::new();
        for error in errors {
            let mut spans: Vec<&Span> = error.spans.iter().collect();
            spans.sort_by_key(|span| !span.is_primary);
            for span in spans {
                let Some(written) = self.written.get(&span.file_name) else {
                    continue;
                };
                let range = span.byte_start..span.byte_end;
                let (left_out, numbers) = match error.is_of_arms() {
                    true => (
                        &mut self.unswitched,
                        written.arm_at(&range).into_iter().collect(),
                    ),
                    false => (&mut self.dropped, written.at(&range).to_vec()),
                };
                if !numbers.is_empty() {
                    left_out.extend(numbers);
                    changed.insert(span.file_name.clone());
                    break;
                }
            }
        }
        self.write(|name| changed.contains(name))?;
        Ok(!changed.is_empty())
    }

    /// The mutants that the program has in it, with their numbers.
    pub(crate) fn switched(&self) -> BTreeSet<Number> {
        self.written.values().flat_map(Written::numbers).collect()
    }
}

/// Mutants with their numbers.
pub(crate) fn numbered(mutants: &[Mutant]) -> impl Iterator<Item = (Number, &Mutant)> {
    (0..).zip(mutants)
}

fn crate_of(file: &str) -> Option<&str> {
    file.split_once("/src/").map(|(folder, _)| folder)
}

/// Removes the files of an earlier copy.
fn remove_others(folder: &Path, copied: &BTreeSet<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_others(&path, copied)?;
        } else if !copied.contains(&path) {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Leaves a file alone that is the same already, so that it is not compiled again.
fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    if std::fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, bytes).with_context(|| path.display().to_string())
}
