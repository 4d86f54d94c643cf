//! Which gateway sends a request, and the accounts and verbs that its configuration allows. A
//! gateway authenticates with a Bearer token (RFC 6750) or a certificate.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::{Context, bail};
use http::{HeaderMap, header};
use scimguard_core::facts::{Answer, Fact};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use tokio_rustls::rustls::client::verify_server_name;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::server::ParsedCertificate;

use super::failure::Failure;
use super::shares::Room;
use crate::config::{self, Proof, Verb};
use crate::reread::Reread;
use crate::text::printable;

/// 128 bits in hexadecimal.
const SHORTEST: usize = 32;

/// All gateways.
pub(super) struct Gateways(Vec<Arc<Gateway>>);

/// One gateway.
pub(super) struct Gateway {
    pub(super) name: String,
    /// `None`: every account.
    accounts: Option<BTreeSet<String>>,
    may_record: bool,
    proof: Proof,
    /// Hashes of the secrets that are good now.
    secrets: RwLock<Vec<Hash>>,
    reread: Reread,
    /// Limits its concurrent requests.
    pub(super) room: Room,
}

type Hash = [u8; 32];

// === impl Gateways ===

impl Gateways {
    /// Reads the secrets for the first time.
    pub(super) fn read(configured: &[config::Gateway]) -> anyhow::Result<Self> {
        let gateways = configured.iter().map(|gateway| {
            let read = Gateway::read(gateway);
            read.map(Arc::new)
                .with_context(|| format!("in the secret of the gateway {:?}", gateway.name))
        });
        let gateways: Vec<Arc<Gateway>> = gateways.collect::<anyhow::Result<_>>()?;
        let mut seen = BTreeSet::new();
        for gateway in &gateways {
            let own: BTreeSet<Hash> = gateway.secrets().iter().copied().collect();
            if !seen.is_disjoint(&own) {
                bail!(
                    "the gateway {:?} has the secret of another; give each its own",
                    gateway.name
                );
            }
            seen.extend(own);
        }
        Ok(Self(gateways))
    }

    /// The gateway that has the secret of a request or, without one, the certificate of the connection.
    pub(super) fn who(
        &self,
        headers: &HeaderMap,
        certificate: Option<&CertificateDer<'_>>,
    ) -> Option<Arc<Gateway>> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        match (values.next(), values.next()) {
            (None, _) => self.certified(certificate?),
            (Some(value), None) => self.with_secret(value.to_str().ok()?),
            _ => None,
        }
    }

    /// Runs in constant time with respect to the secrets.
    fn with_secret(&self, authorization: &str) -> Option<Arc<Gateway>> {
        let (scheme, secret) = authorization.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let shown = hash(secret.trim());
        let mut found = None;
        for gateway in &self.0 {
            if bool::from(gateway.has(&shown)) {
                found = Some(Arc::clone(gateway));
            }
        }
        found
    }

    /// The handshake has already verified the certificate.
    fn certified(&self, certificate: &CertificateDer<'_>) -> Option<Arc<Gateway>> {
        let certificate = ParsedCertificate::try_from(certificate).ok()?;
        let is_for = |gateway: &&Arc<Gateway>| match &gateway.proof {
            Proof::Certificate(name) => verify_server_name(&certificate, name).is_ok(),
            Proof::Secret(_) => false,
        };
        self.0.iter().find(is_for).cloned()
    }

    /// Reads the secrets again.
    pub(super) fn refresh(&self) {
        self.0.iter().for_each(|gateway| gateway.refresh());
    }

    /// Whether each secret could be used when it was last read.
    pub(super) fn reread(&self) -> impl Iterator<Item = &Reread> {
        self.0.iter().map(|gateway| &gateway.reread)
    }
}

// === impl Gateway ===

impl Gateway {
    fn read(configured: &config::Gateway) -> anyhow::Result<Self> {
        Ok(Self {
            name: configured.name.clone(),
            accounts: configured.accounts.clone(),
            may_record: configured.verbs.contains(&Verb::Record),
            secrets: RwLock::new(match &configured.proof {
                Proof::Secret(secret) => hashes(secret)?,
                Proof::Certificate(_) => Vec::new(),
            }),
            proof: configured.proof.clone(),
            reread: Reread::new(format!("the secret of gateway {}", configured.name)),
            room: Room::new(
                configured.requests,
                configured.accounts.as_ref().map(BTreeSet::len),
            ),
        })
    }

    /// Whether it may know of this account.
    pub(super) fn is_for(&self, account: &str) -> bool {
        let accounts = self.accounts.as_ref();
        accounts.is_none_or(|accounts| accounts.contains(account))
    }

    /// Refuses an account that is not the gateway's.
    pub(super) fn check(&self, account: &str) -> Result<(), Failure> {
        if self.is_for(account) {
            return Ok(());
        }
        let account = printable(account);
        Err(Failure::forbidden(format!(
            "the account {account:?} is not among those of the gateway"
        )))
    }

    /// Refuses a gateway that is limited to some accounts.
    pub(super) fn check_every(&self, what: &str) -> Result<(), Failure> {
        match &self.accounts {
            None => Ok(()),
            Some(_) => Err(Failure::forbidden(format!(
                "{what} is only for a gateway of every account"
            ))),
        }
    }

    /// Refuses a gateway that may only ask.
    pub(super) fn check_record(&self) -> Result<(), Failure> {
        match self.may_record {
            true => Ok(()),
            false => Err(Failure::forbidden("the gateway may not record")),
        }
    }

    /// The fact as this gateway may see it. Only a token's fact is not keyed by account: for a
    /// token of another account, nothing is revealed, not even that it exists.
    pub(super) fn visible(&self, fact: &Fact) -> Fact {
        let answer = match &fact.answer {
            Answer::Token(token) if !self.is_for(&token.account) => Answer::Absent,
            answer => answer.clone(),
        };
        Fact {
            key: fact.key.clone(),
            answer,
        }
    }

    fn secrets(&self) -> std::sync::RwLockReadGuard<'_, Vec<Hash>> {
        self.secrets.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn has(&self, shown: &Hash) -> Choice {
        let secrets = self.secrets();
        let equal = secrets.iter().map(|secret| secret[..].ct_eq(&shown[..]));
        equal.fold(Choice::from(0), |one, other| one | other)
    }

    /// If the source cannot be used, the previous secrets stay in use.
    fn refresh(&self) {
        let Proof::Secret(source) = &self.proof else {
            return;
        };
        let Some(read) = self.reread.usable(hashes(source)) else {
            return;
        };
        if *self.secrets() != read {
            *self.secrets.write().unwrap_or_else(PoisonError::into_inner) = read;
            self.reread.replaced();
        }
    }
}

/// The hashes of all secrets in a source.
pub(super) fn hashes(source: &config::Secret) -> anyhow::Result<Vec<Hash>> {
    let text = source.read()?;
    let lines = text.expose_secret().lines().map(str::trim);
    let secrets = lines.filter(|line| !line.is_empty());
    secrets
        .map(|secret| {
            if secret.len() < SHORTEST {
                bail!(
                    "{source} has a secret of fewer than {SHORTEST} characters; \
                     generate one with `openssl rand -hex 32`"
                );
            }
            Ok(hash(secret))
        })
        .collect()
}

fn hash(secret: &str) -> Hash {
    Sha256::digest(secret).into()
}
