//! Runs the tests with one mutant after the other.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use indicatif::ProgressBar;

use crate::compile::Suite;
use crate::switch::{Number, VARIABLE};

/// Memory of a test program, in KiB: a mutant may fill a list without end.
const MEMORY: u64 = 4 << 20;

/// A test takes at most this many times as long as without a mutant, and at least the time below.
const SLOWER: u32 = 10;
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a test waits between looks at a program.
const PAUSE: Duration = Duration::from_millis(2);

/// The tests, the fastest first.
pub(crate) struct Trials {
    suites: Vec<(Suite, Duration)>,
}

impl Trials {
    /// Runs every test without a mutant.
    pub(crate) fn prepare(suites: Vec<Suite>) -> Result<Self> {
        let mut timed = Vec::new();
        for suite in suites {
            let begun = Instant::now();
            let passes = passes(&suite, None, Duration::from_secs(600))?;
            ensure!(passes, "{} fails without a mutant", suite.name);
            timed.push((suite, begun.elapsed()));
        }
        timed.sort_by_key(|(_, time)| *time);
        Ok(Self { suites: timed })
    }

    /// The tests and how long each takes.
    pub(crate) fn suites(&self) -> impl Iterator<Item = (&str, Duration)> {
        self.suites
            .iter()
            .map(|(suite, time)| (&*suite.name, *time))
    }

    /// Which test catches each mutant.
    pub(crate) fn run(
        &self,
        mutants: &[Number],
        progress: &ProgressBar,
    ) -> Result<BTreeMap<Number, Option<&str>>> {
        let next = AtomicUsize::new(0);
        let outcomes = Mutex::new(BTreeMap::new());
        let work = || -> Result<()> {
            while let Some(number) = mutants.get(next.fetch_add(1, Ordering::Relaxed)) {
                let caught = self.one(*number)?;
                progress.inc(1);
                if let Ok(mut outcomes) = outcomes.lock() {
                    outcomes.insert(*number, caught);
                }
            }
            Ok(())
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| {
                let ended = worker.join();
                ended.unwrap_or_else(|_| Err(anyhow::anyhow!("a worker panicked")))
            })
        })?;
        Ok(outcomes.into_inner().unwrap_or_default())
    }

    fn one(&self, number: Number) -> Result<Option<&str>> {
        for (suite, time) in &self.suites {
            if !passes(suite, Some(number), *time * SLOWER + PATIENCE)? {
                return Ok(Some(&suite.name));
            }
        }
        Ok(None)
    }
}

fn passes(suite: &Suite, mutant: Option<Number>, limit: Duration) -> Result<bool> {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("ulimit -v {MEMORY}; exec \"$0\" --quiet")])
        .arg(&suite.program)
        .current_dir(&suite.folder)
        .env("RUST_TEST_THREADS", "1")
        .env("RUST_BACKTRACE", "0")
        .env("PROPTEST_FAILURE_PERSISTENCE", "off")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some(number) = mutant {
        command.env(VARIABLE, number.to_string());
    }
    let mut child = command.spawn().with_context(|| suite.name.clone())?;
    let until = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if Instant::now() >= until {
            child.kill()?;
            child.wait()?;
            return Ok(false);
        }
        std::thread::sleep(PAUSE);
    }
}
