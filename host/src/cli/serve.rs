//! `scimguard serve`.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::config_file::ConfigFile;
use super::engine_args;
use super::retry::Running;
use crate::admin;
use crate::audit::Log;
use crate::config::{self, Config};
use crate::proxy::{self, Proxy};
use crate::serve::{self, Listeners};
use crate::tls;
use scimguard_store::Store;

const EXAMPLE: &str = "\
Example:
  scimguard serve --config scimguard.toml";

/// Run the guard in front of the application and forward only permitted requests
///
/// The process leaves no core dump, and other processes of its user cannot trace it: tokens pass
/// through its memory.
#[derive(clap::Args)]
#[command(after_help = EXAMPLE, after_long_help = format!("{EXAMPLE}\n\n{}", every_key()))]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigFile,
}

fn every_key() -> String {
    format!(
        "The configuration file, with every key:\n\n{}",
        config::EXAMPLE
    )
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let config = Config::read(&args.config)?;
    let clients = config.listen.context(
        "the configuration has no `listen` address for clients; `scimguard facts` serves \
         gateways alone",
    )?;
    start(&config, Some(clients))
}

/// Serves as configured, with clients at this address.
pub(super) fn start(config: &Config, clients: Option<SocketAddr>) -> anyhow::Result<ExitCode> {
    panics_without_their_message();
    proxy::raise_descriptors();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let served = runtime.block_on(serve(config, clients));
    // Nobody waits for a decision that is still being computed.
    runtime.shutdown_timeout(Duration::from_secs(1));
    served.map(|()| ExitCode::SUCCESS)
}

async fn serve(config: &Config, clients: Option<SocketAddr>) -> anyhow::Result<()> {
    check_before_compiling(config)?;
    let engine = engine_args::engine(config)?;
    keep_memory_private();
    let store = Store::open(&config.store)
        .await
        .with_context(|| format!("in the store {}", config.store.display()))?;
    let _running = Running::share(&config.store)?;
    let proxy = Proxy::new(engine, store, config)?;
    let proxy = match &config.decisions {
        Some(file) => proxy.recording(decisions(config, file).await?),
        None => proxy,
    };
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let facts = config.facts.as_ref().map(|facts| facts.listen);
    let listeners = Listeners {
        clients: bind(clients, "listen").await?,
        admin: match bind(config.admin, "admin").await? {
            Some(listener) => Some(admin::Listener::new(listener, config)?),
            None => None,
        },
        facts: bind(facts, "facts.listen").await?,
    };
    tracing::info!(
        listen = shown(listeners.clients.as_ref()),
        admin = listeners.admin.as_ref().map(|it| tracing::field::display(it.address())),
        facts = shown(listeners.facts.as_ref()),
        backend = %config.backend,
        "ready"
    );
    let end = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("shutting down after the requests in flight");
    };
    serve::serve(Arc::new(proxy), listeners, end).await;
    Ok(())
}

/// Reports what is wrong with the set-up before the policy is compiled.
fn check_before_compiling(config: &Config) -> anyhow::Result<()> {
    let facts = config.facts.as_ref();
    let addresses = [
        (config.listen, "listen"),
        (config.admin, "admin"),
        (facts.map(|facts| facts.listen), "facts.listen"),
    ];
    for (address, key) in addresses {
        let Some(address) = address.filter(|address| address.port() != 0) else {
            continue;
        };
        // Released again: no client should wait for an answer while the policy is compiled.
        std::net::TcpListener::bind(address).with_context(|| unavailable(address, key))?;
    }
    for (table, files) in config.certificates() {
        tls::check(files).with_context(|| format!("in {table}"))?;
    }
    config.check_secrets()
}

fn unavailable(address: SocketAddr, key: &str) -> String {
    format!("cannot listen on {address}; choose another `{key}`")
}

async fn decisions(config: &Config, file: &Path) -> anyhow::Result<Log> {
    let policy = config.policy_text()?;
    Log::open(file, &policy, config.decisions_keep.get())
        .await
        .with_context(|| format!("in the decision log {}", file.display()))
}

/// Tokens pass through this process: its memory goes into no core dump, and no other process of the
/// same user can read it. A limit of 0 alone does not stop a dump that is piped to a program
/// (core(5)). Called after the engine has started, which opens a file below `/proc/self` that a
/// process without dumps may not open (proc(5)).
fn keep_memory_private() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "core dumps cannot be turned off");
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
            tracing::warn!(%error, "the memory of the process cannot be protected from others");
        }
    }
}

/// A panic message may contain data of a request: only its place is logged.
fn panics_without_their_message() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(
            place,
            "a panic, which is a bug of the guard; please report the place"
        );
    }));
}

async fn bind(address: Option<SocketAddr>, key: &str) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = address else {
        return Ok(None);
    };
    let listener = TcpListener::bind(address).await;
    listener
        .map(Some)
        .with_context(|| unavailable(address, key))
}

fn shown(listener: Option<&TcpListener>) -> Option<String> {
    Some(listener?.local_addr().ok()?.to_string())
}
