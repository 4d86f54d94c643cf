//! Asking an issuer whether a token is good (RFC 7662). A token is taken as good for a short while
//! after the issuer said so; an issuer that does not answer says nothing.

use std::sync::Arc;
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
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::service::{NoReply, Service};
use crate::config::Introspection as Config;

/// Tokens that are remembered. An attacker's, each sent once, do not displace one that is in use.
const REMEMBERED: u64 = 10_000;

/// Questions to the issuer at once: made-up tokens must not overrun it.
const AT_ONCE: usize = 32;

/// What `application/x-www-form-urlencoded` keeps; a space may be `%20` as well as `+`.
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'*')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_');

/// One issuer's introspection.
pub(crate) struct Introspection {
    issuer: String,
    config: Config,
    service: Service,
    timeout: Duration,
    questions: Semaphore,
    /// By account and hash of the token.
    cache: Cache<[u8; 32], Remembered>,
}

/// What the issuer says of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Introspected {
    /// It is good: the answer, as it was written.
    Active(Arc<str>),
    /// It is not.
    Inactive,
    /// The issuer gave no answer that says.
    Unavailable,
}

#[derive(Clone)]
struct Remembered {
    said: Introspected,
    until: Instant,
}

/// What is read of the answer here. The rest is the policy's to judge.
#[derive(Deserialize)]
struct Answer {
    active: bool,
    exp: Option<f64>,
}

impl Introspection {
    pub(crate) fn new(issuer: &str, config: &Config, timeout: Duration) -> anyhow::Result<Self> {
        // A guard that could never ask says so when it starts.
        config
            .client_secret
            .read()
            .with_context(|| format!("in issuer {issuer:?}"))?;
        Ok(Self {
            issuer: issuer.to_owned(),
            config: config.clone(),
            service: Service::new(&config.endpoint, "the issuer", timeout)?,
            timeout,
            questions: Semaphore::new(AT_ONCE),
            cache: Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_live(config.cache.max(config.negative_cache))
                .build(),
        })
    }

    /// What the issuer says of a token, at this time in milliseconds since 1970.
    pub(crate) async fn ask(&self, account: &str, token: &str, now: u64) -> Introspected {
        // One that asks at the same time waits for the same answer.
        let entry = self
            .cache
            .entry(remembered_as(account, token))
            .or_insert_with_if(self.question(token, now), |it| it.until <= Instant::now())
            .await;
        entry.into_value().said
    }

    /// Whether the issuer says that a token is good, or why it does not say.
    pub(crate) async fn tried(&self, token: &str) -> anyhow::Result<bool> {
        let (answer, _) = self.exchange(token).await?;
        Ok(answer.active)
    }

    async fn question(&self, token: &str, now: u64) -> Remembered {
        let (said, lasts) = match self.exchange(token).await {
            Ok((Answer { active: true, exp }, text)) => {
                let lasts = self.config.cache.min(remaining(exp, now));
                (Introspected::Active(text.into()), lasts)
            }
            Ok(_) => (Introspected::Inactive, self.config.negative_cache),
            Err(error) => {
                let why = format!("{error:#}");
                tracing::warn!(
                    issuer = self.issuer,
                    why,
                    "the issuer does not say whether a token is good"
                );
                (Introspected::Unavailable, Duration::ZERO)
            }
        };
        Remembered {
            said,
            until: Instant::now() + lasts,
        }
    }

    async fn exchange(&self, token: &str) -> anyhow::Result<(Answer, String)> {
        let _question = tokio::time::timeout(self.timeout, self.questions.acquire())
            .await
            .map_err(|_| NoReply::Timeout(self.timeout))??;
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

/// RFC 6749 §2.3.1: both are encoded as in a form before they are joined.
fn basic(id: &str, secret: &SecretString) -> anyhow::Result<HeaderValue> {
    let encode = |text: &str| utf8_percent_encode(text, FORM).to_string();
    let pair = SecretString::from(format!("{}:{}", encode(id), encode(secret.expose_secret())));
    let text = SecretString::from(format!("Basic {}", STANDARD.encode(pair.expose_secret())));
    let mut value = HeaderValue::from_str(text.expose_secret())?;
    value.set_sensitive(true);
    Ok(value)
}

/// Accounts share no answer. The length keeps the two parts apart.
fn remembered_as(account: &str, token: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(account.len().to_be_bytes());
    hash.update(account);
    hash.update(token);
    hash.finalize().into()
}

/// How long a token is still good by its own word.
fn remaining(expires: Option<f64>, now: u64) -> Duration {
    let Some(expires) = expires else {
        return Duration::MAX;
    };
    let seconds = expires - Duration::from_millis(now).as_secs_f64();
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}
