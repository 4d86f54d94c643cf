//! `scimguard demo`: an application, the guard in front of it, an identity provider that
//! provisions, and an administrator who edits what is not theirs.

mod client;
mod envoy;
mod play;
mod processes;
mod report;
mod story;

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use client::Client;
pub(crate) use envoy::Parts;
use play::{Stage, Tokens};
use processes::{Application, Guard};
use report::Report;
use story::ACCOUNT;

/// A demo that takes longer hangs.
const TIME_LIMIT: Duration = Duration::from_secs(300);

/// Plays all steps in front of an application, and returns whether everything went as expected.
///
/// `application` is the command line of a server that prints `listening on URL` when it is ready.
/// With a folder of pages, the guard keeps serving them until it is interrupted. With an Envoy, the
/// callers connect to that, and the guard is its facts service.
///
/// # Errors
/// If a server does not start, or a request is not answered.
pub(crate) async fn play(
    application: &str,
    pages: Option<&Path>,
    envoy: Option<&Parts>,
) -> anyhow::Result<bool> {
    let played = tokio::time::timeout(TIME_LIMIT, perform(application, pages, envoy))
        .await
        .with_context(|| format!("the demo did not end within {TIME_LIMIT:?}"))??;
    if pages.is_some() {
        report::pages(&played.guard.admin);
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted?,
            _ = terminate.recv() => {}
        }
    }
    Ok(played.as_expected)
}

/// What remains after the last step: the servers end with it.
struct Played {
    as_expected: bool,
    guard: Guard,
    _application: Application,
}

async fn perform(
    command: &str,
    pages: Option<&Path>,
    envoy: Option<&Parts>,
) -> anyhow::Result<Played> {
    let application = Application::start(command).await?;
    let mut guard = Guard::configure(&application.url, pages)?;
    let tokens = Tokens {
        okta: guard.token(ACCOUNT, "svc-okta", "all", "90d").await?,
        other_account: guard.token("ACC2", "svc-okta", "all", "90d").await?,
        expired: guard.token(ACCOUNT, "svc-former", "all", "1s").await?,
        expired_at: Instant::now() + Duration::from_secs(2),
        no_group_management: guard
            .token(ACCOUNT, "svc-reader", WITHOUT_GROUP_MANAGEMENT, "90d")
            .await?,
    };
    let client = Client::new();
    guard.start(&client).await?;
    if let Some(parts) = envoy {
        guard.behind_envoy(parts, &application.url, &client).await?;
    }

    let mut report = Report::begin(&application.url, &guard.url);
    let mut stage = Stage::new(&client, &application.url, &guard.url, tokens);
    for chapter in story::chapters() {
        report.chapter(chapter.title);
        for step in &chapter.steps {
            let outcome = stage.perform(step).await;
            let outcome = outcome
                .with_context(|| format!("the guard logged:\n{}\n", guard.last_log_lines()))?;
            report.step(step, &outcome);
        }
    }
    Ok(Played {
        as_expected: report.end(&guard.last_log_lines()),
        guard,
        _application: application,
    })
}

const WITHOUT_GROUP_MANAGEMENT: &str =
    "core_user_view,core_user_manage,core_user_invite,core_usergroup_view";
