//! The application's own permission service: one GET for each principal, whose answer is cached for
//! a short while.

use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::Full;
use moka::future::Cache;
use serde::Deserialize;
use tokio::time::Instant;

use super::{Lookup, Rights};
use crate::causes::with_causes;
use crate::config::{CredentialSource, PermissionService as Config, Template};
use crate::tokens::lane::{Lane, Room};
use crate::tokens::service::Service;

/// Cached principals.
const REMEMBERED: u64 = 10_000;

/// Limits of requests to the service; shares per account.
const ROOM: Room = Room {
    at_once: 32,
    at_once_each: 8,
    places: 1024,
    places_each: 256,
};

/// The service.
pub(crate) struct PermissionService {
    template: Template,
    credential: Option<CredentialSource>,
    holds: Duration,
    service: Service,
    timeout: Duration,
    questions: Lane<String>,
    /// By account and principal.
    cache: Cache<(String, String), Remembered>,
}

#[derive(Clone)]
struct Remembered {
    lookup: Lookup,
    until: Instant,
}

/// The body of a 200 answer.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Permissions(Vec<String>),
    Principal {
        active: bool,
        permissions: Vec<String>,
    },
}

impl PermissionService {
    pub(super) fn new(config: &Config) -> anyhow::Result<Self> {
        if let Some(source) = &config.credential {
            source.read().context("in permissions.credential")?;
        }
        let some = config.template.fill("account", "principal");
        let some = some.context("in permissions.url")?;
        Ok(Self {
            template: config.template.clone(),
            credential: config.credential.clone(),
            holds: config.cache,
            service: Service::new(&some, "the permission service", config.timeout)?,
            timeout: config.timeout,
            questions: Lane::new(ROOM),
            cache: Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_live(config.cache)
                .build(),
        })
    }

    pub(super) async fn of(&self, account: &str, principal: &str) -> Lookup {
        let key = (account.to_owned(), principal.to_owned());
        let entry = self
            .cache
            .entry(key)
            .or_insert_with_if(self.question(account, principal), |it| {
                it.until <= Instant::now()
            })
            .await;
        entry.into_value().lookup
    }

    async fn question(&self, account: &str, principal: &str) -> Remembered {
        let (lookup, lasts) = match self.in_turn(account, principal).await {
            Ok(lookup) => (lookup, self.holds),
            Err(error) => {
                let why = with_causes(error.as_ref());
                tracing::warn!(account, why, "the permission service does not answer");
                (Lookup::Unavailable, Duration::ZERO)
            }
        };
        Remembered {
            lookup,
            until: Instant::now() + lasts,
        }
    }

    /// Keeps an account with very many principals from delaying the others.
    async fn in_turn(&self, account: &str, principal: &str) -> anyhow::Result<Lookup> {
        let place = self.questions.enter(account.to_owned());
        let place = place.context("too many principals are looked up at once")?;
        let turn = tokio::time::timeout(self.timeout, place.turn()).await;
        let _turn = turn.context("too many principals are looked up at once")?;
        self.exchange(account, principal).await
    }

    pub(super) async fn exchange(&self, account: &str, principal: &str) -> anyhow::Result<Lookup> {
        let Some(endpoint) = self.template.fill(account, principal) else {
            return Ok(Lookup::Missing);
        };
        let mut request = Request::get(endpoint.uri())
            .header(header::ACCEPT, "application/json")
            .body(Full::<Bytes>::default())?;
        if let Some(source) = &self.credential {
            let credential = source.read().context("in permissions.credential")?;
            request
                .headers_mut()
                .insert(credential.name, credential.value);
        }
        let reply = self.service.ask(request).await?;
        match reply.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(Lookup::Missing),
            status => bail!("it answered {status}"),
        }
        let answer = serde_json::from_slice(&reply.body).ok().context(
            "it answered neither a list of permissions nor \
             `{\"active\": true, \"permissions\": […]}`",
        )?;
        let (active, permissions) = match answer {
            Answer::Permissions(permissions) => (true, permissions),
            Answer::Principal {
                active,
                permissions,
            } => (active, permissions),
        };
        Ok(Lookup::Found(Rights {
            active,
            permissions,
        }))
    }
}
