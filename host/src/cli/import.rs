//! `scimguard import`.

use std::fmt::{self, Display};
use std::process::ExitCode;

use anyhow::bail;
use clap::ValueEnum;
use scimguard_core::Guard;
use scimguard_core::facts::ResourceKind;
use scimguard_interface::Policy as _;
use serde::Serialize;

use super::config_file::ConfigFile;
use super::{engine_args, provider, store_args};
use crate::config::Config;
use crate::import::{Import, Progress};
use crate::proxy::Reader;
use crate::tokens;
use scimguard_store::now;
use scimguard_store::{Asked, Crawl, Store, Tally};

const EXAMPLE: &str = "\
Examples:
  scimguard import --config scimguard.toml --account ACC1
  scimguard import --config scimguard.toml --account ACC1 --managed-by okta --filter 'externalId pr'

Uses the guard's own credential (`backend_credential`). Users and groups that are already recorded
do not change: first import those of an identity provider, with --managed-by, then the rest.
An interrupted import resumes where it stopped.";

/// Record the users, groups and members that the application already has
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigFile,
    /// The account to read
    #[arg(long)]
    account: String,
    /// The identity provider that owns the newly recorded users and groups [default: nobody]
    #[arg(long, value_name = "PROVIDER")]
    managed_by: Option<String>,
    /// Only users and groups that match this SCIM filter
    #[arg(long)]
    filter: Option<String>,
    /// Only users, or only groups
    #[arg(long, value_enum)]
    only: Option<Only>,
    /// How many to read per request
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=1000))]
    page: u64,
    /// Start over instead of resuming an interrupted import
    #[arg(long)]
    restart: bool,
    /// Send no credential: the application's SCIM endpoints need none
    #[arg(long)]
    no_credential: bool,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Only {
    Users,
    Groups,
}

/// The result of an import.
#[derive(Serialize)]
struct Outcome<'a> {
    account: &'a str,
    #[serde(flatten)]
    tally: &'a Tally,
    /// Everything that the account has is recorded.
    first_fill: bool,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    tokens::check_name("--account", &args.account)?;
    if let Some(provider) = &args.managed_by {
        tokens::check_name("--managed-by", provider)?;
    }
    let (crawl, first_fill) = store_args::with_store(&args.config, async |store, config| {
        if let Some(provider) = &args.managed_by {
            provider::check(config, "--managed-by", &args.account, provider)?;
        }
        let crawl = tokio::select! {
            // Until the first wait, a signal ends the process at once.
            biased;
            crawl = import(&args, store, config) => crawl?,
            _ = tokio::signal::ctrl_c() => {
                bail!("interrupted; run the same command again to resume here")
            }
        };
        Ok((crawl, store.is_filled(&args.account).await?))
    })?;
    let outcome = Outcome {
        account: &args.account,
        tally: &crawl.tally,
        first_fill,
    };
    if args.json {
        anstream::println!("{}", serde_json::to_string_pretty(&outcome)?);
    } else {
        anstream::print!("{outcome}");
    }
    Ok(ExitCode::SUCCESS)
}

async fn import(args: &Args, store: &Store, config: &Config) -> anyhow::Result<Crawl> {
    let credential = match (args.no_credential, config.credential()?) {
        (true, _) => None,
        (false, Some(own)) => Some(own),
        (false, None) => bail!(
            "the guard has no credential for the application: set one in {} \
             (`[backend_credential]`), or give --no-credential if the application needs none",
            args.config.display()
        ),
    };
    let engine = engine_args::engine(config)?;
    let policy = Guard::configure(&config.policy_text()?).ok();
    let crawl = begin(args, store).await?;
    let import = Import {
        store,
        reader: &Reader::new(engine.settings(), config, credential)?,
        account: &args.account,
        page: args.page,
        policy: policy.as_ref(),
        now: now(),
    };
    import.run(crawl, &mut Progress::start()?).await
}

/// The crawl that was interrupted, or a new one.
async fn begin(args: &Args, store: &Store) -> anyhow::Result<Crawl> {
    let asked = Asked {
        managed_by: args.managed_by.clone(),
        filter: args.filter.clone(),
        only: args.only.map(|only| match only {
            Only::Users => ResourceKind::User,
            Only::Groups => ResourceKind::Group,
        }),
    };
    if !args.restart
        && let Some(crawl) = store.crawl(&args.account).await?
    {
        if crawl.asked != asked {
            bail!(
                "an import of {} with other arguments was interrupted ({}): run that \
                 again, or give --restart to discard it",
                args.account,
                arguments(&crawl.asked)
            );
        }
        return Ok(crawl);
    }
    let crawl = Crawl {
        kind: asked.only.unwrap_or(ResourceKind::User),
        asked,
        next: 1,
        open: None,
        tally: Tally::default(),
    };
    store.note_crawl(&args.account, &crawl).await?;
    Ok(crawl)
}

/// The arguments as they were on the command line.
fn arguments(asked: &Asked) -> String {
    let only = asked.only.map(|kind| match kind {
        ResourceKind::User => "users",
        ResourceKind::Group => "groups",
    });
    let given = [
        ("--managed-by", asked.managed_by.as_deref()),
        ("--filter", asked.filter.as_deref()),
        ("--only", only),
    ];
    let words: Vec<String> = given
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name} {:?}", value?)))
        .collect();
    if words.is_empty() {
        "without --managed-by, --filter and --only".to_owned()
    } else {
        words.join(" ")
    }
}

impl Display for Outcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally {
            users,
            groups,
            members,
        } = self.tally;
        for (name, count) in [("users", users), ("groups", groups)] {
            write!(
                f,
                "{name}: {} recorded, {} known already",
                count.recorded, count.known
            )?;
            if count.settled > 0 {
                write!(f, ", {} settled", count.settled)?;
            }
            writeln!(f)?;
        }
        writeln!(f, "memberships: {members} recorded")?;
        if !self.first_fill {
            writeln!(
                f,
                "{} has no initial import yet: that is an import of everything, without --filter and --only",
                self.account
            )?;
        }
        Ok(())
    }
}
