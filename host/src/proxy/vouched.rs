//! What the record does not know about a token and its principal, and somebody else vouches for: the
//! issuer of a signed or introspected token, and whoever tells the permissions of principals.

use scimguard_core::facts::{Answer, PrincipalKey, VerifiedKey};

use super::Proxy;
use crate::network::Network;
use crate::tokens::issuers::{Question, Verification};
use crate::tokens::permissions::Told;

impl Proxy {
    /// What the issuer says of a token.
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

    /// The rights of a principal that the record does not have.
    pub(super) async fn rights(&self, key: &PrincipalKey) -> Answer {
        let Some(permissions) = &self.permissions else {
            return Answer::Absent;
        };
        match permissions.of(&key.account, &key.id).await {
            Told::Rights(rights) => Answer::Principal(rights.principal(&key.account, &key.id)),
            Told::Nobody => Answer::Absent,
            Told::Unavailable => Answer::Unavailable,
        }
    }
}
