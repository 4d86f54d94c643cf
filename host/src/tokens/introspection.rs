//! Asks an issuer whether a token is good (RFC 7662). A positive answer is cached for a short
//! while; an issuer that does not answer confirms nothing.
//!
//! Anybody can send made-up tokens, and each causes a question. Recently good tokens do not wait
//! behind them: their questions have a separate lane, and a token in use is renewed before its
//! answer expires. All other tokens share a second lane, in which each network has a share; a
//! network that sent too many wrong ones has to wait before the next question.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::Full;
use moka::future::Cache;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::asker::Failing;
use super::flights::Flights;
use super::lane::{Lane, Room};
use super::service::Service;
use crate::causes::with_causes;
use crate::config::Introspection as Config;
use crate::network::Network;

/// Cached tokens, good and bad ones separately.
const REMEMBERED: u64 = 10_000;

/// How long a token that was good takes precedence over unknown ones. Answers are cached for much less.
const LATELY: Duration = Duration::from_secs(24 * 60 * 60);

/// Questions about recently good tokens; shares per account.
const RENEWALS: Room = Room {
    at_once: 8,
    at_once_each: 4,
    places: 4096,
    places_each: 1024,
};

/// Questions about all others; shares per network. An issuer that needs 0.3 s answers all of them
/// within a second.
const UNKNOWN: Room = Room {
    at_once: 24,
    at_once_each: 8,
    places: 72,
    places_each: 24,
};

/// How often a full lane of made-up tokens is logged.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// Characters that `application/x-www-form-urlencoded` keeps; a space may be `%20` as well as `+`.
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'*')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_');

/// The introspection endpoint of one issuer.
pub(crate) struct Introspection {
    issuer: String,
    config: Config,
    service: Service,
    timeout: Duration,
    /// Good answers.
    good: Cache<Hash, Good>,
    /// Bad answers, and until when they apply.
    bad: Cache<Hash, Instant>,
    /// Tokens that were good, whether or not their answer has expired.
    lately: Cache<Hash, ()>,
    renewals: Lane<String>,
    unknown: Lane<Option<Network>>,
    failing: Failing,
    flights: Flights<Hash, Introspected>,
    /// When it was last logged that too many unknown tokens came.
    said: Mutex<Option<Instant>>,
}

/// Hash of an account and a token.
type Hash = [u8; 32];

/// A token to introspect, and on whose behalf.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) account: &'a str,
    pub(crate) token: &'a str,
    /// The origin of the request, if it is a client's.
    pub(crate) network: Option<Network>,
    /// Milliseconds since 1970.
    pub(crate) now: u64,
}

/// The result of introspecting a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Introspected {
    /// It is good: the answer as written.
    Active(Arc<str>),
    /// It is not.
    Inactive,
    /// The issuer did not answer conclusively.
    Unavailable,
    /// Too many questions about unknown tokens are in flight.
    Busy,
    /// Too many tokens of this network were wrong. The next one may be asked about after this time.
    Failing(Duration),
}

#[derive(Clone)]
struct Good {
    answer: Arc<str>,
    /// From then on it is asked about again if used.
    renew: Instant,
    until: Instant,
}

/// The parts of the answer read here. The policy judges the rest.
#[derive(Deserialize)]
struct Answer {
    active: bool,
    exp: Option<f64>,
}

impl Introspection {
    pub(crate) fn new(issuer: &str, config: &Config, timeout: Duration) -> anyhow::Result<Self> {
        // A guard that could never ask fails when it starts.
        config
            .client_secret
            .read()
            .with_context(|| format!("in issuer {issuer:?}"))?;
        Ok(Self {
            issuer: issuer.to_owned(),
            config: config.clone(),
            service: Service::new(&config.endpoint, "the issuer", timeout)?,
            timeout,
            good: Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_live(config.cache)
                .build(),
            bad: Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_live(config.negative_cache)
                .build(),
            lately: Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_live(LATELY)
                .build(),
            renewals: Lane::new(RENEWALS),
            unknown: Lane::new(UNKNOWN),
            failing: Failing::default(),
            flights: Flights::new(),
            said: Mutex::default(),
        })
    }

    /// The issuer's verdict on a token, cached or asked for.
    pub(crate) async fn ask(self: &Arc<Self>, question: Question<'_>) -> Introspected {
        let hash = remembered_as(question.account, question.token);
        let now = Instant::now();
        if let Some(good) = self.good.get(&hash).await.filter(|it| now < it.until) {
            if good.renew <= now && !self.flights.has(&hash) {
                self.renew_ahead(hash, question);
            }
            return Introspected::Active(good.answer);
        }
        if self.bad.get(&hash).await.is_some_and(|until| now < until) {
            return Introspected::Inactive;
        }
        let asking = async {
            match self.lately.contains_key(&hash) {
                true => self.renewed(hash, question).await,
                false => self.unknown(hash, question).await,
            }
        };
        self.flights.answer(hash, asking).await
    }

    /// Whether the issuer says that a token is good, or why it does not answer.
    pub(crate) async fn tried(&self, token: &str) -> anyhow::Result<bool> {
        let (answer, _) = self.exchange(token).await?;
        Ok(answer.active)
    }

    /// Asks while the last answer still applies, which this does not prolong.
    fn renew_ahead(self: &Arc<Self>, hash: Hash, question: Question<'_>) {
        let this = Arc::clone(self);
        let (account, token) = (question.account.to_owned(), question.token.to_owned());
        tokio::spawn(async move {
            let question = Question {
                account: &account,
                token: &token,
                ..question
            };
            let asking = this.renewed(hash, question);
            this.flights.answer(hash, asking).await;
        });
    }

    /// Asks about a recently good token.
    async fn renewed(&self, hash: Hash, question: Question<'_>) -> Introspected {
        let Some(place) = self.renewals.enter(question.account.to_owned()) else {
            return Introspected::Busy;
        };
        let said = match tokio::time::timeout(self.timeout, place.turn()).await {
            Ok(_turn) => self.question(hash, question).await,
            Err(_) => Introspected::Busy,
        };
        if !matches!(said, Introspected::Active(_) | Introspected::Inactive)
            && let Some(good) = self.good.get(&hash).await
        {
            // Not with each request.
            let now = Instant::now();
            let renew = now + good.until.saturating_duration_since(now) / 2;
            self.good.insert(hash, Good { renew, ..good }).await;
        }
        said
    }

    /// Asks about an unknown token.
    async fn unknown(&self, hash: Hash, question: Question<'_>) -> Introspected {
        let wait = |network| self.failing.wait(network);
        if let Some(wait) = question.network.and_then(wait) {
            return Introspected::Failing(wait);
        }
        let Some(place) = self.unknown.enter(question.network) else {
            self.say_full();
            return Introspected::Busy;
        };
        let Ok(_turn) = tokio::time::timeout(self.timeout, place.turn()).await else {
            return Introspected::Busy;
        };
        // Others of the same network may have turned out wrong meanwhile.
        if let Some(wait) = question.network.and_then(wait) {
            return Introspected::Failing(wait);
        }
        let said = self.question(hash, question).await;
        if let (Introspected::Inactive, Some(network)) = (&said, question.network) {
            self.failing.count(network);
        }
        said
    }

    async fn question(&self, hash: Hash, question: Question<'_>) -> Introspected {
        match self.exchange(question.token).await {
            Ok((Answer { active: true, exp }, text)) => {
                let answer: Arc<str> = text.into();
                let lasts = self.config.cache.min(remaining(exp, question.now));
                self.bad.invalidate(&hash).await;
                if !lasts.is_zero() {
                    let now = Instant::now();
                    let good = Good {
                        answer: Arc::clone(&answer),
                        renew: now + lasts * 2 / 3,
                        until: now + lasts,
                    };
                    self.good.insert(hash, good).await;
                    self.lately.insert(hash, ()).await;
                }
                Introspected::Active(answer)
            }
            Ok(_) => {
                self.good.invalidate(&hash).await;
                self.lately.invalidate(&hash).await;
                let until = Instant::now() + self.config.negative_cache;
                self.bad.insert(hash, until).await;
                Introspected::Inactive
            }
            Err(error) => {
                let why = with_causes(error.as_ref());
                tracing::warn!(
                    issuer = self.issuer,
                    why,
                    "the issuer does not answer whether a token is good"
                );
                Introspected::Unavailable
            }
        }
    }

    fn say_full(&self) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.is_none_or(|said| said.elapsed() >= SAY_EVERY) {
            *said = Some(Instant::now());
            tracing::warn!(
                issuer = self.issuer,
                "too many unknown tokens at once; requests with them are refused, those with known \
                 tokens are not"
            );
        }
    }

    async fn exchange(&self, token: &str) -> anyhow::Result<(Answer, String)> {
        let reply = self.service.ask(self.request(token)?).await?;
        if reply.status != StatusCode::OK {
            bail!("{} answered {}", self.config.endpoint.uri(), reply.status);
        }
        let text = std::str::from_utf8(&reply.body).context("the answer is not UTF-8")?;
        // No part of the answer is shown: an issuer may repeat the token.
        let answer = serde_json::from_str(text)
            .ok()
            .context("the answer does not have the form of RFC 7662")?;
        Ok((answer, text.to_owned()))
    }

    fn request(&self, token: &str) -> anyhow::Result<Request<Full<Bytes>>> {
        let body = format!(
            "token={}&token_type_hint=access_token",
            utf8_percent_encode(token, FORM)
        );
        let secret = self.config.client_secret.read()?;
        Ok(Request::post(self.config.endpoint.uri())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .header(
                header::AUTHORIZATION,
                basic(&self.config.client_id, &secret)?,
            )
            .body(Full::from(body))?)
    }
}

/// RFC 6749 §2.3.1: both are form-encoded before they are joined.
fn basic(id: &str, secret: &SecretString) -> anyhow::Result<HeaderValue> {
    let encode = |text: &str| utf8_percent_encode(text, FORM).to_string();
    let pair = SecretString::from(format!("{}:{}", encode(id), encode(secret.expose_secret())));
    let text = SecretString::from(format!("Basic {}", STANDARD.encode(pair.expose_secret())));
    let mut value = HeaderValue::from_str(text.expose_secret())?;
    value.set_sensitive(true);
    Ok(value)
}

/// Accounts share no answer. The length separates the two parts.
fn remembered_as(account: &str, token: &str) -> Hash {
    let mut hash = Sha256::new();
    hash.update(account.len().to_be_bytes());
    hash.update(account);
    hash.update(token);
    hash.finalize().into()
}

/// How long a token is still good according to its `exp`.
fn remaining(expires: Option<f64>, now: u64) -> Duration {
    let Some(expires) = expires else {
        return Duration::MAX;
    };
    let seconds = expires - Duration::from_millis(now).as_secs_f64();
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}
