//! Which gateway asks, and what it may: the accounts and verbs that the configuration gives it. It
//! proves itself with a Bearer token (RFC 6750) or with its certificate.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

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
    /// What was wrong with the source the last time, so that it is said once.
    fault: Mutex<Option<String>>,
    /// For the requests that it may have under way.
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

    /// The gateway whose secret a request has or, if it has none, whose certificate the connection.
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

    /// How long the search takes tells nothing of secrets.
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

    /// The certificate is good: the handshake has seen to that.
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
            fault: Mutex::default(),
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

    /// Refuses a gateway that is not for every account.
    pub(super) fn check_every(&self, what: &str) -> Result<(), Failure> {
        match &self.accounts {
            None => Ok(()),
            Some(_) => Err(Failure::forbidden(format!(
                "{what} is for a gateway of every account alone"
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

    /// What the gateway is told of a fact. The one that is not keyed by account is a token's: what
    /// another account's may do is as unknown as whether there is one.
    pub(super) fn told(&self, fact: &Fact) -> Fact {
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

    /// A source that cannot be used leaves what was there.
    fn refresh(&self) {
        let Proof::Secret(source) = &self.proof else {
            return;
        };
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        let gateway = &self.name;
        match hashes(source) {
            Ok(read) => {
                *fault = None;
                if *self.secrets() != read {
                    *self.secrets.write().unwrap_or_else(PoisonError::into_inner) = read;
                    tracing::info!(gateway, "the secret of a gateway was replaced");
                }
            }
            Err(error) => {
                let why = format!("{error:#}");
                if fault.as_ref() != Some(&why) {
                    tracing::warn!(
                        gateway,
                        why,
                        "the secret of a gateway cannot be read; the last one that could goes on"
                    );
                }
                *fault = Some(why);
            }
        }
    }
}

/// The hashes of all secrets that a source has.
pub(super) fn hashes(source: &config::Secret) -> anyhow::Result<Vec<Hash>> {
    let text = source.read()?;
    let lines = text.expose_secret().lines().map(str::trim);
    let secrets = lines.filter(|line| !line.is_empty());
    secrets
        .map(|secret| {
            if secret.len() < SHORTEST {
                bail!(
                    "{source} has a secret of fewer than {SHORTEST} characters; \
                     `openssl rand -hex 32` makes one"
                );
            }
            Ok(hash(secret))
        })
        .collect()
}

fn hash(secret: &str) -> Hash {
    Sha256::digest(secret).into()
}
