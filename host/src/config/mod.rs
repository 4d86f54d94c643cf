//! The configuration file of `serve`, in TOML. `scimguard.example.toml` shows every key; unknown
//! keys are refused with their line. Relative paths are relative to the file.

mod admin;
mod connections;
mod credential;
mod endpoint;
mod facts;
mod faults;
mod issuers;
mod permissions;
mod policy;
mod private;
mod public_url;
mod secret;
#[cfg(test)]
mod tests;
mod tls;

use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use http::Uri;
use http::uri::Scheme;
use ipnet::IpNet;
use serde::Deserialize;

pub use self::admin::AdminToken;
pub use self::connections::Connections;
pub use self::credential::{Credential, CredentialSource};
pub(crate) use self::endpoint::{Endpoint, Template};
pub use self::facts::Facts;
pub(crate) use self::facts::{Gateway, Proof, Verb};
pub(crate) use self::issuers::{Introspection, Issuer, Keys, KeysPlace, Means};
pub(crate) use self::permissions::{Permissions, Service as PermissionService};
pub(crate) use self::policy::{given_policy, policy_file};
pub use self::public_url::PublicUrl;
use self::public_url::some_public_url;
pub(crate) use self::public_url::{is_host, public_url};
pub(crate) use self::secret::Secret;
pub(crate) use self::tls::Tls;

/// The example file, for help texts.
pub const EXAMPLE: &str = include_str!("../../scimguard.example.toml");

/// The configuration of `serve`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The path of this file.
    #[serde(skip)]
    pub file: PathBuf,
    /// The address for the identity provider and administrators. The facts service alone needs none.
    pub listen: Option<SocketAddr>,
    /// TLS on `listen`. Absent: clear text.
    pub(crate) tls: Option<Tls>,
    /// The application: scheme, host and port.
    #[serde(deserialize_with = "some_backend")]
    pub backend: Uri,
    /// The address of health checks, metrics and pages. Absent: none. Without `admin_token`, a
    /// loopback address.
    pub admin: Option<SocketAddr>,
    /// TLS on `admin`. Absent: clear text.
    pub(crate) admin_tls: Option<Tls>,
    /// Protects the operators' page. Absent: there is no such page.
    pub admin_token: Option<AdminToken>,
    /// Host names of the admin address, besides its own.
    #[serde(default)]
    pub admin_hosts: Vec<String>,
    /// Folder of the pages. Absent: the `pages` that came with the program.
    pub pages: Option<PathBuf>,
    /// The log of decisions, `sqlite:FILE`. Absent: none.
    #[serde(default, deserialize_with = "some_store")]
    pub decisions: Option<PathBuf>,
    /// How many decisions it keeps.
    #[serde(default = "a_million")]
    pub decisions_keep: NonZeroU64,
    /// The database, `sqlite:FILE`.
    #[serde(deserialize_with = "store")]
    pub store: PathBuf,
    /// The policy document. Absent: the default policy.
    pub policy: Option<PathBuf>,
    /// The policy plugin. Absent: the `scimguard.wasm` that came with the program.
    pub component: Option<PathBuf>,
    /// What runs the policy.
    #[serde(default)]
    pub engine: EngineKind,
    /// Folder for compiled code. Absent: the user's cache folder.
    pub cache: Option<PathBuf>,
    /// How long the application may take to answer.
    #[serde(default = "half_a_minute", deserialize_with = "duration")]
    pub backend_timeout: Duration,
    /// How long a connection may have no request, a client may take for a body, and a request in
    /// flight may take to end at shutdown.
    #[serde(default = "half_a_minute", deserialize_with = "duration")]
    pub client_timeout: Duration,
    /// How long a write waits for others of the same users and groups.
    #[serde(default = "ten_seconds", deserialize_with = "duration")]
    pub lease_timeout: Duration,
    /// How to treat an unrecorded user or group before the account's initial import.
    #[serde(default)]
    pub unseen: Unseen,
    /// Whether the answers of the application's own group and user routes get a header that says
    /// what a provider owns.
    #[serde(default)]
    pub annotate: bool,
    /// How often the application is asked about writes whose outcome nobody saw. This needs the
    /// guard's own credential.
    #[serde(default = "one_minute", deserialize_with = "duration")]
    pub settle_every: Duration,
    /// How long the application may still act on a request that it has not answered.
    #[serde(default = "two_minutes", deserialize_with = "duration")]
    pub settle_after: Duration,
    /// Networks of proxies in front of the guard, whose `X-Forwarded-*` and `Forwarded` are trusted.
    #[serde(default, deserialize_with = "networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// The guard's own address as clients know it. Absent: as they, or trusted proxies, report it.
    #[serde(default, deserialize_with = "some_public_url")]
    pub public_url: Option<PublicUrl>,
    /// Rate limits of accounts and sources.
    #[serde(default)]
    pub limits: Limits,
    /// Limits of connections.
    #[serde(default)]
    pub connections: Connections,
    /// The guard's own credential at the application. Absent: the client's is forwarded.
    pub backend_credential: Option<CredentialSource>,
    /// Who issues tokens, and how they are verified.
    #[serde(default, rename = "issuer")]
    pub(crate) issuers: Vec<Issuer>,
    /// The source of the rights of principals that the store does not have.
    pub(crate) permissions: Option<Permissions>,
    /// The facts service. Absent: none.
    pub facts: Option<Facts>,
}

/// What runs the policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// The plugin, in its sandbox.
    #[default]
    Wasm,
    /// The policy compiled into the program.
    Native,
}

/// How to treat an unrecorded user or group before the account's initial import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unseen {
    /// As nobody's: the application's administrators may edit it.
    #[default]
    Native,
    /// As an identity provider's, which it may be: they may not.
    Refuse,
}

/// Rate limits of accounts and sources. Each is a bucket that refills continuously.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Sustained rate of an account's requests with a good token.
    pub requests_per_second: NonZeroU32,
    /// How many of them at once.
    pub burst: NonZeroU32,
    /// Wrong credentials from one address, or for one token, that get a specific error at once;
    /// after that, one a second does.
    pub failures: NonZeroU32,
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// With file, line and column of the fault.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file).map_err(|error| unreadable(file, &error))?;
        let mut config = Self::parse(&text, file.parent().unwrap_or(Path::new("")))
            .with_context(|| format!("in the configuration {}", file.display()))?;
        config.file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        Ok(config)
    }

    fn parse(text: &str, folder: &Path) -> anyhow::Result<Self> {
        // The error shows the line and points at the place.
        let mut config: Self =
            toml::from_str(text).map_err(|error| faults::in_words(text, &error))?;
        admin::check(&config)?;
        if let Some(token) = &mut config.admin_token {
            token.place(folder);
        }
        for tls in config.tls.iter_mut().chain(&mut config.admin_tls) {
            tls.place(folder);
        }
        let paths = [
            config.policy.as_mut(),
            config.component.as_mut(),
            config.cache.as_mut(),
            config.pages.as_mut(),
            config.decisions.as_mut(),
            Some(&mut config.store),
        ];
        for path in paths.into_iter().flatten() {
            *path = folder.join(&*path);
        }
        anyhow::ensure!(
            !config
                .decisions
                .as_ref()
                .is_some_and(|decisions| is_same_file(decisions, &config.store)),
            "`decisions` and `store` name the same file; give the decision log its own"
        );
        if let Some(source) = &mut config.backend_credential {
            source.place(folder);
        }
        issuers::check(&config.issuers)?;
        for issuer in &mut config.issuers {
            issuer.place(folder);
        }
        if let Some(permissions) = &mut config.permissions {
            permissions.place(folder);
        }
        if let Some(facts) = &mut config.facts {
            facts.check()?;
            facts.place(folder);
        }
        Ok(config)
    }

    /// The text of the policy document; empty for the default policy.
    ///
    /// # Errors
    /// If the file cannot be read, or is empty.
    pub fn policy_text(&self) -> anyhow::Result<String> {
        match &self.policy {
            None => Ok(String::new()),
            Some(file) => {
                policy_file(file).with_context(|| format!("`policy` in {}", self.file.display()))
            }
        }
    }

    /// The files of each address that has TLS, with the name of their table.
    pub(crate) fn certificates(&self) -> impl Iterator<Item = (&'static str, &Tls)> {
        let facts = self.facts.as_ref().and_then(|facts| facts.tls.as_ref());
        let tables = [
            ("tls", self.tls.as_ref()),
            ("admin_tls", self.admin_tls.as_ref()),
            ("facts.tls", facts),
        ];
        tables
            .into_iter()
            .filter_map(|(table, files)| Some((table, files?)))
    }

    /// Reads every secret.
    ///
    /// # Errors
    /// If one cannot be read.
    pub(crate) fn check_secrets(&self) -> anyhow::Result<()> {
        self.credential()?;
        if let Some(token) = &self.admin_token {
            token.read().context("in admin_token")?;
        }
        for gateway in self.facts.iter().flat_map(|facts| &facts.gateways) {
            if let Proof::Secret(secret) = &gateway.proof {
                secret.read().context("in facts")?;
            }
        }
        Ok(())
    }

    /// The guard's own credential, if it has one.
    ///
    /// # Errors
    /// If its source cannot be read or holds no usable token.
    pub fn credential(&self) -> anyhow::Result<Option<Credential>> {
        self.backend_credential
            .as_ref()
            .map(CredentialSource::read)
            .transpose()
            .context("in backend_credential")
    }
}

impl Default for Limits {
    fn default() -> Self {
        // IPSIE requires at least 25 requests a second and tenant.
        const REQUESTS: NonZeroU32 = NonZeroU32::new(250).unwrap();
        const BURST: NonZeroU32 = NonZeroU32::new(500).unwrap();
        const FAILURES: NonZeroU32 = NonZeroU32::new(20).unwrap();
        Self {
            requests_per_second: REQUESTS,
            burst: BURST,
            failures: FAILURES,
        }
    }
}

fn unreadable(file: &Path, error: &std::io::Error) -> anyhow::Error {
    let next = match error.kind() {
        std::io::ErrorKind::NotFound => "; name another with --config, or in SCIMGUARD_CONFIG",
        _ => "",
    };
    anyhow::anyhow!(
        "cannot read the configuration {}: {error}{next}",
        file.display()
    )
}

/// Whether two paths lead to one file, which may not exist yet.
fn is_same_file(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| {
        path.canonicalize()
            .or_else(|_| std::path::absolute(path))
            .ok()
    };
    place(one) == place(other)
}

fn some_backend<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Uri, D::Error> {
    let text = String::deserialize(deserializer)?;
    backend(&text).map_err(serde::de::Error::custom)
}

/// Reads the address of the application.
///
/// # Errors
/// Why it is none.
pub(crate) fn backend(text: &str) -> Result<Uri, String> {
    let fault = || {
        format!(
            "{text:?} is not `http://HOST:PORT` or `https://HOST`; paths belong in the policy \
             (`scim.upstream_base`)"
        )
    };
    let uri: Uri = text.parse().map_err(|_| fault())?;
    let known = [Some(&Scheme::HTTP), Some(&Scheme::HTTPS)].contains(&uri.scheme());
    let bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
    let host = uri
        .authority()
        .is_some_and(|authority| !authority.host().is_empty() && !authority.as_str().contains('@'));
    if known && bare && host {
        Ok(uri)
    } else {
        Err(fault())
    }
}

fn store<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    let text = String::deserialize(deserializer)?;
    let file = text
        .strip_prefix("sqlite://")
        .or_else(|| text.strip_prefix("sqlite:"))
        .filter(|file| !file.is_empty() && !file.starts_with(':') && !file.contains('?'));
    file.map(PathBuf::from).ok_or_else(|| {
        serde::de::Error::custom(format!(
            "{text:?} is not `sqlite:FILE`, the only kind of store"
        ))
    })
}

fn some_store<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<PathBuf>, D::Error> {
    store(deserializer).map(Some)
}

/// Networks; a single address counts as one.
fn networks<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let network = |text: &String| {
        let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
        text.parse().ok().or_else(address).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "{text:?} is not a network such as \"10.0.0.0/8\" or an address"
            ))
        })
    };
    texts.iter().map(network).collect()
}

fn duration<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse::<jiff::SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| {
            serde::de::Error::custom(format!("{text:?} is not a time such as \"30s\" or \"2m\""))
        })
}

fn some_duration<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}

fn a_million() -> NonZeroU64 {
    const MILLION: NonZeroU64 = NonZeroU64::new(1_000_000).unwrap();
    MILLION
}

fn half_a_minute() -> Duration {
    Duration::from_secs(30)
}

fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

fn one_minute() -> Duration {
    Duration::from_secs(60)
}

fn two_minutes() -> Duration {
    Duration::from_secs(120)
}
