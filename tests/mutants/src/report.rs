//! What came of the mutants.
#![expect(clippy::print_stdout, reason = "this is what it is for")]

use std::collections::{BTreeMap, BTreeSet};

use crate::list::Mutant;
use crate::switch::Number;
use crate::trial::Trials;

/// The outcome of a run.
pub(crate) struct Report<'r> {
    pub(crate) mutants: &'r [Mutant],
    /// The mutants asked for.
    pub(crate) meant: &'r BTreeSet<Number>,
    /// Those that do not compile.
    pub(crate) dropped: &'r BTreeSet<Number>,
    /// Those that were tried, with the test that caught each.
    pub(crate) caught: &'r BTreeMap<Number, Option<&'r str>>,
    /// Why a mutant changes nothing.
    pub(crate) reasons: Vec<Option<&'r str>>,
    pub(crate) trials: &'r Trials,
}

/// Of the files of one folder.
#[derive(Default)]
struct Counts {
    tried: usize,
    caught: usize,
    unchanged: usize,
    dropped: usize,
    unswitched: usize,
}

impl Report<'_> {
    /// Prints tables, and the mutants that nothing caught.
    pub(crate) fn show(&self) {
        println!("| files | tried | caught | change nothing | do not compile | without a switch |");
        println!("|---|---|---|---|---|---|");
        let mut all = Counts::default();
        for (folder, counts) in self.folders() {
            println!("{}", counts.row(&folder));
            all.tried += counts.tried;
            all.caught += counts.caught;
            all.unchanged += counts.unchanged;
            all.dropped += counts.dropped;
            all.unswitched += counts.unswitched;
        }
        println!("{}\n", all.row("all"));
        println!("| test | seconds | caught first |");
        println!("|---|---|---|");
        for (name, time) in self.trials.suites() {
            let by_it = self.caught.values().filter(|by| **by == Some(name));
            println!("| {name} | {:.1} | {} |", time.as_secs_f64(), by_it.count());
        }
        for number in self.missed() {
            println!("missed: {}", self.mutant(number));
        }
        for number in self.stale() {
            println!(
                "caught, although listed as no change: {}",
                self.mutant(number)
            );
        }
        for number in self.meant.difference(self.dropped) {
            if !self.caught.contains_key(number) {
                println!("without a switch: {}", self.mutant(*number));
            }
        }
    }

    /// Every mutant is caught, or listed as no change.
    pub(crate) fn is_good(&self) -> bool {
        self.missed().next().is_none() && self.stale().next().is_none()
    }

    fn mutant(&self, number: Number) -> &Mutant {
        &self.mutants[number as usize]
    }

    fn is_known(&self, number: Number) -> bool {
        self.reasons[number as usize].is_some()
    }

    fn missed(&self) -> impl Iterator<Item = Number> {
        let missed = self.caught.iter().filter(|(_, by)| by.is_none());
        missed
            .map(|(number, _)| *number)
            .filter(|number| !self.is_known(*number))
    }

    fn stale(&self) -> impl Iterator<Item = Number> {
        let caught = self.caught.iter().filter(|(_, by)| by.is_some());
        caught
            .map(|(number, _)| *number)
            .filter(|number| self.is_known(*number))
    }

    fn folders(&self) -> BTreeMap<String, Counts> {
        let mut folders: BTreeMap<String, Counts> = BTreeMap::new();
        for number in self.meant {
            let file = &self.mutant(*number).file;
            let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
            let counts = folders.entry(folder.to_owned()).or_default();
            match self.caught.get(number) {
                Some(Some(_)) => {
                    (counts.tried, counts.caught) = (counts.tried + 1, counts.caught + 1)
                }
                Some(None) => {
                    counts.tried += 1;
                    counts.unchanged += usize::from(self.is_known(*number));
                }
                None if self.dropped.contains(number) => counts.dropped += 1,
                None => counts.unswitched += 1,
            }
        }
        folders
    }
}

impl Counts {
    fn row(&self, name: &str) -> String {
        let Self {
            tried,
            caught,
            unchanged,
            dropped,
            unswitched,
        } = self;
        format!("| {name} | {tried} | {caught} | {unchanged} | {dropped} | {unswitched} |")
    }
}
