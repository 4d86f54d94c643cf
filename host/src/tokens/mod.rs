//! The guard's own tokens: their text, and the names of permissions.
//!
//! `PREFIX.ACCOUNT.ID.SECRET`; only SHA-256 of the whole text is stored.

mod asker;
mod flights;
mod introspection;
pub(crate) mod issuers;
mod jwks;
mod jwt;
mod keys;
mod lane;
pub(crate) mod permissions;
mod public_key;
mod service;
mod watched;

#[cfg(test)]
mod tests;

use anyhow::{Context, bail};
use rand::TryRngCore;
use rand::rngs::OsRng;
use scimguard_core::sha256_hex;
use secrecy::SecretString;

/// 256 bits cannot be guessed, so a plain hash protects them.
const SECRET_BYTES: usize = 32;

/// Enough to keep the ids of an account's tokens distinct.
const ID_BYTES: usize = 8;

/// What "all permissions" means unless the policy document names others.
const PERMISSIONS: [&str; 5] = [
    "core_user_view",
    "core_user_manage",
    "core_user_invite",
    "core_usergroup_view",
    "core_usergroup_manage",
];

/// A new token.
pub(crate) struct Minted {
    /// The text, which is shown once.
    pub(crate) text: SecretString,
    /// The hash that the store keeps.
    pub(crate) sha256: String,
}

/// Creates the text of a token.
pub(crate) fn mint(prefix: &str, account: &str, id: &str) -> anyhow::Result<Minted> {
    let text = format!("{prefix}.{account}.{id}.{}", random::<SECRET_BYTES>()?);
    Ok(Minted {
        sha256: sha256_hex(text.as_bytes()),
        text: text.into(),
    })
}

/// A random name for a token without one.
pub(crate) fn random_id() -> anyhow::Result<String> {
    random::<ID_BYTES>()
}

fn random<const N: usize>() -> anyhow::Result<String> {
    let mut bytes = [0; N];
    OsRng
        .try_fill_bytes(&mut bytes)
        .context("the system gives no random bytes")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Refuses names that cannot stand between the dots of a token or in a path.
pub(crate) fn check_name(what: &str, name: &str) -> anyhow::Result<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '@' | '+' | '.');
    if name.is_empty() || !name.chars().all(fits) {
        bail!("{what} {name:?}: use letters, digits and `-_@+.` only");
    }
    if what != "--principal" && what != "--id" && name.contains('.') {
        bail!("{what} {name:?}: a dot would end it within the token's text");
    }
    Ok(())
}

/// All permissions that the policy document requires, for this account and in general.
pub(crate) fn all_permissions(policy: &str, account: &str) -> anyhow::Result<Vec<String>> {
    let document: serde_json::Value = match policy.trim() {
        "" => serde_json::Value::Null,
        text => serde_json::from_str(text).context("the policy document is not JSON")?,
    };
    let general = &document["tokens"]["permissions"];
    let special = &document["accounts"][account]["tokens"]["permissions"];
    let mut named: Vec<String> = [general, special]
        .into_iter()
        .filter_map(serde_json::Value::as_array)
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    if named.is_empty() {
        named.extend(PERMISSIONS.map(str::to_owned));
    }
    named.sort();
    named.dedup();
    Ok(named)
}

#[cfg(test)]
mod minting {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_token_has_its_parts_and_its_hash() {
        let minted = mint("sat", "ACC1", "t1").unwrap();
        let text = minted.text.expose_secret();
        let parts: Vec<&str> = text.split('.').collect();
        assert_eq!(parts[..3], ["sat", "ACC1", "t1"]);
        assert_eq!(parts[3].len(), 2 * SECRET_BYTES);
        assert_eq!(minted.sha256, sha256_hex(text.as_bytes()));
        assert_ne!(minted.sha256, mint("sat", "ACC1", "t1").unwrap().sha256);
    }

    #[test]
    fn all_is_what_the_policy_asks_for() {
        assert_eq!(all_permissions("", "A").unwrap().len(), 5);
        let policy = r#"{"tokens": {"permissions": ["p"]},
                         "accounts": {"A": {"tokens": {"permissions": ["q"]}}}}"#;
        assert_eq!(all_permissions(policy, "A").unwrap(), ["p", "q"]);
        assert_eq!(all_permissions(policy, "B").unwrap(), ["p"]);
    }
}
