//! Decisions: by page, live, individually, and counted.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Admin;
use super::access::Problem;
use crate::audit::{Filter, Log, Page, Verdict};
use scimguard_store::now;

/// Default number of decisions on a page.
const PAGE: u32 = 50;

/// How long a request waits for the next decision; proxies cut off after 30 s.
const WAIT: Duration = Duration::from_secs(20);

/// A day, in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// Which decisions, and where the page begins.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisionQuery {
    account: Option<String>,
    rule: Option<String>,
    verdict: Option<String>,
    before: Option<i64>,
    after: Option<i64>,
    limit: Option<u32>,
}

/// The interval, in milliseconds since 1970.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Range {
    from: Option<i64>,
    to: Option<i64>,
}

impl DecisionQuery {
    fn filter(&self) -> Result<Filter, Problem> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let verdict = given(&self.verdict)
            .map(|name| {
                Verdict::named(&name).ok_or_else(|| {
                    Problem::unreadable(format!(
                        "verdict: {name:?} is not forward, reject or ruled"
                    ))
                })
            })
            .transpose()?;
        Ok(Filter {
            account: given(&self.account),
            rule: given(&self.rule),
            verdict,
        })
    }

    fn limit(&self) -> u32 {
        self.limit.unwrap_or(PAGE)
    }
}

impl Admin {
    fn log(&self) -> Result<&Log, Problem> {
        self.proxy.decisions().ok_or_else(|| {
            Problem::missing(
                "Decisions are not recorded. Set `decisions` in the configuration to a database.",
            )
        })
    }
}

/// `GET /api/status`
pub(super) async fn status(State(admin): State<Admin>) -> Result<Json<Value>, Problem> {
    let log = admin.proxy.decisions();
    let recording = match log {
        None => Value::Null,
        Some(log) => json!({
            "held": log.held().await?,
            "keeps": log.keeps(),
            "unrecorded": log.unrecorded().get(),
        }),
    };
    Ok(Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "now": now(),
        "decisions": recording,
    })))
}

/// `GET /api/decisions?account=&rule=&verdict=&before=&limit=`
pub(super) async fn page(
    State(admin): State<Admin>,
    Query(asked): Query<DecisionQuery>,
) -> Result<Json<Page>, Problem> {
    let filter = asked.filter()?;
    let page = admin.log()?.page(&filter, asked.before, asked.limit());
    Ok(Json(page.await?))
}

/// `GET /api/decisions/live?after=…`: the decisions after that one, as soon as there are any.
pub(super) async fn live(
    State(admin): State<Admin>,
    Query(asked): Query<DecisionQuery>,
) -> Result<Json<Page>, Problem> {
    let filter = asked.filter()?;
    let after = asked.after.unwrap_or_default();
    let newer = admin.log()?.newer(&filter, after, asked.limit(), WAIT);
    Ok(Json(newer.await?))
}

/// `GET /api/decisions/{id}`
pub(super) async fn one(
    State(admin): State<Admin>,
    Path(id): Path<i64>,
) -> Result<Json<Value>, Problem> {
    let found = admin.log()?.decision(id).await?;
    found.map(Json).ok_or_else(|| {
        Problem::missing("This decision is no longer recorded: newer ones replaced it.")
    })
}

/// `GET /api/policies/{id}`: the policy document that decided, as in its file.
pub(super) async fn policy(
    State(admin): State<Admin>,
    Path(id): Path<i64>,
) -> Result<Response, Problem> {
    let found = admin.log()?.policy(id).await?;
    let document = found.ok_or_else(|| Problem::missing("There is no such policy document."))?;
    let kind = [(header::CONTENT_TYPE, "application/json")];
    Ok((StatusCode::OK, kind, document).into_response())
}

/// `GET /api/accounts`
pub(super) async fn accounts(State(admin): State<Admin>) -> Result<Json<Vec<String>>, Problem> {
    Ok(Json(admin.log()?.accounts().await?))
}

/// `GET /api/counts?from=&to=`: by default, of the last day.
pub(super) async fn counts(
    State(admin): State<Admin>,
    Query(range): Query<Range>,
) -> Result<Json<Value>, Problem> {
    let to = range
        .to
        .unwrap_or_else(|| i64::try_from(now()).unwrap_or(i64::MAX));
    let from = range.from.unwrap_or_else(|| to.saturating_sub(DAY));
    let (step, series) = admin.log()?.counts(from, to).await?;
    Ok(Json(
        json!({"from": from, "to": to, "step": step, "series": series}),
    ))
}
