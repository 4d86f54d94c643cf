//! `scimguard check`.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use jiff::Timestamp;
use scimguard_core::decision;
use scimguard_core::facts::Table;
use scimguard_core::history::{Decided, RequestDocument};
use scimguard_core::syntax_fault;
use scimguard_exchange::history::Driver;

use super::engine_args::EngineArgs;
use crate::config::given_policy;

const EXAMPLE: &str = "\
Example:
  scimguard check --policy policy.json --facts facts.json request.json

  where request.json is
  {\"method\": \"DELETE\", \"path\": \"/gateway/ng/api/user-groups/web_team?accountIdentifier=ACC1\",
   \"headers\": {\"content-type\": \"application/json\"}}

For a Bulk request, the first operation that is forwarded is shown.

Exits with 0 if the request is forwarded, 1 if it is refused, 2 if there is no decision.";

/// Decide one request and print the decision as JSON
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    /// The policy document [default: the preset harness]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The facts: tokens, principals, users, groups, members [default: none]
    #[arg(long, value_name = "FILE")]
    facts: Option<PathBuf>,
    /// The time of the decision, such as 2026-06-01T00:00:00Z [default: now]
    #[arg(long, value_name = "RFC3339")]
    now: Option<Timestamp>,
    #[command(flatten)]
    engine: EngineArgs,
    /// The request as JSON; `-` reads it from standard input
    #[arg(value_name = "REQUEST.json")]
    request: PathBuf,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let policy = args.policy.as_deref();
    let policy = policy
        .map(|file| given_policy(file, read(file)?))
        .transpose()?;
    let table = args.facts.as_deref().map(facts).transpose()?;
    let now = scimguard_cases::milliseconds(args.now.unwrap_or_else(Timestamp::now))?;
    let request = parse::<RequestDocument>(&args.request)?
        .into_request()
        .map_err(|error| anyhow!("{}: {error}", name(&args.request)))?;

    let engine = args.engine.source()?.engine(&policy.unwrap_or_default());
    let engine = match &args.policy {
        Some(path) => engine.with_context(|| name(path))?,
        None => engine?,
    };
    let decided =
        Driver::new(engine.session()?).decide(&request, &mut table.unwrap_or_default(), now)?;
    let (document, code) = match decided {
        Decided::Forward(forward) => (decision::forward(&forward, &request), 0),
        Decided::Reject(reject) => (decision::reject(&reject), 1),
        Decided::Respond(respond) => (decision::respond(&respond), 1),
    };
    anstream::println!("{document}");
    Ok(ExitCode::from(code))
}

fn facts(path: &Path) -> anyhow::Result<Table> {
    Table::from_json(&parse(path)?).map_err(|error| anyhow!("{}: {error}", name(path)))
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    serde_json::from_str(&read(path)?)
        .map_err(|error| anyhow!("{}: {}", name(path), syntax_fault(&error)))
}

fn name(path: &Path) -> String {
    match path.as_os_str() == "-" {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    if path.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    }
    .with_context(|| name(path))
}
