//! The identity providers of the policy: who can own a user, a group or what a token creates.

use anyhow::bail;
use scimguard_core::{Guard, nearest};

use crate::config::Config;
use crate::engine::LoadError;

/// Refuses a provider that no account of the policy has: what it owns would be nobody's. Returns the
/// account's own provider, if the policy can be read.
pub(super) fn check(
    config: &Config,
    argument: &str,
    account: &str,
    provider: &str,
) -> anyhow::Result<Option<String>> {
    let policy = match Guard::configure(&config.policy_text()?) {
        Ok(policy) => policy,
        // Only a foreign policy can read its own document.
        Err(_) if config.component.is_some() => return Ok(None),
        Err(faults) => bail!("{}", LoadError::Policy(faults)),
    };
    match unknown(&policy, argument, account, provider) {
        Some(why) => bail!(why),
        None => Ok(Some(policy.provider(account).to_owned())),
    }
}

/// The identity provider of an account, if the policy can be read.
pub(super) fn of(config: &Config, account: &str) -> Option<String> {
    let policy = Guard::configure(&config.policy_text().ok()?).ok()?;
    Some(policy.provider(account).to_owned())
}

fn unknown(policy: &Guard, argument: &str, account: &str, provider: &str) -> Option<String> {
    let providers = policy.providers();
    if providers.contains(provider) {
        return None;
    }
    let all: Vec<&str> = providers.into_iter().collect();
    let meant = match nearest(provider, all.iter().copied()) {
        Some(meant) => format!("; did you mean {meant:?}?"),
        None => format!(
            "; give one of them, or make {provider:?} the `provider` of account {account} in the policy"
        ),
    };
    Some(format!(
        "{argument} {provider:?}: the policy knows {}{meant}",
        all.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_provider_comes_with_the_known_ones() {
        let policy =
            r#"{"version": 1, "preset": "harness", "accounts": {"ACC2": {"provider": "entra"}}}"#;
        let policy = Guard::configure(policy).unwrap();
        let told = |provider: &str| unknown(&policy, "--provider", "ACC1", provider);
        assert_eq!(told("okta"), None);
        assert_eq!(told("entra"), None);
        assert_eq!(
            told("Otka").as_deref(),
            Some(r#"--provider "Otka": the policy knows entra, okta; did you mean "okta"?"#)
        );
        assert_eq!(
            told("workday").as_deref(),
            Some(
                r#"--provider "workday": the policy knows entra, okta; give one of them, or make "workday" the `provider` of account ACC1 in the policy"#
            )
        );
    }
}
