//! `[[issuer]]`: who issues tokens, how they are verified, and for which accounts.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::bail;
use serde::Deserialize;

use super::endpoint::Endpoint;
use super::secret::Secret;
use super::some_duration;

/// An issuer of tokens.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub(crate) struct Issuer {
    /// Its name, as the policy document and the claim `iss` write it.
    pub(crate) name: String,
    /// The accounts that it vouches for. `None`: every account whose policy names it.
    pub(crate) accounts: Option<BTreeSet<String>>,
    /// How its tokens are verified.
    pub(crate) means: Means,
    /// How long it may take to answer.
    pub(crate) timeout: Duration,
}

/// How a token is verified.
#[derive(Clone, Debug)]
pub(crate) enum Means {
    /// With the issuer's keys.
    Keys(Keys),
    /// By asking the issuer about each token (RFC 7662).
    Introspection(Introspection),
}

/// The issuer's keys (RFC 7517 §5).
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) place: KeysPlace,
    /// How old they may become while they cannot be renewed.
    pub(crate) keep: Duration,
}

/// The source of the issuer's keys.
#[derive(Clone, Debug)]
pub(crate) enum KeysPlace {
    /// A URL, read at this interval.
    Url(Endpoint, Duration),
    /// A file.
    File(PathBuf),
}

/// How to ask the issuer about a token.
#[derive(Clone, Debug)]
pub(crate) struct Introspection {
    pub(crate) endpoint: Endpoint,
    pub(crate) client_id: String,
    pub(crate) client_secret: Secret,
    /// How long a good token is accepted without asking again, at most.
    pub(crate) cache: Duration,
    /// How long a bad one is refused without asking again.
    pub(crate) negative_cache: Duration,
}

/// The table as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    issuer: String,
    accounts: Option<BTreeSet<String>>,
    jwks_url: Option<Endpoint>,
    jwks_file: Option<PathBuf>,
    #[serde(default, deserialize_with = "some_duration")]
    jwks_refresh: Option<Duration>,
    #[serde(default, deserialize_with = "some_duration")]
    jwks_keep: Option<Duration>,
    introspection_url: Option<Endpoint>,
    client_id: Option<String>,
    client_secret_file: Option<PathBuf>,
    client_secret_env: Option<String>,
    #[serde(default, deserialize_with = "some_duration")]
    introspection_cache: Option<Duration>,
    #[serde(default, deserialize_with = "some_duration")]
    introspection_negative_cache: Option<Duration>,
    #[serde(default, deserialize_with = "some_duration")]
    timeout: Option<Duration>,
}

// === impl Issuer ===

impl Issuer {
    /// Makes paths relative to the configuration.
    pub(super) fn place(&mut self, folder: &Path) {
        match &mut self.means {
            Means::Keys(keys) => {
                if let KeysPlace::File(file) = &mut keys.place {
                    *file = folder.join(&*file);
                }
            }
            Means::Introspection(introspection) => introspection.client_secret.place(folder),
        }
    }

    /// Whether it lists this account.
    pub(crate) fn names(&self, account: &str) -> bool {
        let accounts = self.accounts.as_ref();
        accounts.is_some_and(|accounts| accounts.contains(account))
    }
}

/// Refuses two issuers of one name for one account: which keys apply would be left to chance.
pub(super) fn check(issuers: &[Issuer]) -> anyhow::Result<()> {
    for (position, one) in issuers.iter().enumerate() {
        for other in &issuers[..position] {
            let both = match (&one.accounts, &other.accounts) {
                (None, None) => true,
                (Some(one), Some(other)) => !one.is_disjoint(other),
                _ => false,
            };
            if both && one.name == other.name {
                bail!(
                    "issuer {:?} is configured twice for the same account; keep one of the two, or give \
                     each its own `accounts`",
                    one.name
                );
            }
        }
    }
    Ok(())
}

impl TryFrom<Written> for Issuer {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let name = written.issuer.clone();
        let fault = |why: &str| format!("issuer {name:?}: {why}");
        if written.accounts.as_ref().is_some_and(BTreeSet::is_empty) {
            return Err(fault("`accounts` is empty; name one, or leave it out"));
        }
        let asked = written.client_id.is_some()
            || written.client_secret_file.is_some()
            || written.client_secret_env.is_some()
            || written.introspection_cache.is_some()
            || written.introspection_negative_cache.is_some();
        let signed = written.jwks_refresh.is_some() || written.jwks_keep.is_some();
        let means = match (
            written.jwks_url,
            written.jwks_file,
            written.introspection_url,
        ) {
            (Some(_), None, None) | (None, Some(_), None) if asked => {
                return Err(fault(
                    "`client_id`, `client_secret_…` and `introspection_…` go with `introspection_url`",
                ));
            }
            (None, Some(_), None) if written.jwks_refresh.is_some() => {
                return Err(fault(
                    "`jwks_refresh` goes with `jwks_url`; a file is read again when it changes",
                ));
            }
            (None, None, Some(_)) if signed => {
                return Err(fault("`jwks_refresh` and `jwks_keep` go with `jwks_url`"));
            }
            (Some(url), None, None) => {
                let refresh = written.jwks_refresh.unwrap_or(REFRESH);
                let keep = written.jwks_keep.unwrap_or(KEEP.max(refresh * 2));
                if keep <= refresh {
                    return Err(fault("`jwks_keep` must be longer than `jwks_refresh`"));
                }
                Means::Keys(Keys {
                    place: KeysPlace::Url(url, refresh),
                    keep,
                })
            }
            (None, Some(file), None) => Means::Keys(Keys {
                place: KeysPlace::File(file),
                keep: written.jwks_keep.unwrap_or(KEEP),
            }),
            (None, None, Some(endpoint)) => Means::Introspection(Introspection {
                endpoint,
                client_id: written
                    .client_id
                    .ok_or_else(|| fault("`introspection_url` needs `client_id`"))?,
                client_secret: Secret::one_of(
                    written.client_secret_file,
                    written.client_secret_env,
                )
                .ok_or_else(|| fault("give one of `client_secret_file` and `client_secret_env`"))?,
                cache: written.introspection_cache.unwrap_or(CACHE),
                negative_cache: written
                    .introspection_negative_cache
                    .unwrap_or(NEGATIVE_CACHE),
            }),
            _ => {
                return Err(fault(
                    "give one of `jwks_url`, `jwks_file` and `introspection_url`",
                ));
            }
        };
        Ok(Self {
            name,
            accounts: written.accounts,
            means,
            timeout: written.timeout.unwrap_or(TIMEOUT),
        })
    }
}

/// How long a withdrawn key may still be accepted.
const REFRESH: Duration = Duration::from_secs(10 * 60);

/// Tolerates a day of outage at the issuer, but no longer, so that an outage that somebody causes
/// cannot keep a withdrawn key alive.
const KEEP: Duration = Duration::from_secs(24 * 60 * 60);

const CACHE: Duration = Duration::from_secs(60);

const NEGATIVE_CACHE: Duration = Duration::from_secs(10);

const TIMEOUT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &str) -> Result<Issuer, String> {
        let text = format!("issuer = \"https://id.example.com\"\n{lines}");
        toml::from_str(&text).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_come_from_a_url_or_a_file() {
        let issuer = read("jwks_url = \"https://id.example.com/jwks\"").unwrap();
        assert_eq!(issuer.timeout, TIMEOUT);
        let Means::Keys(keys) = &issuer.means else {
            panic!("{issuer:?}");
        };
        assert!(matches!(keys.place, KeysPlace::Url(_, REFRESH)));
        assert_eq!(keys.keep, KEEP);
        let mut issuer = read("jwks_file = \"keys.json\"\naccounts = [\"ACC1\"]").unwrap();
        issuer.place(Path::new("/etc/guard"));
        let Means::Keys(keys) = &issuer.means else {
            panic!("{issuer:?}");
        };
        let KeysPlace::File(file) = &keys.place else {
            panic!("{issuer:?}");
        };
        assert_eq!(file, Path::new("/etc/guard/keys.json"));
        assert!(issuer.names("ACC1") && !issuer.names("ACC2"));
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let url = "jwks_url = \"https://id.example.com/jwks\"\n";
        let introspection = "introspection_url = \"https://id.example.com/introspect\"\n";
        for (lines, why) in [
            (String::new(), "one of `jwks_url`"),
            (
                format!("{url}jwks_file = \"keys.json\""),
                "one of `jwks_url`",
            ),
            (format!("{url}{introspection}"), "one of `jwks_url`"),
            (
                format!("{url}client_id = \"x\""),
                "go with `introspection_url`",
            ),
            (format!("{url}jwks_keep = \"1m\""), "longer than"),
            (format!("{url}jwks_keep = \"soon\""), "is not a time"),
            (format!("{url}accounts = []"), "`accounts` is empty"),
            (format!("{url}jwks = 1"), "unknown field"),
            (
                "jwks_file = \"f\"\njwks_refresh = \"1m\"".to_owned(),
                "when it changes",
            ),
            (introspection.to_owned(), "needs `client_id`"),
            (
                format!("{introspection}client_id = \"x\""),
                "one of `client_secret_file`",
            ),
            (
                format!(
                    "{introspection}client_id = \"x\"\nclient_secret_env = \"S\"\njwks_keep = \"1m\""
                ),
                "go with `jwks_url`",
            ),
            (
                "jwks_url = \"http://id.example.com/jwks\"".to_owned(),
                "use https",
            ),
        ] {
            let error = read(&lines).unwrap_err();
            assert!(error.contains(why), "{lines}: {error}");
        }
    }

    #[test]
    fn an_account_has_an_issuer_once() {
        let with = |accounts: &str| read(&format!("jwks_file = \"f\"\n{accounts}")).unwrap();
        let (all, one) = (with(""), with("accounts = [\"A\"]"));
        let two = with("accounts = [\"A\", \"B\"]");
        check(&[all.clone(), one.clone()]).unwrap();
        check(&[all.clone(), all]).unwrap_err();
        check(&[one, two]).unwrap_err();
    }
}
