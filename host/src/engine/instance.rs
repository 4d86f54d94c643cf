//! One instance of a component, and what it may be asked: who may become one, how it comes to be, and
//! its calls, each within its time.

use std::path::Path;

use scimguard_core::facts::Fact;
use scimguard_core::{BackendOutcome, Outcome, Request, Settings, Verdict};
use wasmtime::component::{Component, Linker};
use wasmtime::{Store, StoreLimits};

use super::runtime::{Deadline, Runtime};
use super::wit::{Policy, PolicyPre, types};
use super::{Fault, LoadError};

/// One instance of a component, configured.
pub struct Instance {
    store: Store<StoreLimits>,
    policy: Policy,
}

/// A component of the right world that can do nothing but decide.
pub(super) fn accept(
    runtime: &Runtime,
    path: &Path,
    component: &Component,
) -> Result<PolicyPre<StoreLimits>, LoadError> {
    let imports: Vec<_> = component
        .component_type()
        .imports(runtime.engine())
        .map(|(name, _)| name.to_owned())
        .collect();
    if !imports.is_empty() {
        return Err(LoadError::Imports {
            path: path.to_owned(),
            imports,
        });
    }
    Linker::new(runtime.engine())
        .instantiate_pre(component)
        .and_then(PolicyPre::new)
        .map_err(|error| foreign(path, &error))
}

/// One that has read the policy document.
pub(super) fn configured(
    runtime: &Runtime,
    policy: &PolicyPre<StoreLimits>,
    document: &str,
) -> Result<(Instance, Settings), LoadError> {
    let mut instance = empty(runtime, policy)?;
    let settings = instance.configure(document)?;
    Ok((instance, settings))
}

/// One as the component makes it.
pub(super) fn empty(runtime: &Runtime, policy: &PolicyPre<StoreLimits>) -> Result<Instance, Fault> {
    let mut store = runtime.store();
    Deadline::Call.set(&mut store);
    let policy = policy.instantiate(&mut store)?;
    Ok(Instance::new(store, policy))
}

pub(super) fn foreign(path: &Path, error: &wasmtime::Error) -> LoadError {
    LoadError::Foreign {
        path: path.to_owned(),
        reason: format!("{error:#}"),
    }
}

// === impl Instance ===

impl Instance {
    pub(super) fn new(store: Store<StoreLimits>, policy: Policy) -> Self {
        Self { store, policy }
    }

    pub(super) fn configure(&mut self, document: &str) -> Result<Settings, LoadError> {
        Deadline::Configuration.set(&mut self.store);
        self.policy
            .scimguard_policy_guard()
            .call_configure(&mut self.store, document)
            .map_err(Fault::from)?
            .map(Into::into)
            .map_err(|errors| LoadError::Policy(errors.into_iter().map(Into::into).collect()))
    }

    pub(super) fn evaluate(
        &mut self,
        request: &Request,
        facts: &[Fact],
        now: u64,
    ) -> Result<Verdict, Fault> {
        let request = request.into();
        let facts: Vec<types::Fact> = facts.iter().map(Into::into).collect();
        Deadline::Call.set(&mut self.store);
        let verdict = self.policy.scimguard_policy_guard().call_evaluate(
            &mut self.store,
            &request,
            &facts,
            now,
        )?;
        Ok(verdict.into())
    }

    pub(super) fn observe(
        &mut self,
        continuation: &[u8],
        answer: &BackendOutcome,
        facts: &[Fact],
        now: u64,
    ) -> Result<Outcome, Fault> {
        let answer = answer.into();
        let facts: Vec<types::Fact> = facts.iter().map(Into::into).collect();
        Deadline::Call.set(&mut self.store);
        let outcome = self.policy.scimguard_policy_guard().call_observe(
            &mut self.store,
            continuation,
            &answer,
            &facts,
            now,
        )?;
        Ok(outcome.into())
    }

    pub(super) fn into_store(self) -> Store<StoreLimits> {
        self.store
    }
}
