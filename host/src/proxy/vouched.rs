//! What others vouch for because it is not recorded: a token's claims, by its issuer, and a
//! principal's permissions, by the permission service.

use scimguard_core::facts::{Answer, PrincipalKey, VerifiedKey};

use anyhow::Context as _;

use crate::config::Config;
use crate::network::Network;
use crate::tokens::issuers::{Issuers, Question, Verification};
use crate::tokens::permissions::{Lookup, Permissions};

/// Who vouches.
pub(super) struct Vouchers {
    pub(super) issuers: Issuers,
    /// Answers the rights of principals that the store does not have.
    permissions: Option<Permissions>,
}

// === impl Vouchers ===

impl Vouchers {
    /// # Errors
    /// If a file of keys or permissions cannot be read.
    pub(super) fn new(config: &Config) -> anyhow::Result<Self> {
        let permissions = config.permissions.as_ref().map(Permissions::new);
        Ok(Self {
            issuers: Issuers::new(&config.issuers)?,
            permissions: permissions.transpose().context("in permissions")?,
        })
    }

    /// Asks the issuer for the claims of a token.
    pub(super) async fn claims(
        &self,
        key: &VerifiedKey,
        network: Option<Network>,
        now: u64,
    ) -> Verification {
        let question = Question {
            account: &key.account,
            token: key.token.expose(),
            network,
            now,
        };
        self.issuers.verify(&key.issuer, question).await
    }

    /// The rights of a principal that is not recorded.
    pub(super) async fn rights(&self, key: &PrincipalKey) -> Answer {
        let Some(permissions) = &self.permissions else {
            return Answer::Absent;
        };
        match permissions.of(&key.account, &key.id).await {
            Lookup::Found(rights) => Answer::Principal(rights.principal(&key.account, &key.id)),
            Lookup::Missing => Answer::Absent,
            Lookup::Unavailable => Answer::Unavailable,
        }
    }
}
