//! The commands, one per file: arguments and `run`.

mod check;
mod completions;
mod config_file;
mod demo;
mod doctor;
mod engine_args;
mod facts;
mod import;
mod init;
mod lint;
mod login_check;
mod manual;
mod owners;
mod policy;
mod principal;
mod provider;
mod replay;
mod retry;
mod rules;
mod serve;
mod settings;
mod store_args;
mod test;
mod times;
mod token;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use scimguard_core::hide_secrets;

use crate::causes::with_causes;
use crate::log_lines;

/// A guard for SCIM that forwards only canonical, permitted requests.
#[derive(Parser)]
#[command(name = "scimguard", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Init(init::Args),
    Serve(serve::Args),
    Facts(facts::Args),
    Demo(demo::Args),
    Check(check::Args),
    Test(test::Args),
    Rules(rules::Args),
    Replay(replay::Args),
    Policy(policy::Args),
    Lint(lint::Args),
    Import(import::Args),
    Token(token::Args),
    Principal(principal::Args),
    Owners(owners::Args),
    Retry(retry::Args),
    Doctor(doctor::Args),
    OktaSettings(settings::okta::Args),
    EntraSettings(settings::entra::Args),
    LoginCheck(login_check::Args),
    Completions(completions::Args),
    Manual(manual::Args),
}

/// Exit code of a usage, configuration or input error.
const USAGE: u8 = 2;

/// Runs the command that the process was started with.
#[must_use]
pub fn run() -> ExitCode {
    let command = Cli::parse().command;
    match command {
        Command::Serve(_) | Command::Facts(_) => log_lines::of_server(),
        _ => log_lines::of_command(),
    }
    let result = match command {
        Command::Init(args) => init::run(args),
        Command::Serve(args) => serve::run(args),
        Command::Facts(args) => facts::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Check(args) => check::run(args),
        Command::Test(args) => test::run(args),
        Command::Rules(args) => rules::run(args),
        Command::Replay(args) => replay::run(args),
        Command::Policy(args) => policy::run(args),
        Command::Lint(args) => lint::run(args),
        Command::Import(args) => import::run(args),
        Command::Token(args) => token::run(args),
        Command::Principal(args) => principal::run(args),
        Command::Owners(args) => owners::run(args),
        Command::Retry(args) => retry::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::OktaSettings(args) => settings::okta::run(&args),
        Command::EntraSettings(args) => settings::entra::run(&args),
        Command::LoginCheck(args) => login_check::run(args),
        Command::Completions(args) => completions::run(&args),
        Command::Manual(args) => manual::run(&args),
    };
    result.unwrap_or_else(|error| {
        let told = with_causes(error.as_ref());
        anstream::eprintln!("scimguard: {}", hide_secrets(&told));
        ExitCode::from(USAGE)
    })
}
