//! Checks a set-up: its files, the servers that it needs, and its record.

use std::path::Path;

use http::{StatusCode, Uri};

use super::asking::TIME_LIMIT;
use super::findings::Findings;
use super::{application, certificates, facts, issuers, secrets, tokens};
use crate::audit::Log;
use crate::causes::with_causes;
use crate::cli::engine_args;
use crate::config::Config;
use crate::engine::Engine;
use crate::plural::counted;
use crate::proxy::Probe;
use scimguard_store::Store;
use scimguard_store::now;

const UNWRITABLE: &str = "Check its path, make room on its disk, and let this user read and write the file and \
     its folder.";

const INVALID_POLICY: &str = "Correct it; `scimguard policy schema` prints its JSON Schema.";

/// How many accounts are named at most.
const NAMED: u32 = 20;

/// Checks everything except what depends on something broken.
pub(super) async fn examine(file: &Path, findings: &mut Findings) {
    let config = match Config::read(file) {
        Ok(config) => config,
        Err(error) => {
            let advice = match file.exists() {
                true => "Correct it; `scimguard serve --help` shows every key.",
                false => "Give the file that `serve` uses, or copy `scimguard.example.toml`.",
            };
            findings.problem("configuration", with_causes(error.as_ref()), advice);
            return;
        }
    };
    findings.fine("configuration", file.display().to_string());
    secrets::examine(&config, findings);
    certificates::examine(&config, findings);
    let policy = policy(&config, findings);
    if policy.is_some() {
        plugin(&config, findings);
    }
    application::examine(&config, findings).await;
    issuers::examine(&config, policy.as_deref(), findings).await;
    guard(&config, findings).await;
    facts::examine(&config, findings).await;
    if let Some(policy) = &policy {
        decisions(&config, policy, findings).await;
    }
    record(&config, policy.as_deref().unwrap_or_default(), findings).await;
}

fn policy(config: &Config, findings: &mut Findings) -> Option<String> {
    let name = config.policy.as_ref();
    let name = name.map_or_else(
        || "the default one".to_owned(),
        |it| it.display().to_string(),
    );
    let text = match config.policy_text() {
        Ok(text) => text,
        Err(error) => {
            let advice = "Put the policy there, or correct `policy`.";
            findings.problem("policy", with_causes(error.as_ref()), advice);
            return None;
        }
    };
    match Engine::native(&text) {
        Ok(_) => {
            findings.fine("policy", name);
            Some(text)
        }
        Err(error) => {
            findings.problem("policy", format!("{name}: {error}"), INVALID_POLICY);
            None
        }
    }
}

fn plugin(config: &Config, findings: &mut Findings) {
    match engine_args::engine(config) {
        Ok(Engine::Native(_)) => findings.note(
            "plugin",
            "the policy runs as native code, not in its sandbox",
        ),
        Ok(Engine::Wasm(_)) => findings.fine("plugin", "it can be loaded and configured"),
        Err(error) => findings.problem(
            "plugin",
            with_causes(error.as_ref()),
            "Put `scimguard.wasm` beside the program, or set `component` to its path.",
        ),
    }
}

/// Checks the guard itself, if its address is configured.
async fn guard(config: &Config, findings: &mut Findings) {
    const ABOUT: &str = "guard";
    let Some(admin) = config.admin else {
        findings.note(ABOUT, "without `admin`, whether it runs cannot be checked");
        return;
    };
    if config.admin_tls.is_some() {
        match facts::connection(admin).await {
            Ok(()) => findings.fine(ABOUT, format!("{admin} accepts connections")),
            Err(_) => findings.note(ABOUT, format!("nothing answers at {admin}")),
        }
        return;
    }
    let ready = async {
        let address = Uri::try_from(format!("http://{admin}"))?;
        let reply = Probe::new(address, TIME_LIMIT)?
            .get("/readyz", None)
            .await?;
        anyhow::Ok(reply.status)
    };
    match ready.await {
        Ok(StatusCode::OK) => findings.fine(ABOUT, "it runs and is ready"),
        Ok(status) => findings.problem(
            ABOUT,
            format!("it runs and is not ready ({status})"),
            "See its log.",
        ),
        Err(_) => findings.note(ABOUT, format!("nothing answers at {admin}")),
    }
}

async fn record(config: &Config, policy: &str, findings: &mut Findings) {
    const ABOUT: &str = "store";
    // Opening would create it.
    if !config.store.exists() {
        let detail = format!("{} does not exist yet", config.store.display());
        let advice = format!(
            "`scimguard serve` creates it, and so does {}; check `store` if it should exist.",
            findings.new_principal("ACCOUNT", "svc-scim")
        );
        findings.problem(ABOUT, detail, advice);
        return;
    }
    let store = match Store::open(&config.store).await {
        Ok(store) => store,
        Err(error) => {
            let detail = format!("{}: {error}", config.store.display());
            findings.problem(ABOUT, detail, UNWRITABLE);
            return;
        }
    };
    match store.try_write().await {
        Ok(()) => findings.fine(
            ABOUT,
            format!("{} can be read and written", config.store.display()),
        ),
        Err(error) => {
            let detail = format!("{}: {error}", config.store.display());
            findings.problem(ABOUT, detail, UNWRITABLE);
        }
    }
    if let Err(error) = on_record(&store, config, policy, findings).await {
        findings.problem(ABOUT, with_causes(error.as_ref()), UNWRITABLE);
    }
    store.close().await;
}

/// Checks that decisions can be recorded.
async fn decisions(config: &Config, policy: &str, findings: &mut Findings) {
    const ABOUT: &str = "decisions";
    // `serve` creates it.
    let Some(file) = config.decisions.as_ref().filter(|file| file.exists()) else {
        return;
    };
    let tried = async {
        let log = Log::open(file, policy, config.decisions_keep.get()).await?;
        let tried = log.try_write().await;
        log.close().await;
        tried
    };
    match tried.await {
        Ok(()) => findings.fine(ABOUT, format!("{} can be written", file.display())),
        Err(error) => findings.problem(ABOUT, format!("{}: {error}", file.display()), UNWRITABLE),
    }
}

async fn on_record(
    store: &Store,
    config: &Config,
    policy: &str,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let unfilled = store.unfilled_accounts(NAMED).await?;
    if !unfilled.is_empty() {
        findings.problem(
            "initial import",
            format!("none yet: {}", unfilled.join(", ")),
            format!(
                "{} imports what the application has; until then `unseen` applies to what the guard has not seen.",
                findings.command("import", &format!("--account {}", unfilled[0]))
            ),
        );
    }
    tokens::examine(store, policy, now(), findings).await?;
    application::scim(store, config, policy, findings).await?;
    for (kind, count) in store.open_counts().await? {
        match (kind, count) {
            (_, 0) => {}
            ("retries", count) => findings.problem(
                "retries",
                format!(
                    "{} not done",
                    counted(
                        count,
                        "membership change of the provider was",
                        "membership changes of the provider were"
                    )
                ),
                format!(
                    "{} lists them, {} repeats them.",
                    findings.command("retry", "--list"),
                    findings.command("retry", "")
                ),
            ),
            (kind, count) => findings.note(
                "open",
                format!(
                    "{} with a write whose outcome nobody has seen yet",
                    counted(count, kind.trim_end_matches('s'), kind)
                ),
            ),
        }
    }
    Ok(())
}
