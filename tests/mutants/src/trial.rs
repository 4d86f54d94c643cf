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

/// How long a test may take without a mutant.
const PREPARED: Duration = Duration::from_secs(900);

/// Without a terminal, a line for every 50 mutants.
const SIGN_OF_LIFE: usize = 50;

/// How long a test waits between looks at a program.
const PAUSE: Duration = Duration::from_millis(2);

/// The tests.
pub(crate) struct Trials {
    suites: Vec<Timed>,
    /// What each has done so far.
    counts: Mutex<Vec<Counts>>,
}

/// A test, and how long it takes without a mutant.
struct Timed {
    suite: Suite,
    time: Duration,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    tried: u32,
    caught: u32,
}

impl Trials {
    /// Runs every test without a mutant. Those that take longer than `longest` are not used.
    pub(crate) fn prepare(suites: Vec<Suite>, longest: Option<Duration>) -> Result<Self> {
        let mut timed = Vec::new();
        for suite in suites {
            let begun = Instant::now();
            let passes = passes(&suite, None, longest.unwrap_or(PREPARED))?;
            let time = begun.elapsed();
            if longest.is_some_and(|longest| time >= longest) {
                continue;
            }
            ensure!(passes, "{} fails without a mutant", suite.name);
            timed.push(Timed { suite, time });
        }
        Ok(Self {
            counts: Mutex::new(vec![Counts::default(); timed.len()]),
            suites: timed,
        })
    }

    /// The tests and how long each takes.
    pub(crate) fn suites(&self) -> impl Iterator<Item = (&str, Duration)> {
        let suites = self.suites.iter();
        suites.map(|timed| (&*timed.suite.name, timed.time))
    }

    /// Which test catches each mutant.
    #[expect(clippy::print_stderr, reason = "progress without a terminal")]
    pub(crate) fn run(
        &self,
        mutants: &[Number],
        progress: &ProgressBar,
    ) -> Result<BTreeMap<Number, Option<&str>>> {
        let next = AtomicUsize::new(0);
        let outcomes = Mutex::new(BTreeMap::new());
        let work = || -> Result<()> {
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(number) = mutants.get(place) else {
                    return Ok(());
                };
                let caught = self.one(*number)?;
                progress.inc(1);
                if progress.is_hidden() && place.is_multiple_of(SIGN_OF_LIFE) {
                    eprintln!("{place} of {} mutants", mutants.len());
                }
                if let Ok(mut outcomes) = outcomes.lock() {
                    outcomes.insert(*number, caught);
                }
            }
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
        for (index, Timed { suite, time }) in self.best_first() {
            let notices = !passes(suite, Some(number), *time * SLOWER + PATIENCE)?;
            if let Ok(mut counts) = self.counts.lock() {
                counts[index].tried += 1;
                counts[index].caught += u32::from(notices);
            }
            if notices {
                return Ok(Some(&suite.name));
            }
        }
        Ok(None)
    }

    /// The tests that caught most in their time so far come first.
    fn best_first(&self) -> Vec<(usize, &Timed)> {
        let mut order: Vec<(usize, &Timed)> = self.suites.iter().enumerate().collect();
        if let Ok(counts) = self.counts.lock() {
            let worth = |(index, timed): &(usize, &Timed)| {
                let Counts { tried, caught } = counts[*index];
                f64::from(caught + 1) / f64::from(tried + 1) / timed.time.as_secs_f64()
            };
            order.sort_by(|first, second| worth(second).total_cmp(&worth(first)));
        }
        order
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
