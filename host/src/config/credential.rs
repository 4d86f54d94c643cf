//! The guard's credential at another server: a token in a header.

use std::path::{Path, PathBuf};

use anyhow::Context;
use http::{HeaderName, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::secret::Secret;

/// Where a credential comes from. It is never in the configuration itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub struct CredentialSource {
    token: Secret,
    /// The header that carries it: `authorization` (as a Bearer token) or another, as it is.
    header: HeaderName,
}

/// A credential, ready to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// The header.
    pub name: HeaderName,
    /// Its value, marked sensitive.
    pub value: HeaderValue,
}

/// The table as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// A file that holds only the token.
    file: Option<PathBuf>,
    /// An environment variable that holds the token.
    env: Option<String>,
    #[serde(default = "authorization")]
    header: String,
}

// === impl CredentialSource ===

impl CredentialSource {
    /// Makes paths relative to the configuration.
    pub(super) fn place(&mut self, folder: &Path) {
        self.token.place(folder);
    }

    pub(super) fn secret(&self) -> &Secret {
        &self.token
    }

    /// The credential as it is now.
    pub(crate) fn read(&self) -> anyhow::Result<Credential> {
        Credential::new(self.header.clone(), &self.token.read()?)
    }
}

impl TryFrom<Written> for CredentialSource {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        Ok(Self {
            token: Secret::one_of(written.file, written.env)
                .ok_or("a credential: give one of `file` and `env`")?,
            header: written
                .header
                .parse()
                .map_err(|_| format!("{:?} is not a header name", written.header))?,
        })
    }
}

// === impl Credential ===

impl Credential {
    /// A Bearer token.
    ///
    /// # Errors
    /// If it has characters that a header cannot hold.
    pub fn bearer(token: &SecretString) -> anyhow::Result<Self> {
        Self::new(header::AUTHORIZATION, token)
    }

    fn new(name: HeaderName, token: &SecretString) -> anyhow::Result<Self> {
        let text = match name {
            header::AUTHORIZATION => {
                &SecretString::from(format!("Bearer {}", token.expose_secret()))
            }
            _ => token,
        };
        let mut value = HeaderValue::from_str(text.expose_secret())
            .ok()
            .context("the token has characters that a header cannot hold")?;
        value.set_sensitive(true);
        Ok(Self { name, value })
    }
}

fn authorization() -> String {
    header::AUTHORIZATION.as_str().to_owned()
}
