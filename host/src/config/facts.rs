//! `[facts]`: the facts service, and the gateways that may use it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::bail;
use serde::Deserialize;
use tokio_rustls::rustls::pki_types::ServerName;

use super::secret::Secret;
use super::tls::Tls;
use super::{duration, one_minute, some_duration};

/// The facts service.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The address for gateways.
    pub listen: SocketAddr,
    /// Whether it may be reached from other machines without TLS.
    #[serde(default)]
    pub(crate) clear_text: bool,
    /// Its certificate, and the CA of the gateways' certificates. Absent: clear text.
    pub(crate) tls: Option<Tls>,
    /// How long a gateway may leave a request idle before its resources are released.
    #[serde(default = "one_minute", deserialize_with = "duration")]
    pub pass_timeout: Duration,
    /// How long a gateway may have a request in progress in total. Absent: five minutes, and at
    /// least twice `pass_timeout`.
    #[serde(default, deserialize_with = "some_duration")]
    longest_pass: Option<Duration>,
    /// The gateways that may use it.
    #[serde(default, rename = "gateway")]
    pub(crate) gateways: Vec<Gateway>,
}

/// One gateway, or several that share a secret.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub(crate) struct Gateway {
    /// For the log and the metrics.
    pub(crate) name: String,
    /// How it authenticates.
    pub(crate) proof: Proof,
    /// The accounts that it may ask about. `None`: all.
    pub(crate) accounts: Option<BTreeSet<String>>,
    pub(crate) verbs: BTreeSet<Verb>,
    /// How many client requests it may have in progress at once.
    pub(crate) requests: usize,
}

/// How a gateway authenticates.
#[derive(Clone, Debug)]
pub(crate) enum Proof {
    /// One secret per line, any of which is valid.
    Secret(Secret),
    /// A certificate of `client_ca` for this name (RFC 6125).
    Certificate(ServerName<'static>),
}

/// What a gateway may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verb {
    /// Ask for facts, and report decisions.
    Read,
    /// Change the record.
    Record,
}

/// The table as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    secret_file: Option<PathBuf>,
    secret_env: Option<String>,
    certificate: Option<String>,
    accounts: Option<BTreeSet<String>>,
    verbs: Option<BTreeSet<Verb>>,
    requests: Option<usize>,
}

/// A request whose parts the application answers in time ends long before this.
const LONGEST_PASS: Duration = Duration::from_secs(5 * 60);

/// More than a gateway with a few threads ever has.
const REQUESTS: usize = 1000;

// === impl Facts ===

impl Facts {
    /// Makes paths relative to the configuration.
    pub(super) fn place(&mut self, folder: &Path) {
        for gateway in &mut self.gateways {
            if let Proof::Secret(secret) = &mut gateway.proof {
                secret.place(folder);
            }
        }
        if let Some(tls) = &mut self.tls {
            tls.place(folder);
        }
    }

    /// How long a gateway may have a request in progress in total.
    pub(crate) fn longest_pass(&self) -> Duration {
        let default = || LONGEST_PASS.max(self.pass_timeout * 2);
        self.longest_pass.unwrap_or_else(default)
    }

    pub(super) fn check(&self) -> anyhow::Result<()> {
        if self.longest_pass() < self.pass_timeout {
            bail!("facts: `longest_pass` must not be shorter than `pass_timeout`");
        }
        if self.gateways.is_empty() {
            bail!("facts: name the gateways that may use the service, with `[[facts.gateway]]`");
        }
        if !self.listen.ip().is_loopback() && self.tls.is_none() && !self.clear_text {
            bail!(
                "facts: {} can be reached from other machines, which send secrets and clients' \
                 tokens: give it a certificate with `[facts.tls]`, or set `clear_text = true` if \
                 something else encrypts",
                self.listen
            );
        }
        let has_ca = self.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
        let mut names = BTreeSet::new();
        for gateway in &self.gateways {
            if !names.insert(&gateway.name) {
                bail!(
                    "facts: the gateway {:?} is configured twice; give each its own name",
                    gateway.name
                );
            }
            if matches!(gateway.proof, Proof::Certificate(_)) && !has_ca {
                bail!(
                    "facts: the certificate of the gateway {:?} needs `client_ca` in `[facts.tls]`, \
                     the CA that issued it",
                    gateway.name
                );
            }
        }
        Ok(())
    }
}

// === impl Gateway ===

impl TryFrom<Written> for Gateway {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let name = written.name;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            return Err(format!(
                "{name:?} is not a gateway's name: use up to 64 letters, digits, `-`, `_` and `.`"
            ));
        }
        let fault = |why: &str| format!("gateway {name:?}: {why}");
        let secret = (written.secret_file, written.secret_env);
        let proof = match (written.certificate, secret) {
            (Some(name), (None, None)) => ServerName::try_from(name).map(Proof::Certificate).ok(),
            (None, (file, variable)) => Secret::one_of(file, variable).map(Proof::Secret),
            _ => None,
        };
        let proof = proof.ok_or_else(|| {
            fault("give one of `secret_file`, `secret_env` and `certificate`, which is a DNS name")
        })?;
        if written.accounts.as_ref().is_some_and(BTreeSet::is_empty) {
            return Err(fault("`accounts` is empty; name one, or leave it out"));
        }
        let verbs = written
            .verbs
            .unwrap_or_else(|| BTreeSet::from([Verb::Read, Verb::Record]));
        if !verbs.contains(&Verb::Read) {
            return Err(fault("`verbs` needs \"read\""));
        }
        if written.requests == Some(0) {
            return Err(fault("`requests` must be at least 1"));
        }
        Ok(Self {
            name,
            proof,
            accounts: written.accounts,
            verbs,
            requests: written.requests.unwrap_or(REQUESTS),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_has_a_name_a_secret_and_something_to_do() {
        let read = |text: &str| {
            let facts = format!("listen = \"127.0.0.1:0\"\n{text}");
            let facts: Facts = toml::from_str(&facts).map_err(|error| error.to_string())?;
            facts.check().map_err(|error| error.to_string())?;
            Ok::<_, String>(facts)
        };
        let one = "[[gateway]]\nname = \"edge\"\nsecret_env = \"X\"\n";
        let facts = read(one).unwrap();
        assert_eq!(facts.pass_timeout, Duration::from_secs(60));
        assert_eq!(facts.longest_pass(), Duration::from_secs(300));
        let longer = read(&format!("pass_timeout = \"4m\"\n{one}")).unwrap();
        assert_eq!(longer.longest_pass(), Duration::from_secs(480));
        let gateway = &facts.gateways[0];
        assert_eq!(gateway.accounts, None);
        assert_eq!(gateway.verbs, BTreeSet::from([Verb::Read, Verb::Record]));
        for (text, why) in [
            ("", "name the gateways"),
            (
                &format!("longest_pass = \"59s\"\n{one}"),
                "not be shorter than `pass_timeout`",
            ),
            ("[[gateway]]\nname = \"edge\"", "one of `secret_file`"),
            (
                &format!("{one}certificate = \"edge.internal\""),
                "one of `secret_file`",
            ),
            (
                "[[gateway]]\nname = \"edge\"\ncertificate = \"*.internal\"",
                "one of `secret_file`",
            ),
            (
                "[[gateway]]\nname = \"edge\"\ncertificate = \"edge.internal\"",
                "client_ca",
            ),
            (
                "[[gateway]]\nname = \"\"\nsecret_env = \"X\"",
                "is not a gateway's name",
            ),
            (
                "[[gateway]]\nname = \"a b\"\nsecret_env = \"X\"",
                "is not a gateway's name",
            ),
            (&format!("{one}{one}"), "twice"),
            (&format!("{one}accounts = []"), "is empty"),
            (&format!("{one}verbs = [\"record\"]"), "needs \"read\""),
            (&format!("{one}verbs = [\"write\"]"), "unknown variant"),
            (&format!("{one}requests = 0"), "at least 1"),
            (&format!("{one}secret = \"hush\""), "unknown field"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn other_machines_are_reached_by_tls() {
        let gateway = "[[gateway]]\nname = \"edge\"\nsecret_env = \"X\"\n";
        let tls = "[tls]\ncertificate = \"facts.pem\"\nkey = \"facts.key\"\n";
        for (listen, more, fits) in [
            ("127.0.0.1:1", "", true),
            ("[::1]:1", "", true),
            ("0.0.0.0:1", "", false),
            ("192.0.2.1:1", "", false),
            ("[::]:1", "clear_text = false\n", false),
            ("0.0.0.0:1", "clear_text = true\n", true),
            ("0.0.0.0:1", tls, true),
        ] {
            let text = format!("listen = \"{listen}\"\n{more}{gateway}");
            let facts: Facts = toml::from_str(&text).unwrap();
            assert_eq!(facts.check().is_ok(), fits, "{text}");
        }
    }
}
