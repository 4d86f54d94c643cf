//! Checks that the application can be reached and has SCIM where the policy says.

use std::collections::BTreeSet;

use scimguard_exchange::ScimPaths;
use scimguard_interface::Policy as _;

use super::asking::{TIME_LIMIT, WRONG_PLACE, answered};
use super::findings::Findings;
use crate::causes::with_causes;
use crate::config::{Config, Credential};
use crate::engine::Engine;
use crate::proxy::{Probe, Reply};
use scimguard_store::Store;

const ABOUT: &str = "application";

/// How many accounts to query at most.
const ASKED: usize = 5;

/// Checks that something answers.
pub(super) async fn examine(config: &Config, findings: &mut Findings) {
    let credential = match config.credential() {
        Ok(credential) => credential,
        Err(error) => {
            let advice = "Give a file or an environment variable that holds only the token.";
            findings.problem("credential", with_causes(error.as_ref()), advice);
            None
        }
    };
    if config.backend_credential.is_none() {
        findings.note(
            "credential",
            "the guard has none of its own: clients' credentials are forwarded, and open outcomes are settled only by the \
             identity provider's next requests",
        );
    }
    let asked = match Probe::new(config.backend.clone(), TIME_LIMIT) {
        Ok(probe) => probe
            .get("/", credential.as_ref())
            .await
            .map_err(|error| with_causes(&error)),
        Err(error) => Err(with_causes(error.as_ref())),
    };
    match asked {
        Ok(reply) => findings.fine(
            ABOUT,
            format!(
                "{} can be reached (it answered {})",
                config.backend, reply.status
            ),
        ),
        Err(why) => findings.problem(
            ABOUT,
            format!("{} does not answer: {why}", config.backend),
            "Check `backend`, and whether the application runs.",
        ),
    }
}

/// Checks SCIM, and that the guard may read, for the accounts that have tokens.
pub(super) async fn scim(
    store: &Store,
    config: &Config,
    policy: &str,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    // A faulty policy or credential is already reported.
    let (Ok(credential), Ok(engine)) = (config.credential(), Engine::native(policy)) else {
        return Ok(());
    };
    let settings = engine.settings();
    let paths = ScimPaths::new(settings);
    let tokens = store.tokens(None).await?;
    let mut accounts: BTreeSet<String> = tokens.into_iter().map(|token| token.account).collect();
    accounts.extend(settings.scim_account.clone());
    if accounts.is_empty() {
        findings.note(ABOUT, "SCIM was not checked: no account has a token yet");
    }
    let probe = Probe::new(config.backend.clone(), TIME_LIMIT)?;
    for account in accounts.iter().take(ASKED) {
        if !paths.has(account) {
            findings.problem(
                ABOUT,
                format!("account {account} has tokens, but the application's account is another"),
                "Revoke its tokens, or correct `scim.account` in the policy.",
            );
            continue;
        }
        let page = [("startIndex", "1".to_owned()), ("count", "1".to_owned())];
        let path = paths.list(account, "Users", &page);
        match probe.get(&path, credential.as_ref()).await {
            Ok(reply) => judge(&probe.url(&path), &reply, credential.as_ref(), findings),
            Err(error) => findings.problem(
                ABOUT,
                format!(
                    "GET {}: no answer: {}",
                    probe.url(&path),
                    with_causes(&error)
                ),
                "Check `backend`, and whether the application runs.",
            ),
        }
    }
    Ok(())
}

fn judge(url: &str, reply: &Reply, credential: Option<&Credential>, findings: &mut Findings) {
    let answered = answered(url, reply);
    match reply.status.as_u16() {
        200 if reply.is_list => findings.fine(ABOUT, format!("{answered}: a SCIM list")),
        200..=399 => findings.problem(
            ABOUT,
            format!("{answered}: expected a SCIM list"),
            WRONG_PLACE,
        ),
        401 | 403 if credential.is_none() => findings.note(
            ABOUT,
            format!("{answered}: it requires a credential, so whether this is SCIM is unknown"),
        ),
        401 | 403 => findings.problem(
            "credential",
            answered,
            "The guard reads the application with `backend_credential`: set one that may read users \
             and groups.",
        ),
        404 => findings.problem(
            ABOUT,
            format!("{answered}: no SCIM at this path"),
            WRONG_PLACE,
        ),
        500.. => findings.problem(ABOUT, answered, "Look at the application's log."),
        _ => findings.problem(ABOUT, answered, WRONG_PLACE),
    }
}
