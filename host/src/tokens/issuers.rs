//! The issuers of the configuration, and which of them vouches for an account. A token is never
//! checked with the keys of another account's issuer.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use super::introspection::{Introspected, Introspection};
use super::keys::{Keys, Verified};
use crate::config::{Issuer as Config, Means};

pub(crate) use super::introspection::Question;
pub(crate) use super::jwks::LeftOut;

/// All issuers.
pub(crate) struct Issuers(Vec<Issuer>);

struct Issuer {
    config: Config,
    means: Asked,
}

enum Asked {
    Keys(Arc<Keys>),
    Introspection(Arc<Introspection>),
}

/// What an issuer says of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verification {
    /// It is the issuer's, with these claims: a JSON text, as the issuer wrote it.
    Claims(String),
    /// It is not.
    No,
    /// It cannot be found out now.
    Unavailable,
    /// It is not asked, because it is asked about too many unknown tokens already.
    Busy,
    /// It is not asked, because too many tokens from the same network were wrong; again after this time.
    Failing(Duration),
}

/// What an issuer answered to whoever only wants to know whether it does.
pub(crate) enum Tried {
    /// It has so many keys that can verify a token, and these others.
    Keys { fit: usize, left_out: Vec<LeftOut> },
    /// It said whether a made-up token is good.
    Introspection { active: bool },
}

/// Asks an issuer as a guard does, once.
pub(crate) async fn tried(config: &Config) -> anyhow::Result<Tried> {
    match Asked::new(config)? {
        Asked::Keys(keys) => {
            let keys = keys.tried().await?;
            Ok(Tried::Keys {
                fit: keys.len(),
                left_out: keys.left_out().to_vec(),
            })
        }
        Asked::Introspection(introspection) => {
            let made_up = super::random_id()?;
            Ok(Tried::Introspection {
                active: introspection.tried(&made_up).await?,
            })
        }
    }
}

impl Asked {
    fn new(config: &Config) -> anyhow::Result<Self> {
        let (name, timeout) = (&config.name, config.timeout);
        match &config.means {
            Means::Keys(keys) => Keys::new(name, keys, timeout).map(Arc::new).map(Self::Keys),
            Means::Introspection(introspection) => Introspection::new(name, introspection, timeout)
                .map(Arc::new)
                .map(Self::Introspection),
        }
    }
}

impl Issuers {
    pub(crate) fn new(configs: &[Config]) -> anyhow::Result<Self> {
        let issuers = configs.iter().map(|config| {
            let means = Asked::new(config);
            Ok(Issuer {
                means: means.with_context(|| format!("in issuer {:?}", config.name))?,
                config: config.clone(),
            })
        });
        issuers.collect::<anyhow::Result<_>>().map(Self)
    }

    /// What the issuer of this name says of a token.
    pub(crate) async fn verify(&self, name: &str, question: Question<'_>) -> Verification {
        let Question { account, token, .. } = question;
        if !self.0.iter().any(|issuer| issuer.config.name == name) {
            tracing::error!(
                issuer = name,
                "the policy names an issuer that the configuration does not have; add an [[issuer]]"
            );
            return Verification::Unavailable;
        }
        let Some(issuer) = self.vouching(account, name) else {
            return Verification::No;
        };
        match &issuer.means {
            Asked::Keys(keys) => match keys.verify(token).await {
                Verified::Payload(payload) => Verification::Claims(payload),
                Verified::No => Verification::No,
                Verified::Unavailable => Verification::Unavailable,
            },
            Asked::Introspection(introspection) => match introspection.ask(question).await {
                Introspected::Active(answer) => Verification::Claims(answer.to_string()),
                Introspected::Inactive => Verification::No,
                Introspected::Unavailable => Verification::Unavailable,
                Introspected::Busy => Verification::Busy,
                Introspected::Failing(wait) => Verification::Failing(wait),
            },
        }
    }

    /// Work that keeps keys fresh, for as long as the guard runs.
    pub(crate) fn upkeep(&self) -> impl Iterator<Item = impl Future<Output = ()> + Send + 'static> {
        let keys: Vec<Arc<Keys>> = self
            .0
            .iter()
            .filter_map(|issuer| match &issuer.means {
                Asked::Keys(keys) => Some(Arc::clone(keys)),
                Asked::Introspection(_) => None,
            })
            .collect();
        keys.into_iter()
            .map(|keys| async move { keys.keep_fresh().await })
    }

    /// The issuer of this name that is the account's own, else the one that is everybody's.
    fn vouching(&self, account: &str, name: &str) -> Option<&Issuer> {
        let mut everybodys = None;
        for issuer in self.0.iter().filter(|issuer| issuer.config.name == name) {
            match &issuer.config.accounts {
                Some(_) if issuer.config.names(account) => return Some(issuer),
                Some(_) => {}
                None => everybodys = Some(issuer),
            }
        }
        everybodys
    }
}
