//! `cargo xtask`: the project's commands. Each does its own set-up, so that a fresh clone needs only Rust,
//! a C compiler, Python and Node.

mod bench;
mod cargo_tool;
mod component;
mod conformance;
mod debian;
mod demo;
mod differential;
mod envoy;
mod explore;
mod fuzz;
mod histories;
mod host;
mod imports;
mod monitoring;
mod mutants;
mod nginx;
mod node;
mod page;
mod project;
mod python;
mod release;
mod steps;
mod test;
mod toolchain;
mod web;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use project::Project;
use steps::Steps;

/// Builds, tests, demonstrates and benchmarks scimguard.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the plugin, the host and the filter for Envoy: target/scimguard.wasm,
    /// target/host/scimguard and target/scimguard-envoy.wasm
    Build {
        /// Build the npm package of the browser module, and the pages, instead: target/web
        #[arg(long)]
        web: bool,
    },
    /// Run every check and every test; stop at the first failure
    Test,
    /// Show Okta and an administrator in front of an example application
    Demo {
        /// Put a stock Envoy with the filter in front of the application instead of the guard
        #[arg(long)]
        envoy: bool,
        /// After the story, show the page that explains verdicts, until Ctrl-C
        #[arg(long)]
        page: bool,
        /// Arguments for `scimguard demo`
        #[arg(last = true)]
        arguments: Vec<OsString>,
    },
    /// Fuzz the guard for panics, hangs and overflows
    Fuzz {
        /// The targets; all by default
        targets: Vec<fuzz::Target>,
        /// Seconds per target
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Try orders of requests, answers and faults; check that nothing forbidden passes and the record
    /// stays correct
    #[command(after_help = explore::EXAMPLES)]
    Explore {
        /// `--seconds N`, `--seed S`, `--orders FAULTS`, `--sabotage FAULT`, `--save FILE`
        #[arg(allow_hyphen_values = true, trailing_var_arg = true)]
        arguments: Vec<String>,
    },
    /// Change the policy in small ways, and check that a test notices each change
    #[command(after_help = mutants::EXAMPLES)]
    Mutants {
        /// Try every N-th mutant only
        #[arg(long, value_name = "N", default_value_t = 1)]
        every: usize,
        /// Leave out the tests that take longer than this
        #[arg(long, value_name = "S")]
        seconds: Option<u64>,
        /// Files, and folders that end in `/`; by default what decides, and what the record becomes
        files: Vec<String>,
    },
    /// Kill the guard again and again while Okta and administrators work; check that nothing forbidden
    /// passes and its record stays correct
    #[command(after_help = histories::EXAMPLES)]
    Histories {
        /// How often to kill the guard
        #[arg(long, default_value_t = 1000)]
        kills: u64,
        /// The seed of random choices; taken from the clock by default, and printed
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Repeat the public conformance runs; check that the guard causes no failure
    #[command(after_help = conformance::EXAMPLES)]
    Conformance {
        /// How often to repeat each run
        #[arg(long, default_value_t = 20)]
        runs: u32,
    },
    /// Send the same bytes to `scimguard serve` and to Envoy with the filter, and compare the outcomes
    Differential {
        /// Duration in seconds
        #[arg(long, default_value_t = 300)]
        seconds: u64,
        /// The seed of random choices
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Make what users install: a tarball, a Debian package, a bill of materials and checksums in
    /// target/release-VERSION
    Release {
        /// Install the packages in a fresh Debian, use them, upgrade and remove them
        #[arg(long)]
        check: bool,
    },
    /// Compare the speed of the plugin with native code, and of the guard with a plain proxy
    Bench {
        /// Benchmark the browser module against other packages instead
        #[arg(long, conflicts_with = "envoy")]
        web: bool,
        /// Benchmark Envoy with the filter against Envoy alone, nginx and the guard instead
        #[arg(long)]
        envoy: bool,
        /// The name of one benchmark, such as `worst`, and arguments for the benchmarks; with `--envoy`,
        /// parts of it: loads, costliest, attacks, workers
        #[arg(last = true)]
        arguments: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    run(Cli::parse().command).unwrap_or_else(|error| {
        anstream::eprintln!("cargo xtask: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(command: Command) -> Result<ExitCode> {
    let project = Project::here()?;
    let mut steps = Steps::start();
    match command {
        Command::Build { web: true } => {
            let package = web::build(&project, &mut steps)?;
            let pages = page::build(&project, &mut steps, &package)?;
            let (folder, tarball) = (package.folder.display(), package.tarball.display());
            let page = pages.join("page");
            anstream::println!("built {folder}, {tarball} and {}", page.display());
            Ok(ExitCode::SUCCESS)
        }
        Command::Build { web: false } => {
            let envoy::Built { component, filter } =
                envoy::filter_and_plugin(&project, &mut steps)?;
            let program = host::build(&project, &mut steps, &component)?;
            let built = [&component, &program, &filter].map(|path| path.display().to_string());
            anstream::println!("built {}", built.join(", "));
            Ok(ExitCode::SUCCESS)
        }
        Command::Test => test::run(&project, &mut steps),
        Command::Demo {
            envoy,
            page,
            arguments,
        } => {
            let ending = if page {
                demo::Ending::Pages
            } else {
                demo::Ending::Over
            };
            demo::run(&project, &mut steps, envoy, &ending, arguments)
        }
        Command::Fuzz { targets, seconds } => fuzz::run(&project, &mut steps, &targets, seconds),
        Command::Explore { arguments } => explore::run(&project, &mut steps, &arguments),
        Command::Mutants {
            every,
            seconds,
            files,
        } => mutants::run(&project, &mut steps, &files, every, seconds),
        Command::Histories { kills, seed } => histories::run(&project, &mut steps, kills, seed),
        Command::Conformance { runs } => conformance::run(&project, &mut steps, runs),
        Command::Differential { seconds, seed } => {
            differential::run(&project, &mut steps, seconds, seed)
        }
        Command::Release { check } => release::run(&project, &mut steps, check),
        Command::Bench { web: true, .. } => bench::web(&project, &mut steps),
        Command::Bench {
            envoy: true,
            arguments,
            ..
        } => bench::gateways(&project, &mut steps, &arguments),
        Command::Bench { arguments, .. } => bench::run(&project, &mut steps, arguments),
    }
}
