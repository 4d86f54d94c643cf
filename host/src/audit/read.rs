//! Queries the log: decisions by page, one decision with its explanation, and counts over time.
//!
//! No query reads more rows than it shows, however many there are: each filter has an index whose
//! equal rows are in the order of their ids, and pages begin at an id, not at an offset.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use sqlx::{FromRow, QueryBuilder, Row as _, Sqlite};

use super::writer::{HOUR, MINUTE};
use super::{Error, Log, Verdict};

/// Decisions on a page, at most.
const LARGEST_PAGE: u32 = 200;

/// Accounts that are listed, at most.
const ACCOUNTS: i64 = 500;

/// Selects decisions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this account.
    pub account: Option<String>,
    /// Of this rule; empty: without a rule.
    pub rule: Option<String>,
    /// Of this verdict.
    pub verdict: Option<Verdict>,
}

/// A decision in a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Increases with each decision.
    pub id: i64,
    /// Milliseconds since 1970.
    pub at: i64,
    /// The method.
    pub method: String,
    /// The path, without the values of its query.
    pub path: String,
    /// The account, if it was known.
    pub account: Option<String>,
    /// The id of the verified token.
    pub token: Option<String>,
    /// `forward`, `reject` or `ruled`.
    pub verdict: &'static str,
    /// The rule.
    pub rule: Option<String>,
    /// HTTP status of the answer; `None` if a gateway sent it.
    pub status: Option<i64>,
    /// Of a management request: the edit, and the users and groups that it names.
    pub edit: Option<Value>,
    /// Number of normalisations.
    pub changes: i64,
    /// The total time.
    pub micros: i64,
    /// The application's share of it.
    pub backend_micros: i64,
}

/// Decisions, newest first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Page {
    /// The decisions.
    pub decisions: Vec<Row>,
    /// Where the next page begins; `None`: this is the last one.
    pub before: Option<i64>,
    /// The newest decision of all, regardless of the filter.
    pub latest: i64,
}

/// How often one rule decided, over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Series {
    /// The rule; `None`: no rule.
    pub rule: Option<String>,
    /// `forward`, `reject` or `ruled`.
    pub verdict: &'static str,
    /// Start of each step in milliseconds since 1970, and its count; steps without decisions are omitted.
    pub counts: Vec<(i64, i64)>,
}

impl FromRow<'_, sqlx::sqlite::SqliteRow> for Row {
    fn from_row(row: &sqlx::sqlite::SqliteRow) -> Result<Self, sqlx::Error> {
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        let edit: Option<String> = row.try_get("edit")?;
        Ok(Self {
            id: row.try_get("id")?,
            at: row.try_get("at")?,
            method: row.try_get("method")?,
            path: row.try_get("path")?,
            account: some(row.try_get("account")?),
            token: row.try_get("token")?,
            verdict: Verdict::of_code(row.try_get("verdict")?).name(),
            rule: some(row.try_get("rule")?),
            status: row.try_get("status")?,
            edit: edit.and_then(|text| serde_json::from_str(&text).ok()),
            changes: row.try_get("changes")?,
            micros: row.try_get("micros")?,
            backend_micros: row.try_get("backend_micros")?,
        })
    }
}

impl Log {
    /// The newest decisions older than `before`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn page(
        &self,
        filter: &Filter,
        before: Option<i64>,
        size: u32,
    ) -> Result<Page, Error> {
        let latest = *self.latest.borrow();
        let size = size.clamp(1, LARGEST_PAGE);
        let range = (0, before.unwrap_or(i64::MAX));
        let mut decisions = self.rows(filter, range, size.saturating_add(1)).await?;
        let shown = usize::try_from(size).unwrap_or(usize::MAX);
        let more = decisions.len() > shown;
        decisions.truncate(shown);
        Ok(Page {
            before: decisions.last().map(|row| row.id).filter(|_| more),
            decisions,
            latest,
        })
    }

    /// The decisions newer than `after`, newest first; waits up to `wait` for one.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn newer(
        &self,
        filter: &Filter,
        after: i64,
        size: u32,
        wait: Duration,
    ) -> Result<Page, Error> {
        let mut watched = self.latest.clone();
        let limit = tokio::time::Instant::now() + wait;
        let mut seen = after;
        loop {
            let newer = watched.wait_for(|latest| *latest > seen);
            let latest = match tokio::time::timeout_at(limit, newer).await {
                Ok(Ok(latest)) => *latest,
                // None arrived, or none will.
                _ => {
                    return Ok(Page {
                        decisions: Vec::new(),
                        before: None,
                        latest: seen,
                    });
                }
            };
            let size = size.clamp(1, LARGEST_PAGE);
            let decisions = self.rows(filter, (seen, i64::MAX), size).await?;
            if !decisions.is_empty() {
                return Ok(Page {
                    latest: latest.max(decisions[0].id),
                    before: None,
                    decisions,
                });
            }
            seen = latest;
        }
    }

    /// The newest decisions of a filter between two ids, exclusive.
    async fn rows(
        &self,
        filter: &Filter,
        between: (i64, i64),
        size: u32,
    ) -> Result<Vec<Row>, Error> {
        let mut query = question("", filter, between, size);
        Ok(query.build_query_as().fetch_all(&self.readers).await?)
    }

    /// One decision with its explanation, as one JSON object; `None`: it no longer exists.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn decision(&self, id: i64) -> Result<Option<Value>, Error> {
        let row = sqlx::query(
            "SELECT decisions.*, policy, detail
               FROM decisions JOIN details USING (id) WHERE id = ?1",
        )
        .bind(id)
        .fetch_optional(&self.readers)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let listed = Row::from_row(&row)?;
        let detail: String = row.try_get("detail")?;
        let policy: i64 = row.try_get("policy")?;
        let decode = |error: serde_json::Error| sqlx::Error::Decode(error.into());
        let mut whole = serde_json::to_value(&listed).map_err(decode)?;
        let detail: Value = serde_json::from_str(&detail).map_err(decode)?;
        whole["policy"] = policy.into();
        whole["explanation"] = detail;
        Ok(Some(whole))
    }

    /// A policy document that decided.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn policy(&self, id: i64) -> Result<Option<String>, Error> {
        Ok(
            sqlx::query_scalar("SELECT document FROM policies WHERE id = ?1")
                .bind(id)
                .fetch_optional(&self.readers)
                .await?,
        )
    }

    /// The accounts of decisions, in order.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn accounts(&self) -> Result<Vec<String>, Error> {
        // Skips from one to the next by the index, instead of reading all rows.
        const ACCOUNTS_OF: &str = "
            WITH RECURSIVE named (account) AS (
              SELECT min(account) FROM decisions WHERE account > ''
              UNION ALL
              SELECT (SELECT min(account) FROM decisions WHERE account > named.account)
                FROM named WHERE named.account IS NOT NULL)
            SELECT account FROM named WHERE account IS NOT NULL LIMIT ?1";
        Ok(sqlx::query_scalar(ACCOUNTS_OF)
            .bind(ACCOUNTS)
            .fetch_all(&self.readers)
            .await?)
    }

    /// How often each rule decided between two times, and the length of the counted steps.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn counts(&self, from: i64, to: i64) -> Result<(i64, Vec<Series>), Error> {
        // As many points as a plot shows.
        let step = if to.saturating_sub(from) <= 6 * HOUR {
            MINUTE
        } else {
            HOUR
        };
        let rows: Vec<(String, i64, i64, i64)> = sqlx::query_as(
            "SELECT rule, verdict, bucket, count FROM counts
              WHERE step = ?1 AND bucket > ?2 - ?1 AND bucket <= ?3 ORDER BY bucket",
        )
        .bind(step)
        .bind(from)
        .bind(to)
        .fetch_all(&self.readers)
        .await?;
        let mut all: BTreeMap<(String, i64), Vec<(i64, i64)>> = BTreeMap::new();
        for (rule, verdict, bucket, count) in rows {
            all.entry((rule, verdict))
                .or_default()
                .push((bucket, count));
        }
        let series = all.into_iter().map(|((rule, verdict), counts)| Series {
            rule: Some(rule).filter(|rule| !rule.is_empty()),
            verdict: Verdict::of_code(verdict).name(),
            counts,
        });
        Ok((step, series.collect()))
    }

    /// The approximate number of decisions: the distance between the oldest and the newest.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn held(&self) -> Result<i64, Error> {
        let held: Option<i64> = sqlx::query_scalar(
            "SELECT (SELECT max(id) FROM decisions) - (SELECT min(id) FROM decisions) + 1",
        )
        .fetch_one(&self.readers)
        .await?;
        Ok(held.unwrap_or_default())
    }
}

/// Reads the index for each verdict separately, and merges the newest rows.
pub(super) fn question(
    before: &str,
    filter: &Filter,
    (after, until): (i64, i64),
    size: u32,
) -> QueryBuilder<Sqlite> {
    // The planner does not know how many rows are equal, and would take another index.
    let index = match (&filter.account, &filter.rule, filter.verdict) {
        (None, None, None) => "NOT INDEXED",
        (None, None, Some(_)) => "INDEXED BY decisions_by_verdict",
        (Some(_), None, _) => "INDEXED BY decisions_by_account",
        (None, Some(_), _) => "INDEXED BY decisions_by_rule",
        (Some(_), Some(_), _) => "INDEXED BY decisions_by_account_and_rule",
    };
    let verdicts = match filter.verdict {
        Some(verdict) => vec![Some(verdict)],
        // The rows themselves are in order.
        None if index == "NOT INDEXED" => vec![None],
        None => Verdict::ALL.map(Some).to_vec(),
    };
    let mut query = QueryBuilder::new(before);
    query.push("SELECT * FROM (");
    for (position, verdict) in verdicts.into_iter().enumerate() {
        if position > 0 {
            query.push(" UNION ALL ");
        }
        query.push("SELECT * FROM (SELECT * FROM decisions ");
        query.push(index).push(" WHERE id > ").push_bind(after);
        query.push(" AND id < ").push_bind(until);
        if let Some(account) = &filter.account {
            query.push(" AND account = ").push_bind(account.clone());
        }
        if let Some(rule) = &filter.rule {
            query.push(" AND rule = ").push_bind(rule.clone());
        }
        if let Some(verdict) = verdict {
            query.push(" AND verdict = ").push_bind(verdict.code());
        }
        query.push(" ORDER BY id DESC LIMIT ").push_bind(size);
        query.push(")");
    }
    query.push(") ORDER BY id DESC LIMIT ").push_bind(size);
    query
}
