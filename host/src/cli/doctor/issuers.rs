//! Checks that issuers and the source of permissions answer, and that policy and configuration name
//! the same issuers.

use serde_json::Value;

use super::findings::Findings;
use crate::causes::with_causes;
use crate::config::{Config, Issuer, KeysPlace, Means, Permissions as Source};
use crate::tokens::issuers::{LeftOut, Tried, tried};
use crate::tokens::permissions::{Lookup, Permissions};

const ISSUERS: &str = "issuers";
const PERMISSIONS: &str = "permissions";

/// An issuer in the policy.
struct Named {
    /// `None`: for every account that has no issuers of its own.
    account: Option<String>,
    issuer: String,
    kind: String,
}

/// Tries every issuer and the source of permissions. Without a policy only the latter.
pub(super) async fn examine(config: &Config, policy: Option<&str>, findings: &mut Findings) {
    for issuer in &config.issuers {
        answers(issuer, findings).await;
    }
    if let Some(source) = &config.permissions {
        permissions(source, findings).await;
    }
    let Some(document) = policy.map(document) else {
        return;
    };
    let named = named(&document);
    for one in &named {
        configured(one, config, findings);
    }
    for issuer in &config.issuers {
        used(issuer, &document, &named, findings);
    }
}

/// Whether the policy accepts tokens of issuers.
pub(super) fn any(policy: &str) -> bool {
    !named(&document(policy)).is_empty()
}

// === what answers ===

async fn answers(issuer: &Issuer, findings: &mut Findings) {
    let name = &issuer.name;
    let key = key(issuer);
    match tried(issuer).await {
        Ok(Tried::Keys { fit, left_out }) => keys(name, key, fit, &left_out, findings),
        Ok(Tried::Introspection { active: false }) => {
            findings.fine(ISSUERS, format!("{name} rejects a made-up token"))
        }
        Ok(Tried::Introspection { active: true }) => findings.problem(
            ISSUERS,
            format!("{name} accepts a made-up token"),
            format!("Check `{key}`: its answers admit everybody."),
        ),
        Err(error) => {
            let advice = match &issuer.means {
                Means::Keys(_) => format!(
                    "Check `{key}`, and whether this machine can read it; until then its tokens are \
                     `facts.unavailable`."
                ),
                Means::Introspection(_) => format!(
                    "Check `{key}`, `client_id` and the client's secret, and whether the issuer lets this \
                     client introspect; until then its tokens are `facts.unavailable`."
                ),
            };
            findings.problem(
                ISSUERS,
                format!("{name}: {}", with_causes(error.as_ref())),
                advice,
            );
        }
    }
}

/// Lists each key that verifies nothing, with the reason.
fn keys(name: &str, key: &str, fit: usize, left_out: &[LeftOut], findings: &mut Findings) {
    for one in left_out {
        if one.is_fault() {
            findings.problem(
                ISSUERS,
                format!("{name}: not used: {one}"),
                "Have the issuer replace the key; tokens signed with it are `token.unknown`.",
            );
        } else {
            findings.note(ISSUERS, format!("{name}: not used: {one}"));
        }
    }
    match fit {
        0 => findings.problem(
            ISSUERS,
            format!("{name} has no key that can verify a token"),
            format!(
                "Check `{key}`: keys are RSA from 2048 to 8192 bits, P-256, P-384 or Ed25519, for \
                 signatures."
            ),
        ),
        _ if left_out.is_empty() => {
            findings.fine(ISSUERS, format!("{name}: keys that can verify: {fit}"));
        }
        _ => findings.fine(
            ISSUERS,
            format!(
                "{name}: keys that can verify: {fit}; not used: {}",
                left_out.len()
            ),
        ),
    }
}

async fn permissions(source: &Source, findings: &mut Findings) {
    const NOBODY: &str = "scimguard-doctor";
    let place = match source {
        Source::File(file) => file.display().to_string(),
        Source::Service(_) => "the permission service".to_owned(),
    };
    let told = match Permissions::new(source) {
        Ok(permissions) => permissions.tried(NOBODY, NOBODY).await,
        Err(error) => Err(error),
    };
    match (told, source) {
        (Ok(Lookup::Found(_)), _) => findings.problem(
            PERMISSIONS,
            format!("{place} returns rights for a made-up principal"),
            "For a principal that does not exist it must answer 404, or have no entry.",
        ),
        (Ok(_), Source::File(_)) => findings.fine(PERMISSIONS, place),
        (Ok(_), Source::Service(_)) => findings.fine(
            PERMISSIONS,
            format!("{place} does not know a made-up principal"),
        ),
        (Err(error), Source::File(_)) => findings.problem(
            PERMISSIONS,
            with_causes(error.as_ref()),
            "Repair the file that `permissions.file` names; until then tokens of its principals are refused.",
        ),
        (Err(error), Source::Service(_)) => findings.problem(
            PERMISSIONS,
            format!("{place}: {}", with_causes(error.as_ref())),
            "Check `permissions.url` and `permissions.credential`, and whether the service runs; for a \
             principal or account that does not exist it must answer 404.",
        ),
    }
}

// === comparing policy and configuration ===

/// Reports an issuer of the policy that the configuration cannot query.
fn configured(named: &Named, config: &Config, findings: &mut Findings) {
    let Named {
        account,
        issuer,
        kind,
    } = named;
    let with_name = || config.issuers.iter().filter(|it| it.name == *issuer);
    let of_account = account
        .as_ref()
        .map(|account| format!(" for account {account}"));
    let of_account = of_account.unwrap_or_default();
    if with_name().next().is_none() {
        findings.problem(
            ISSUERS,
            format!(
                "the policy names {issuer}{of_account}, but the configuration does not have it"
            ),
            format!(
                "Add an `[[issuer]]` with `issuer = {issuer:?}`; until then its tokens are \
                 `facts.unavailable`."
            ),
        );
        return;
    }
    let mut vouching = with_name()
        .filter(|it| {
            let account = account.as_ref();
            it.accounts.is_none() || account.is_none_or(|account| it.names(account))
        })
        .peekable();
    if vouching.peek().is_none() {
        findings.problem(
            ISSUERS,
            format!("the policy names {issuer}{of_account}, but the configuration has it only for other accounts"),
            "Add the account to the `accounts` of the `[[issuer]]`; until then its tokens are \
             `token.unknown`.",
        );
    }
    if let Some(other) = vouching.find(|it| kind_of(it) != kind) {
        findings.problem(
            ISSUERS,
            format!(
                "{issuer} has the kind {kind}{of_account} in the policy, but `{}` in the configuration",
                key(other)
            ),
            "Give it the `kind` that matches the configuration: `jwt` with `jwks_url` or `jwks_file`, \
             `introspection` with `introspection_url`.",
        );
    }
}

/// Reports an issuer of the configuration whose tokens the policy does not accept.
fn used(issuer: &Issuer, document: &Value, named: &[Named], findings: &mut Findings) {
    let name = &issuer.name;
    let unused = match &issuer.accounts {
        None => match named.iter().any(|it| it.issuer == *name) {
            true => return,
            false => String::new(),
        },
        Some(accounts) => {
            let unused: Vec<&str> = accounts
                .iter()
                .filter(|account| {
                    let own = document["accounts"][account.as_str()]["tokens"].get("issuers");
                    let place = own.is_some().then_some(*account);
                    let named_there =
                        |it: &Named| it.account.as_ref() == place && it.issuer == *name;
                    !named.iter().any(named_there)
                })
                .map(String::as_str)
                .collect();
            match unused.is_empty() {
                true => return,
                false => format!(" for {}", unused.join(", ")),
            }
        }
    };
    findings.problem(
        ISSUERS,
        format!("the configuration has {name}{unused}, but the policy does not name it"),
        "Name it in `tokens.issuers` of the policy or of the account there, or remove it from the \
         configuration; until then its tokens are `token.unknown`.",
    );
}

/// Every issuer in a policy. Invalid ones are reported elsewhere.
fn named(document: &Value) -> Vec<Named> {
    let general = std::iter::once((None, document));
    let accounts = document["accounts"].as_object().into_iter().flatten();
    let special = accounts.map(|(account, settings)| (Some(account), settings));
    general
        .chain(special)
        .flat_map(|(account, settings)| {
            let issuers = settings["tokens"]["issuers"].as_array();
            issuers.into_iter().flatten().filter_map(move |issuer| {
                Some(Named {
                    account: account.cloned(),
                    issuer: issuer["issuer"].as_str()?.to_owned(),
                    kind: issuer["kind"].as_str().unwrap_or(JWT).to_owned(),
                })
            })
        })
        .collect()
}

fn document(policy: &str) -> Value {
    serde_json::from_str(policy).unwrap_or_default()
}

const JWT: &str = "jwt";

fn kind_of(issuer: &Issuer) -> &'static str {
    match issuer.means {
        Means::Keys(_) => JWT,
        Means::Introspection(_) => "introspection",
    }
}

/// The configuration key for where it is queried.
fn key(issuer: &Issuer) -> &'static str {
    match &issuer.means {
        Means::Keys(keys) => match keys.place {
            KeysPlace::Url(..) => "jwks_url",
            KeysPlace::File(_) => "jwks_file",
        },
        Means::Introspection(_) => "introspection_url",
    }
}
