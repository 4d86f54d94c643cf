//! Shows progress: a spinner on a terminal, plain lines in a pipe, and the complete output of a failed
//! program.

use std::io::{BufRead, BufReader, IsTerminal};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

/// Time between signs of life in a pipe, since continuous integration stops silent jobs.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// The steps of one command, in order.
pub(crate) struct Steps {
    started: Instant,
    done: Vec<&'static str>,
}

impl Steps {
    /// Begins without any step done.
    pub(crate) fn start() -> Self {
        Self {
            started: Instant::now(),
            done: Vec::new(),
        }
    }

    /// Performs one step and shows its name, progress and duration.
    pub(crate) fn step<T>(
        &mut self,
        name: &'static str,
        work: impl FnOnce(&Step) -> Result<T>,
    ) -> Result<T> {
        let step = Step::begin(name);
        let result = work(&step).context(name);
        step.end(result.is_ok());
        if result.is_ok() {
            self.done.push(name);
        }
        result
    }

    /// The finished steps in one line.
    pub(crate) fn summary(&self) -> String {
        format!(
            "all passed in {}: {}",
            human(self.started.elapsed()),
            self.done.join(", ")
        )
    }
}

/// A step in progress.
pub(crate) struct Step {
    name: &'static str,
    started: Instant,
    spinner: Option<ProgressBar>,
}

impl Step {
    fn begin(name: &'static str) -> Self {
        let spinner = std::io::stderr().is_terminal().then(|| {
            let spinner = ProgressBar::new_spinner()
                .with_style(style())
                .with_prefix(name);
            spinner.enable_steady_tick(Duration::from_millis(100));
            spinner
        });
        if spinner.is_none() {
            anstream::eprintln!("{name} ...");
        }
        Self {
            name,
            started: Instant::now(),
            spinner,
        }
    }

    fn end(self, passed: bool) {
        if let Some(spinner) = self.spinner {
            spinner.finish_and_clear();
        }
        let (colour, word) = if passed {
            (anstyle::AnsiColor::Green, "done")
        } else {
            (anstyle::AnsiColor::Red, "FAILED")
        };
        let style = colour.on_default();
        let (name, took) = (self.name, human(self.started.elapsed()));
        anstream::eprintln!("{name}: {style}{word}{style:#} ({took})");
    }

    /// Runs a program to its end. Shows its latest line while it runs, and all output if it fails.
    pub(crate) fn run(&self, command: &mut Command) -> Result<()> {
        let (output, writer) = std::io::pipe()?;
        let shown = shown(command);
        // The pipe closes with its last writer; `command` would keep two open.
        let mut child = command
            .stdin(std::process::Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .spawn()
            .with_context(|| format!("cannot run {shown}"))?;
        command.stdout(std::process::Stdio::null());
        command.stderr(std::process::Stdio::null());
        let mut output = BufReader::new(output);
        let mut whole = Vec::new();
        let mut seen = 0;
        let mut told = Instant::now();
        while output.read_until(b'\n', &mut whole)? > 0 {
            let line = String::from_utf8_lossy(&whole[seen..]).trim().to_owned();
            seen = whole.len();
            if let Some(spinner) = &self.spinner {
                spinner.set_message(line);
            } else if told.elapsed() > SIGN_OF_LIFE {
                anstream::eprintln!("    {line}");
                told = Instant::now();
            }
        }
        let status = child.wait()?;
        if !status.success() {
            self.above(&String::from_utf8_lossy(&whole));
            bail!("{shown} failed ({status})");
        }
        Ok(())
    }

    fn above(&self, text: &str) {
        if let Some(spinner) = &self.spinner {
            spinner.suspend(|| anstream::eprintln!("{text}"));
        } else {
            anstream::eprintln!("{text}");
        }
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {prefix} ({elapsed}) {wide_msg:.dim}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

fn human(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} min {} s", seconds / 60, seconds % 60)
    }
}
