//! What others vouch for because it is not recorded: a token's claims, by its issuer, and a
//! principal's permissions, by the permission service.

use scimguard_core::facts::{Answer, PrincipalKey, VerifiedKey};

use super::Proxy;
use crate::network::Network;
use crate::tokens::issuers::{Question, Verification};
use crate::tokens::permissions::Lookup;

impl Proxy {
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
