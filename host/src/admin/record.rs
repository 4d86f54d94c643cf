//! The record: the rules, owners, retries and expiring tokens.

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Admin;
use super::access::Problem;
use crate::owners::{account_report, group_report, user_report};
use scimguard_store::RetryKey;
use scimguard_store::now;

/// Rows of a list, at most.
const ROWS: u32 = 500;

/// Tokens are shown from this many days before they expire, by default.
const SOON: u64 = 14;

/// A day, in milliseconds.
const DAY: u64 = 24 * 60 * 60 * 1000;

/// Which resource.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whose {
    account: String,
    user: Option<String>,
    group: Option<String>,
    #[serde(default)]
    scope: String,
}

/// One account, or all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Of {
    account: Option<String>,
}

/// What to repeat: one change, those of an account, or all.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum What {
    One(RetryKey),
    All(Of),
}

/// How soon.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Soon {
    days: Option<u32>,
}

/// `GET /api/rules`: the rule table.
pub(super) async fn rules() -> Json<Value> {
    let rules = scimguard_core::rules().map(|rule| {
        json!({
            "id": rule.id,
            "status": rule.status,
            "scimType": rule.scim_type,
            "doc": rule.doc,
            "source": rule.source,
        })
    });
    Json(rules.collect())
}

/// `GET /api/owners?account=&user=` or `&group=&scope=`, or of an account alone.
pub(super) async fn owners(
    State(admin): State<Admin>,
    Query(whose): Query<Whose>,
) -> Result<Json<Value>, Problem> {
    let (store, account) = (admin.proxy.store(), &whose.account);
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let report = match (given(whose.user), given(whose.group)) {
        (Some(user), None) => serde_json::to_value(user_report(store, account, &user).await?),
        (None, Some(group)) => {
            serde_json::to_value(group_report(store, account, &whose.scope, &group).await?)
        }
        (None, None) => serde_json::to_value(account_report(store, account).await?),
        (Some(_), Some(_)) => return Err(Problem::unreadable("Give one of user and group.")),
    };
    let report = report.map_err(|_| Problem::unreadable("The report cannot be written."))?;
    Ok(Json(report))
}

/// `GET /api/retries?account=`: the oldest first.
pub(super) async fn retries(
    State(admin): State<Admin>,
    Query(of): Query<Of>,
) -> Result<Json<Value>, Problem> {
    let account = of.account.as_deref().filter(|text| !text.is_empty());
    let (rows, all) = admin.proxy.store().oldest_retries(account, ROWS).await?;
    Ok(Json(json!({"retries": rows, "all": all})))
}

/// `POST /api/retries`: the guard repeats it within a second or two, as for `scimguard retry`.
pub(super) async fn retry(
    State(admin): State<Admin>,
    Json(what): Json<What>,
) -> Result<Json<Value>, Problem> {
    let store = admin.proxy.store();
    let asked = match &what {
        What::One(key) => u64::from(store.ask_to_retry_one(key, now()).await?),
        What::All(of) => store.ask_to_retry(of.account.as_deref(), now()).await?,
    };
    match &what {
        What::One(key) => tracing::info!(
            account = key.account,
            group = key.group,
            asked,
            "an operator requested to repeat a membership change"
        ),
        What::All(of) => tracing::info!(
            account = of.account,
            asked,
            "an operator requested to repeat membership changes"
        ),
    }
    Ok(Json(json!({ "asked": asked })))
}

/// `GET /api/tokens/expiring?days=`: contains no secrets.
pub(super) async fn expiring(
    State(admin): State<Admin>,
    Query(soon): Query<Soon>,
) -> Result<Json<Value>, Problem> {
    let now = now();
    let days = soon.days.map_or(SOON, u64::from);
    let until = now.saturating_add(days.saturating_mul(DAY));
    let tokens = admin.proxy.store().ending_tokens(now, until, ROWS).await?;
    let config = admin.proxy.configuration();
    Ok(Json(
        json!({"now": now, "tokens": tokens, "config": config}),
    ))
}
