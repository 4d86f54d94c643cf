//! Repeats membership changes that the backend did not make, on request: each is decided anew, with
//! current facts, as a request with the provider's original token.

use http::header;
use rand::TryRngCore as _;
use rand::rngs::OsRng;
use scimguard_core::facts::Key;
use scimguard_core::{Body, Request, sha256_hex};
use serde_json::json;

use super::Proxy;
use super::log::DecisionEntry;
use scimguard_store::now;
use scimguard_store::{self as store, RetryRow};

/// The rule that answered, if the backend did not.
const RULE: &str = "scimguard-rule";

/// On whose behalf a request is repeated: its credential stands for that token.
#[derive(Clone)]
pub(super) struct OnBehalfOf {
    /// Hash of the credential in the repeated request, which nobody else knows.
    sha256: String,
    /// Hash of the token that it stands for.
    token: String,
}

impl OnBehalfOf {
    /// Replaces the credential in a key by the token that it stands for.
    pub(super) fn substitute(&self, key: &Key) -> Key {
        match key {
            Key::Token(sha256) => Key::Token(self.substitute_token(sha256).to_owned()),
            _ => key.clone(),
        }
    }

    /// The hash of the token that a credential of this hash stands for.
    pub(super) fn substitute_token<'a>(&'a self, sha256: &'a str) -> &'a str {
        if sha256 == self.sha256 {
            &self.token
        } else {
            sha256
        }
    }
}

/// The result of a repeated change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The backend did it.
    Done,
    /// It is no longer wanted or no longer allowed.
    Dropped,
    /// It failed again.
    Kept,
}

impl Proxy {
    /// Repeats the requested changes, oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn retry_asked(&self) -> Result<(), store::Error> {
        while let Some(row) = self.store.next_retry().await? {
            let (fate, why) = self.retry(&row).await?;
            match fate {
                Fate::Kept => self.store.keep_retry(&row).await?,
                Fate::Done | Fate::Dropped => self.store.drop_retry(&row).await?,
            }
            tracing::info!(
                account = row.account,
                group = row.group,
                present = row.present,
                ?fate,
                rule = why,
                "a membership change was repeated"
            );
        }
        Ok(())
    }

    async fn retry(&self, row: &RetryRow) -> Result<(Fate, Option<String>), store::Error> {
        let Some(token) = self.store.token_hash(&row.account, &row.token).await? else {
            // A change cannot be repeated with an issuer's token, which may still be valid: it
            // stays until the provider makes another.
            let fate = match row.token.contains(':') {
                true => Fate::Kept,
                false => Fate::Dropped,
            };
            return Ok((fate, Some("token.unknown".to_owned())));
        };
        let group = self
            .store
            .group(&row.account, &row.scope, &row.group)
            .await?;
        let user = self.store.user(&row.account, &row.user).await?;
        let (Some(_), Some(_)) = (group, user) else {
            return Ok((Fate::Dropped, None));
        };
        let mut random = [0; 32];
        if let Err(error) = OsRng.try_fill_bytes(&mut random) {
            tracing::warn!(%error, "no random numbers");
            return Ok((Fate::Kept, None));
        }
        let credential = sha256_hex(&random);
        let request = Request {
            method: "PATCH".to_owned(),
            path: self.setup.paths().client_group(&row.account, &row.group),
            headers: [
                (header::AUTHORIZATION, format!("Bearer {credential}")),
                (header::CONTENT_TYPE, "application/scim+json".to_owned()),
                (header::ACCEPT, "application/scim+json".to_owned()),
            ]
            .map(|(name, value)| (name.as_str().to_owned(), value.into_bytes()))
            .to_vec(),
            body: Body::Bytes(operation(row)),
            annotate: false,
        };
        let on_behalf_of = OnBehalfOf {
            sha256: sha256_hex(credential.as_bytes()),
            token,
        };
        let line = DecisionEntry::new(&request.method, &request.path);
        let repeated = self.exchange_repeated(request, on_behalf_of, line, now());
        let (response, line) = Box::pin(repeated).await;
        let status = response.status();
        let rule = response.headers().get(RULE);
        let rule = rule.and_then(|rule| rule.to_str().ok()).map(str::to_owned);
        self.log(line, Some(status));
        Ok((fate(status), rule))
    }
}

fn operation(row: &RetryRow) -> Vec<u8> {
    let operation = match row.present {
        true => json!({"op": "add", "path": "members", "value": [{"value": row.user}]}),
        false => json!({
            "op": "remove",
            "path": format!("members[value eq {}]", serde_json::Value::from(row.user.as_str())),
        }),
    };
    let message = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [operation],
    });
    message.to_string().into_bytes()
}

/// A refusal by the guard drops the change, unless it only means "not now"; so does one by the
/// backend.
fn fate(status: http::StatusCode) -> Fate {
    match status.as_u16() {
        200..=299 => Fate::Done,
        408 | 425 | 429 | 500..=599 => Fate::Kept,
        _ => Fate::Dropped,
    }
}
