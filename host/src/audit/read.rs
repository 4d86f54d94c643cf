//! Queries the log: decisions by page, one decision with its explanation, and counts over time.
//!
//! No query reads more rows than it shows, however many there are: each filter has an index whose
//! equal rows are in the order of their ids, and pages begin at an id, not at an offset.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::types::Value as Parameter;
use rusqlite::{Connection, params_from_iter};
use serde::Serialize;
use serde_json::Value;

use super::writer::{HOUR, MINUTE};
use super::{Error, Log, Verdict};
use scimguard_store::database::{Json, Statements as _};

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

impl Row {
    /// From a row of the table.
    fn of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        let edit: Option<String> = row.get("edit")?;
        Ok(Self {
            id: row.get("id")?,
            at: row.get("at")?,
            method: row.get("method")?,
            path: row.get("path")?,
            account: some(row.get("account")?),
            token: row.get("token")?,
            verdict: Verdict::of_code(row.get("verdict")?).name(),
            rule: some(row.get("rule")?),
            status: row.get("status")?,
            edit: edit.and_then(|text| serde_json::from_str(&text).ok()),
            changes: row.get("changes")?,
            micros: row.get("micros")?,
            backend_micros: row.get("backend_micros")?,
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
        let (sql, parameters) = question(filter, between, size);
        let question = move |connection: &Connection| {
            connection.all(&sql, params_from_iter(parameters), Row::of)
        };
        Ok(self.database.read_large(question).await?)
    }

    /// One decision with its explanation, as one JSON object; `None`: it no longer exists.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn decision(&self, id: i64) -> Result<Option<Value>, Error> {
        const DECISION: &str = "
            SELECT decisions.*, policy, detail
              FROM decisions JOIN details USING (id) WHERE id = ?1";
        let question = move |connection: &Connection| {
            connection.first(DECISION, [id], |row| {
                let Json(detail): Json<Value> = row.get("detail")?;
                let mut whole = serde_json::json!(Row::of(row)?);
                whole["policy"] = row.get::<_, i64>("policy")?.into();
                whole["explanation"] = detail;
                Ok(whole)
            })
        };
        Ok(self.database.read_large(question).await?)
    }

    /// A policy document that decided.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn policy(&self, id: i64) -> Result<Option<String>, Error> {
        const DOCUMENT: &str = "SELECT document FROM policies WHERE id = ?1";
        let question =
            move |connection: &Connection| connection.first(DOCUMENT, [id], |row| row.get(0));
        Ok(self.database.read_large(question).await?)
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
        let question =
            |connection: &Connection| connection.all(ACCOUNTS_OF, [ACCOUNTS], |row| row.get(0));
        Ok(self.database.read_large(question).await?)
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
        const COUNTS: &str = "
            SELECT rule, verdict, bucket, count FROM counts
             WHERE step = ?1 AND bucket > ?2 - ?1 AND bucket <= ?3 ORDER BY bucket";
        let question = move |connection: &Connection| {
            connection.all(COUNTS, [step, from, to], |row| row.try_into())
        };
        let rows: Vec<(String, i64, i64, i64)> = self.database.read_large(question).await?;
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
        const HELD: &str =
            "SELECT (SELECT max(id) FROM decisions) - (SELECT min(id) FROM decisions) + 1";
        let question = |connection: &Connection| connection.value::<Option<i64>>(HELD, ());
        Ok(self.database.read(question)?.unwrap_or_default())
    }
}

/// Reads the index for each verdict separately, and merges the newest rows.
pub(super) fn question(
    filter: &Filter,
    (after, until): (i64, i64),
    size: u32,
) -> (String, Vec<Parameter>) {
    // The planner does not know how many rows are equal, and would take another index.
    let index = match (&filter.account, &filter.rule, filter.verdict) {
        (None, None, None) => "NOT INDEXED",
        (None, None, Some(_)) => "INDEXED BY decisions_by_verdict",
        (Some(_), None, _) => "INDEXED BY decisions_by_account",
        (None, Some(_), _) => "INDEXED BY decisions_by_rule",
        (Some(_), Some(_), _) => "INDEXED BY decisions_by_account_and_rule",
    };
    let mut condition = "id > ?1 AND id < ?2".to_owned();
    let mut parameters: Vec<Parameter> = vec![after.into(), until.into(), size.into()];
    for (column, value) in [("account", &filter.account), ("rule", &filter.rule)] {
        if let Some(value) = value {
            parameters.push(value.clone().into());
            condition.push_str(&format!(" AND {column} = ?{}", parameters.len()));
        }
    }
    let conditions = match filter.verdict {
        Some(verdict) => vec![format!("{condition} AND verdict = {}", verdict.code())],
        // The rows themselves are in order.
        None if index == "NOT INDEXED" => vec![condition],
        None => Verdict::ALL
            .map(|verdict| format!("{condition} AND verdict = {}", verdict.code()))
            .to_vec(),
    };
    let each = conditions.iter().map(|condition| {
        format!(
            "SELECT * FROM (SELECT * FROM decisions {index} WHERE {condition}
              ORDER BY id DESC LIMIT ?3)"
        )
    });
    let all = each.collect::<Vec<_>>().join(" UNION ALL ");
    let sql = format!("SELECT * FROM ({all}) ORDER BY id DESC LIMIT ?3");
    (sql, parameters)
}
