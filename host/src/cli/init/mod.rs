//! `scimguard init`: from nothing to a configured guard, in one conversation.

mod answers;
mod files;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};

use self::answers::{Answers, Given};
use super::{doctor, settings, store_args};
use crate::tokens;
use scimguard_store::{NewToken, PrincipalKind, PrincipalRow, now};

const EXAMPLE: &str = "\
Examples:
  scimguard init
  scimguard init guard --backend https://app.internal --scim-path /scim/v2 --provider okta --account ACC1

Without a terminal, every answer is an option. Exit status: 0 the set-up is complete, 1 something is
left to do, such as the first import, 2 nothing was set up.";

/// The principal whose rights the provider's token has: `svc-okta`.
const PRINCIPAL: &str = "svc-";

/// How long the token is valid, in milliseconds: 90 days.
const VALID: u64 = 90 * 24 * 60 * 60 * 1000;

/// Set up a guard: write its configuration and policy, create a token, try them, and print what to
/// enter in the identity provider
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    /// The folder for the configuration, the policy and the store
    #[arg(default_value = ".")]
    folder: PathBuf,
    #[command(flatten)]
    given: Given,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    files::check_free(&args.folder)?;
    let answers = args.given.complete()?;
    let config = files::write(&args.folder, &answers)?;
    let token = create_token(&config, &answers)?;
    let shown = config.display();
    anstream::eprintln!("Wrote {shown} and {}.", files::POLICY);
    let tried = doctor::of_set_up(&config)?;
    anstream::println!("\nThe token, shown only this once:\n");
    anstream::println!("  {}\n", token.expose_secret());
    settings::of(&answers.provider, &config, &answers.account)?;
    let serve = store_args::command(&config, "serve", "");
    anstream::println!("\nNext: {serve}. Then test the connection in the identity provider.");
    Ok(tried)
}

fn create_token(config: &Path, answers: &Answers) -> anyhow::Result<SecretString> {
    let Answers {
        account, provider, ..
    } = answers;
    let principal = format!("{PRINCIPAL}{provider}");
    let id = tokens::random_id()?;
    let now = now();
    store_args::with_store(config, async |store, config| {
        let permissions = tokens::all_permissions(&config.policy_text()?, account)?;
        let kind = PrincipalKind::ServiceAccount;
        let minted = tokens::mint(kind.token_prefix(), account, &id)?;
        let row = PrincipalRow {
            account: account.clone(),
            id: principal.clone(),
            kind,
            active: true,
            permissions,
            created: now,
        };
        store.create_principal(&row).await?;
        let token = NewToken {
            sha256: minted.sha256,
            prefix: kind.token_prefix(),
            account: account.clone(),
            id: id.clone(),
            principal,
            provider: Some(provider.clone()),
            expires: Some(now.saturating_add(VALID)),
            created: now,
            created_by: Some("scimguard init".to_owned()),
            rotated_from: None,
        };
        store.create_token(&token).await?;
        Ok(minted.text)
    })
    .context("no token was created")
}
