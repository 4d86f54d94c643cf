//! `scimguard token list`.

use std::process::ExitCode;

use anyhow::Context as _;
use serde::Serialize;

use crate::cli::{store_args, times};
use scimguard_store::TokenRow;
use scimguard_store::now;

#[derive(clap::Args)]
pub(super) struct ListTokens {
    #[command(flatten)]
    list: store_args::List,
    /// Only good ones that expire within this period, such as `14d`
    #[arg(long, value_name = "PERIOD")]
    expiring: Option<String>,
}

/// A token as listed for programs.
#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    token: TokenRow,
    state: State,
    /// Such as "in 12 days"; `null`: never.
    expires_in: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Valid,
    Expired,
    Revoked,
}

impl Row {
    fn new(token: TokenRow, now: u64) -> Self {
        Self {
            state: match token.expires {
                _ if token.revoked => State::Revoked,
                Some(expires) if expires <= now => State::Expired,
                _ => State::Valid,
            },
            expires_in: token.expires.map(|expires| times::relative(expires, now)),
            token,
        }
    }

    fn ends_until(&self, until: u64) -> bool {
        let ends = self.token.expires.is_some_and(|expires| expires <= until);
        self.state == State::Valid && ends
    }
}

pub(super) fn list(args: &ListTokens) -> anyhow::Result<ExitCode> {
    let now = now();
    let until = args
        .expiring
        .as_deref()
        .map(|text| {
            times::period(text)
                .with_context(|| format!("--expiring {text:?} is not a period such as `14d`"))
        })
        .transpose()?
        .map(|period| now.saturating_add(period));
    let tokens = store_args::with_store(&args.list.config, async |store, _| {
        Ok(store.tokens(args.list.account.as_deref()).await?)
    })?;
    let rows: Vec<Row> = tokens
        .into_iter()
        .map(|token| Row::new(token, now))
        .filter(|row| until.is_none_or(|until| row.ends_until(until)))
        .collect();
    if args.list.json {
        return store_args::print_json(&rows);
    }
    let mut table = vec![
        [
            "ACCOUNT",
            "ID",
            "PRINCIPAL",
            "PROVIDER",
            "STATE",
            "EXPIRES",
            "LAST USED",
            "FROM",
            "CREATED",
            "BY",
        ]
        .map(str::to_owned),
    ];
    table.extend(rows.into_iter().map(cells));
    store_args::print_table(&table);
    Ok(ExitCode::SUCCESS)
}

fn cells(row: Row) -> [String; 10] {
    let Row {
        token,
        state,
        expires_in,
    } = row;
    let state = match state {
        State::Valid => "valid",
        State::Expired => "expired",
        State::Revoked => "revoked",
    };
    let dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [
        token.account,
        token.id,
        token.principal,
        dash(token.provider),
        state.to_owned(),
        expires_in.unwrap_or_else(|| "never".to_owned()),
        store_args::time(token.last_used),
        dash(token.last_used_from),
        store_args::time(Some(token.created)),
        dash(token.created_by),
    ]
}
