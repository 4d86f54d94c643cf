//! Chooses the engine of a command.

use std::path::PathBuf;

use clap::ValueEnum;
use scimguard_core::sign_on::{self, SignOn};

use crate::config::{Config, EngineKind};
use crate::engine::{self, Engine, LoadError, Plugin};

/// The engine's arguments.
#[derive(clap::Args)]
pub(super) struct EngineArgs {
    /// Decide with the policy in this program, or with the plugin in its sandbox
    #[arg(long, value_enum, default_value_t = Kind::Native)]
    engine: Kind,
    /// The plugin for --engine wasm [default: scimguard.wasm beside this program or in
    /// ../share/scimguard]
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Native,
    Wasm,
}

/// Makes engines from policy documents.
pub(super) enum Source {
    Native,
    Wasm(Plugin),
}

/// The engine that the configuration names.
pub(super) fn engine(config: &Config) -> anyhow::Result<Engine> {
    let policy = config.policy_text()?;
    let engine = match config.engine {
        EngineKind::Native => Engine::native(&policy),
        EngineKind::Wasm => {
            let component = config.component.clone();
            let component = component.unwrap_or_else(engine::default_component);
            let cache = config.cache.clone().unwrap_or_else(engine::default_cache);
            Engine::load_snapshot(&component, &policy, &cache)
        }
    };
    engine.map_err(|error| {
        let is_of_policy = matches!(error, LoadError::Policy(_));
        let error = anyhow::Error::from(error);
        match (is_of_policy, &config.policy) {
            (false, _) => error,
            (true, Some(file)) => error.context(format!("in the policy {}", file.display())),
            (true, None) => error.context("in the default policy"),
        }
    })
}

impl EngineArgs {
    pub(super) fn source(self) -> anyhow::Result<Source> {
        match self.engine {
            Kind::Native => {
                anyhow::ensure!(self.component.is_none(), "--component needs --engine wasm");
                Ok(Source::Native)
            }
            Kind::Wasm => {
                let component = self.component.unwrap_or_else(engine::default_component);
                Ok(Source::Wasm(Plugin::load(
                    &component,
                    &engine::default_cache(),
                )?))
            }
        }
    }
}

impl Source {
    pub(super) fn engine(&self, policy: &str) -> Result<Engine, LoadError> {
        match self {
            Self::Native => Engine::native(policy),
            Self::Wasm(plugin) => plugin.configure(policy),
        }
    }

    pub(super) fn sign_on(
        &self,
        firstgen: Option<&[String]>,
        nextgen: Option<&[String]>,
        email: &str,
    ) -> Result<SignOn, LoadError> {
        match self {
            Self::Native => Ok(sign_on::sign_on(firstgen, nextgen, email)),
            Self::Wasm(plugin) => plugin.sign_on(firstgen, nextgen, email),
        }
    }
}
