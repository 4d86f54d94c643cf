//! Access to the admin address: its token, and its names.

use std::path::{Path, PathBuf};

use anyhow::{bail, ensure};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::Config;
use super::secret::Secret;

/// The shortest accepted token: it is all that protects the operators' page from the network.
const SHORTEST: usize = 16;

/// Where the token of the operators' page is. It is never in the configuration itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub struct AdminToken(Secret);

/// The table as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// A file that holds only the token.
    file: Option<PathBuf>,
    /// An environment variable that holds the token.
    env: Option<String>,
}

impl AdminToken {
    /// Makes paths relative to the configuration.
    pub(super) fn place(&mut self, folder: &Path) {
        self.0.place(folder);
    }

    pub(super) fn secret(&self) -> &Secret {
        &self.0
    }

    /// The token.
    pub(crate) fn read(&self) -> anyhow::Result<SecretString> {
        let token = self.0.read()?;
        let text = token.expose_secret();
        ensure!(
            text.len() >= SHORTEST && text.bytes().all(|byte| byte.is_ascii_graphic()),
            "{}: at least {SHORTEST} letters, digits or signs, without spaces; generate it with \
             `openssl rand -hex 24`",
            self.0
        );
        Ok(token)
    }
}

impl TryFrom<Written> for AdminToken {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        Secret::one_of(written.file, written.env)
            .map(Self)
            .ok_or_else(|| "the admin token: give one of `file` and `env`".to_owned())
    }
}

/// Checks the admin keys together.
pub(super) fn check(config: &Config) -> anyhow::Result<()> {
    if let Some(admin) = config.admin
        && !admin.ip().is_loopback()
        && config.admin_token.is_none()
    {
        bail!(
            "admin: {admin} can be reached from other machines, and the admin address has no \
             authentication; use 127.0.0.1:{} or [::1]:{}, or give an [admin_token]",
            admin.port(),
            admin.port()
        );
    }
    ensure!(
        config.admin.is_some() || config.admin_tls.is_none(),
        "admin_tls: there is no `admin` address; give one"
    );
    for host in &config.admin_hosts {
        let named = host.parse::<http::uri::Authority>();
        ensure!(
            named.is_ok_and(|it| it.as_str() == host && !host.contains('@')),
            "admin_hosts: {host:?} is not a name such as \"guard.example.com\" or \"guard:8081\""
        );
    }
    Ok(())
}
