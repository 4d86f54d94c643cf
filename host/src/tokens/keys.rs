//! The source of an issuer's keys, and when they are fetched again: periodically, and for a token
//! whose key is unknown. Keys outlive an outage of the issuer, but not for ever: cutting the guard
//! off must not keep a withdrawn key in use.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::Full;
use tokio::time::Instant;

use super::jwks::KeySet;
use super::jwt::{self, Unverified};
use super::service::Service;
use super::watched::Watched;
use crate::causes::with_causes;
use crate::config::{Endpoint, Keys as KeysConfig, KeysPlace};

/// Tokens with unknown keys cause at most one fetch in this time: anybody can send them.
const UNKNOWN_KEY_EVERY: Duration = Duration::from_secs(60);

/// How soon an issuer that did not answer is asked again.
const TRY_AGAIN: Duration = Duration::from_secs(10);

/// The keys of one issuer.
pub(crate) struct Keys {
    issuer: String,
    source: Source,
    keep: Duration,
    state: Mutex<State>,
    /// Held while the issuer is asked: others that need the answer wait for it.
    asking: tokio::sync::Mutex<()>,
}

enum Source {
    Url {
        endpoint: Endpoint,
        service: Box<Service>,
        refresh: Duration,
    },
    File(Watched<KeySet>),
}

#[derive(Default)]
struct State {
    keys: Option<Arc<KeySet>>,
    /// When they were fetched.
    since: Option<Instant>,
    /// When fetching failed, if it did the last time.
    failed: Option<Instant>,
    /// When they were fetched for an unknown key.
    unknown: Option<Instant>,
}

/// The result of verifying a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verified {
    /// The payload that the issuer signed.
    Payload(String),
    /// The issuer did not sign it.
    No,
    /// The keys are unavailable now.
    Unavailable,
}

impl Keys {
    pub(crate) fn new(
        issuer: &str,
        config: &KeysConfig,
        timeout: Duration,
    ) -> anyhow::Result<Self> {
        let source = match &config.place {
            KeysPlace::Url(endpoint, refresh) => Source::Url {
                endpoint: endpoint.clone(),
                service: Box::new(Service::new(endpoint, "the issuer", timeout)?),
                refresh: *refresh,
            },
            KeysPlace::File(file) => Source::File(Watched::new(file.clone(), KeySet::parse)?),
        };
        Ok(Self {
            issuer: issuer.to_owned(),
            source,
            keep: config.keep,
            state: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        })
    }

    /// Checks the signature of a token.
    pub(crate) async fn verify(&self, token: &str) -> Verified {
        let Some(keys) = self.present().await else {
            return Verified::Unavailable;
        };
        match jwt::verify(token, &keys) {
            Ok(payload) => return Verified::Payload(payload),
            Err(Unverified::Refused) => return Verified::No,
            Err(Unverified::UnknownKey) => {}
        }
        match self.newer(&keys).await {
            Newer::Keys(keys) => match jwt::verify(token, &keys) {
                Ok(payload) => Verified::Payload(payload),
                Err(_) => Verified::No,
            },
            Newer::None => Verified::No,
            Newer::Unavailable => Verified::Unavailable,
        }
    }

    /// The current keys, or why they are unavailable.
    pub(crate) async fn tried(&self) -> anyhow::Result<Arc<KeySet>> {
        match &self.source {
            Source::Url {
                endpoint, service, ..
            } => fetch(endpoint, service).await.map(Arc::new),
            Source::File(file) => file.content().context("the key file cannot be used"),
        }
    }

    /// Fetches the keys at the start and then periodically, while the guard runs.
    pub(crate) async fn keep_fresh(&self) {
        let Source::Url { refresh, .. } = &self.source else {
            return;
        };
        loop {
            let asking = self.asking.lock().await;
            let pause = match self.ask().await {
                Some(_) => *refresh,
                None => TRY_AGAIN.min(*refresh),
            };
            drop(asking);
            tokio::time::sleep(pause).await;
        }
    }

    /// The keys, unless they are too old.
    async fn present(&self) -> Option<Arc<KeySet>> {
        if let Source::File(file) = &self.source {
            if let Some(keys) = file.content() {
                let mut state = self.state();
                self.report(state.keys.as_deref(), &keys);
                state.since = Some(Instant::now());
                state.keys = Some(keys);
            }
            return self.kept();
        }
        if let Some(keys) = self.kept() {
            return Some(keys);
        }
        let _asking = self.asking.lock().await;
        if let Some(keys) = self.kept() {
            return Some(keys);
        }
        let failed = self.state().failed;
        if failed.is_some_and(|failed| failed.elapsed() < TRY_AGAIN) {
            return None;
        }
        self.ask().await
    }

    fn kept(&self) -> Option<Arc<KeySet>> {
        let state = self.state();
        let fresh = state.since.is_some_and(|since| since.elapsed() < self.keep);
        state.keys.clone().filter(|_| fresh)
    }

    /// Keys newer than these, which do not match a token.
    async fn newer(&self, known: &Arc<KeySet>) -> Newer {
        if let Source::File(_) = &self.source {
            return Newer::None;
        }
        let _asking = self.asking.lock().await;
        match self.kept() {
            Some(keys) if !Arc::ptr_eq(&keys, known) => return Newer::Keys(keys),
            _ => {}
        }
        let asked = self.state().unknown;
        if asked.is_some_and(|asked| asked.elapsed() < UNKNOWN_KEY_EVERY) {
            // Whether the issuer has such a key is unknown while it does not answer.
            return match self.state().failed {
                Some(_) => Newer::Unavailable,
                None => Newer::None,
            };
        }
        self.state().unknown = Some(Instant::now());
        match self.ask().await {
            Some(keys) => Newer::Keys(keys),
            None => Newer::Unavailable,
        }
    }

    /// Fetches the keys; the caller holds `asking`.
    async fn ask(&self) -> Option<Arc<KeySet>> {
        let Source::Url {
            endpoint, service, ..
        } = &self.source
        else {
            return None;
        };
        match fetch(endpoint, service).await {
            Ok(keys) => {
                tracing::debug!(issuer = self.issuer, keys = keys.len(), "keys were read");
                let keys = Arc::new(keys);
                let mut state = self.state();
                self.report(state.keys.as_deref(), &keys);
                state.keys = Some(Arc::clone(&keys));
                state.since = Some(Instant::now());
                state.failed = None;
                Some(keys)
            }
            Err(error) => {
                let why = with_causes(error.as_ref());
                tracing::warn!(
                    issuer = self.issuer,
                    why,
                    "the issuer's keys cannot be fetched"
                );
                self.state().failed = Some(Instant::now());
                None
            }
        }
    }

    /// Logs faulty keys, once for each set whose faults differ from the previous one.
    fn report(&self, before: Option<&KeySet>, now: &KeySet) {
        if before.is_some_and(|before| before.left_out() == now.left_out()) {
            return;
        }
        for fault in now.left_out().iter().filter(|key| key.is_fault()) {
            let issuer = &self.issuer;
            tracing::warn!(issuer, %fault, "a key of the issuer is not used");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Newer {
    Keys(Arc<KeySet>),
    None,
    Unavailable,
}

async fn fetch(endpoint: &Endpoint, service: &Service) -> anyhow::Result<KeySet> {
    let request = Request::get(endpoint.uri())
        .header(header::ACCEPT, "application/jwk-set+json, application/json")
        .body(Full::<Bytes>::default())?;
    let reply = service.ask(request).await?;
    if reply.status != StatusCode::OK {
        bail!("{} answered {}, not 200", endpoint.uri(), reply.status);
    }
    KeySet::parse(&reply.body).with_context(|| format!("in the answer of {}", endpoint.uri()))
}
