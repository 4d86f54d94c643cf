//! Runs the policy: as native code, or as a component in its sandbox.

mod cache;
mod exports;
mod functions;
mod instance;
mod pass;
mod runtime;
mod sandbox;
mod sign_on;
mod snapshot;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use scimguard_core::{ConfigError, Guard, Outcome, Settings, Verdict};
use scimguard_interface::{Given, Observed, Pass, Policy};

pub use self::cache::default_folder as default_cache;
pub use self::sandbox::{Plugin, Sandbox};

use self::instance::Instance;
use self::pass::SandboxPass;
use crate::shipped;

/// A configured policy. Cheap to share; all passes are independent.
pub enum Engine {
    /// Compiled into this program.
    Native(Guard),
    /// A component in its sandbox.
    Wasm(Arc<Sandbox>),
}

/// A configured policy for several calls in a row. A component answers them all in one instance, so
/// state carries over: only for trusted use (case suites, figures).
pub enum Session<'engine> {
    /// Compiled into this program.
    Native(&'engine Guard),
    /// One instance of a component.
    Wasm(Rc<RefCell<Instance>>, &'engine Settings),
}

/// Why the sandbox gave no decision. Only this request is refused.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The plugin trapped or ran out of memory.
    #[error("the plugin trapped: {0}")]
    Trapped(String),
    /// The plugin used more than its time.
    #[error("the plugin used more than its time")]
    Timeout,
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The component's file cannot be read.
    #[error("{}: {why}; give the plugin's file (`cargo xtask build` creates it)", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// The system's error.
        why: std::io::Error,
    },
    /// The file is something else than a component.
    #[error("{} is no WebAssembly component; give the plugin's file (`cargo xtask build` creates it)", path.display())]
    NoComponent {
        /// Which file.
        path: PathBuf,
    },
    /// A policy decides on its input, and can reach nothing else.
    #[error("{}: the plugin imports {}; a policy must import nothing", path.display(), imports.join(", "))]
    Imports {
        /// Which file.
        path: PathBuf,
        /// Its imports.
        imports: Vec<String>,
    },
    /// Not a component of the world `policy` in `wit/policy.wit`.
    #[error("{}: not a plugin for this scimguard: {reason}", path.display())]
    Foreign {
        /// Which file.
        path: PathBuf,
        /// What is missing or wrong.
        reason: String,
    },
    /// A foreign policy may have no sign-on check.
    #[error("the plugin has no sign-on check; use --engine native or scimguard's own plugin")]
    NoSignOn,
    /// It failed while reading the policy document.
    #[error("the plugin cannot be configured: {0}")]
    Fault(#[from] Fault),
    /// The policy document is faulty.
    #[error("the policy document is not valid{}", Listed(.0))]
    Policy(Vec<ConfigError>),
    /// The system lacks what the sandbox needs.
    #[error("the sandbox cannot be set up: {0}")]
    Sandbox(String),
}

impl Engine {
    /// The policy compiled into this program.
    ///
    /// # Errors
    /// Every fault of the policy document.
    pub fn native(policy: &str) -> Result<Self, LoadError> {
        Guard::configure(policy)
            .map(Self::Native)
            .map_err(LoadError::Policy)
    }

    /// The component in this file, configured once: each pass starts from a snapshot of the
    /// configured instance. The next start finds the compiled snapshot in the cache.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn load_snapshot(
        component: &Path,
        policy: &str,
        cache_dir: &Path,
    ) -> Result<Self, LoadError> {
        Sandbox::load_snapshot(component, policy, cache_dir)
    }

    /// Starts a series of calls.
    ///
    /// # Errors
    /// If the plugin failed while being configured.
    pub fn session(&self) -> Result<Session<'_>, Fault> {
        Ok(match self {
            Self::Native(guard) => Session::Native(guard),
            Self::Wasm(sandbox) => Session::Wasm(
                Rc::new(RefCell::new(sandbox.instance()?)),
                sandbox.settings(),
            ),
        })
    }
}

impl Policy for Engine {
    type Fault = Fault;
    type Pass = Box<dyn Pass<Fault = Fault> + Send>;

    fn settings(&self) -> &Settings {
        match self {
            Self::Native(guard) => guard.settings(),
            Self::Wasm(sandbox) => sandbox.settings(),
        }
    }

    fn pass(&self) -> Result<Self::Pass, Fault> {
        Ok(match self {
            Self::Native(guard) => Box::new(Native(Guard::pass(guard))),
            Self::Wasm(sandbox) => Box::new(SandboxPass::new(sandbox)),
        })
    }
}

impl Policy for Session<'_> {
    type Fault = Fault;
    type Pass = Box<dyn Pass<Fault = Fault>>;

    fn settings(&self) -> &Settings {
        match self {
            Self::Native(guard) => guard.settings(),
            Self::Wasm(_, settings) => settings,
        }
    }

    /// After a fault, every later call fails too.
    fn pass(&self) -> Result<Self::Pass, Fault> {
        Ok(match self {
            Self::Native(guard) => Box::new(Native(Guard::pass(guard))),
            Self::Wasm(instance, _) => Box::new(Shared(Rc::clone(instance))),
        })
    }
}

/// A pass of the native policy, which cannot fail.
struct Native(scimguard_core::Pass);

impl Pass for Native {
    type Fault = Fault;

    fn evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Fault> {
        Pass::evaluate(&mut self.0, given).map_err(|never| match never {})
    }

    fn resume_evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Fault> {
        Pass::resume_evaluate(&mut self.0, given).map_err(|never| match never {})
    }

    fn observe(&mut self, observed: &Arc<Observed>, given: Given<'_>) -> Result<Outcome, Fault> {
        Pass::observe(&mut self.0, observed, given).map_err(|never| match never {})
    }

    fn resume_observe(&mut self, given: Given<'_>) -> Result<Outcome, Fault> {
        Pass::resume_observe(&mut self.0, given).map_err(|never| match never {})
    }
}

/// A pass in an instance that serves several passes in turn.
struct Shared(Rc<RefCell<Instance>>);

impl Pass for Shared {
    type Fault = Fault;

    fn evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Fault> {
        self.0.borrow_mut().evaluate(given)
    }

    fn resume_evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Fault> {
        self.0.borrow_mut().resume_evaluate(given)
    }

    fn observe(&mut self, observed: &Arc<Observed>, given: Given<'_>) -> Result<Outcome, Fault> {
        self.0.borrow_mut().observe(observed, given)
    }

    fn resume_observe(&mut self, given: Given<'_>) -> Result<Outcome, Fault> {
        self.0.borrow_mut().resume_observe(given)
    }
}

/// The default plugin: the file that `SCIMGUARD_COMPONENT` names, or the `scimguard.wasm` that came
/// with this program.
#[must_use]
pub fn default_component() -> PathBuf {
    if let Some(path) = std::env::var_os("SCIMGUARD_COMPONENT") {
        return path.into();
    }
    shipped::place("scimguard.wasm")
}

struct Listed<'a>(&'a [ConfigError]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|ConfigError { pointer, message }| {
                let place = if pointer.is_empty() {
                    "the document"
                } else {
                    pointer
                };
                write!(f, "\n  {place}: {message}")
            })
    }
}
