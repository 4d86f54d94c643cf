//! The configured issuers, and which of them vouches for an account. A token is never checked with
//! the keys of another account's issuer.

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
    means: Verifier,
}

enum Verifier {
    Keys(Arc<Keys>),
    Introspection(Arc<Introspection>),
}

/// An issuer's verdict on a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verification {
    /// The issuer vouches for these claims: the JSON text as written.
    Claims(String),
    /// The token is not the issuer's.
    No,
    /// Unknown, since the issuer does not answer now.
    Unavailable,
    /// Not asked: too many questions about unknown tokens are in flight.
    Busy,
    /// Not asked: too many tokens from the same network were wrong. Try again after this time.
    Failing(Duration),
}

/// The result of trying an issuer.
pub(crate) enum Tried {
    /// How many of its keys can verify a token, and the others.
    Keys { fit: usize, left_out: Vec<LeftOut> },
    /// Whether it calls a made-up token good.
    Introspection { active: bool },
}

/// Asks an issuer as a guard does, once.
pub(crate) async fn tried(config: &Config) -> anyhow::Result<Tried> {
    match Verifier::new(config)? {
        Verifier::Keys(keys) => {
            let keys = keys.tried().await?;
            Ok(Tried::Keys {
                fit: keys.len(),
                left_out: keys.left_out().to_vec(),
            })
        }
        Verifier::Introspection(introspection) => {
            let made_up = super::random_id()?;
            Ok(Tried::Introspection {
                active: introspection.tried(&made_up).await?,
            })
        }
    }
}

impl Verifier {
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
            let means = Verifier::new(config);
            Ok(Issuer {
                means: means.with_context(|| format!("in issuer {:?}", config.name))?,
                config: config.clone(),
            })
        });
        issuers.collect::<anyhow::Result<_>>().map(Self)
    }

    /// The verdict of the issuer with this name on a token.
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
            Verifier::Keys(keys) => match keys.verify(token).await {
                Verified::Payload(payload) => Verification::Claims(payload),
                Verified::No => Verification::No,
                Verified::Unavailable => Verification::Unavailable,
            },
            Verifier::Introspection(introspection) => match introspection.ask(question).await {
                Introspected::Active(answer) => Verification::Claims(answer.to_string()),
                Introspected::Inactive => Verification::No,
                Introspected::Unavailable => Verification::Unavailable,
                Introspected::Busy => Verification::Busy,
                Introspected::Failing(wait) => Verification::Failing(wait),
            },
        }
    }

    /// Tasks that keep keys fresh while the guard runs.
    pub(crate) fn upkeep(&self) -> impl Iterator<Item = impl Future<Output = ()> + Send + 'static> {
        let keys: Vec<Arc<Keys>> = self
            .0
            .iter()
            .filter_map(|issuer| match &issuer.means {
                Verifier::Keys(keys) => Some(Arc::clone(keys)),
                Verifier::Introspection(_) => None,
            })
            .collect();
        keys.into_iter()
            .map(|keys| async move { keys.keep_fresh().await })
    }

    /// The account's own issuer of this name, otherwise the general one.
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
