//! One instance of a component: which components are accepted, how instances start, and their
//! calls, each with a time limit.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use scimguard_core::facts::Fact;
use scimguard_core::{Body, Outcome, Request, Settings, Verdict};
use scimguard_interface::{Given, Observed, Pass};
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Store, StoreLimits};

use super::exports::{Exported, Exports};
use super::runtime::{Deadline, Runtime, WAITING};
use super::{Fault, LoadError};

/// A component of the right world, which can only decide.
#[derive(Clone)]
pub(super) struct Accepted {
    pub(super) pre: InstancePre<StoreLimits>,
    exports: Arc<Exports>,
    /// Number of existing instances.
    live: Arc<AtomicUsize>,
}

/// One instance of a component, configured: it serves one pass.
pub struct Instance {
    store: Store<StoreLimits>,
    instance: wasmtime::component::Instance,
    exports: Arc<Exports>,
    /// The facts already given, by number, and whether the body was given.
    known: usize,
    has_body: bool,
    live: Live,
}

/// Counts an existing instance.
struct Live(Arc<AtomicUsize>);

/// Accepts a component as a policy.
pub(super) fn accept(
    runtime: &Runtime,
    path: &Path,
    component: &Component,
) -> Result<Accepted, LoadError> {
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
    let exports = Exports::of(component).map_err(|reason| LoadError::Foreign {
        path: path.to_owned(),
        reason,
    })?;
    let pre = Linker::new(runtime.engine())
        .instantiate_pre(component)
        .map_err(|error| foreign(path, &error))?;
    let accepted = Accepted {
        pre,
        exports: Arc::new(exports),
        live: Arc::default(),
    };
    let mut instance = empty(runtime, &accepted)?;
    instance
        .exported()
        .check()
        .map_err(|error| foreign(path, &error))?;
    Ok(accepted)
}

/// An instance that has read the policy document.
pub(super) fn configured(
    runtime: &Runtime,
    policy: &Accepted,
    document: &str,
) -> Result<(Instance, Settings), LoadError> {
    let mut instance = empty(runtime, policy)?;
    let settings = instance.configure(document)?;
    Ok((instance, settings))
}

/// An unconfigured instance.
pub(super) fn empty(runtime: &Runtime, policy: &Accepted) -> Result<Instance, Fault> {
    let mut store = runtime.store();
    Deadline::Call.set(&mut store);
    let instance = policy.pre.instantiate(&mut store)?;
    Ok(Instance {
        store,
        instance,
        exports: Arc::clone(&policy.exports),
        known: 0,
        has_body: false,
        live: Live::new(&policy.live),
    })
}

pub(super) fn foreign(path: &Path, error: &wasmtime::Error) -> LoadError {
    LoadError::Foreign {
        path: path.to_owned(),
        reason: format!("{error:#}"),
    }
}

// === impl Live ===

impl Live {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

// === impl Instance ===

impl Instance {
    /// Whether there are too many instances to keep a waiting one.
    pub(super) fn is_crowded(&self) -> bool {
        self.live.0.load(Ordering::Relaxed) > WAITING
    }

    fn exported(&mut self) -> Exported<'_> {
        Exported {
            exports: &self.exports,
            instance: self.instance,
            store: &mut self.store,
        }
    }

    pub(super) fn configure(&mut self, document: &str) -> Result<Settings, LoadError> {
        Deadline::Configuration.set(&mut self.store);
        let configure = self.exported().configure().map_err(Fault::from)?;
        let (configured,) = configure
            .call(&mut self.store, (document,))
            .map_err(Fault::from)?;
        configured.map_err(LoadError::Policy)
    }

    /// The facts not given yet.
    fn new_facts<'a>(&mut self, given: Given<'a>) -> &'a [Fact] {
        let known = std::mem::replace(&mut self.known, given.facts.len());
        given.facts.get(known..).unwrap_or_default()
    }

    /// The body, if not given yet.
    fn new_body<'a>(&mut self, request: &'a Request) -> Option<&'a Body> {
        let is_new = !self.has_body && request.body != Body::Unread;
        self.has_body |= is_new;
        is_new.then_some(&request.body)
    }

    pub(super) fn into_parts(self) -> (Store<StoreLimits>, wasmtime::component::Instance) {
        (self.store, self.instance)
    }
}

impl Pass for Instance {
    type Fault = Fault;

    fn evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Fault> {
        (self.known, self.has_body) = (0, given.request.body != Body::Unread);
        let facts = self.new_facts(given);
        let evaluate = self.exported().evaluate()?;
        Deadline::Call.set(&mut self.store);
        let parameters = (&**given.request, facts, given.now);
        let (verdict,) = evaluate.call(&mut self.store, parameters)?;
        Ok(verdict)
    }

    fn resume_evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Fault> {
        let (body, facts) = (self.new_body(given.request), self.new_facts(given));
        let resume = self.exported().resume_evaluate()?;
        Deadline::Call.set(&mut self.store);
        let (verdict,) = resume.call(&mut self.store, (body, facts, given.now))?;
        Ok(verdict)
    }

    fn observe(&mut self, observed: &Arc<Observed>, given: Given<'_>) -> Result<Outcome, Fault> {
        self.known = 0;
        let facts = self.new_facts(given);
        let observe = self.exported().observe()?;
        Deadline::Call.set(&mut self.store);
        let Observed {
            continuation,
            outcome,
        } = &**observed;
        let parameters = (&**continuation, outcome, facts, given.now);
        let (outcome,) = observe.call(&mut self.store, parameters)?;
        Ok(outcome)
    }

    fn resume_observe(&mut self, given: Given<'_>) -> Result<Outcome, Fault> {
        let facts = self.new_facts(given);
        let resume = self.exported().resume_observe()?;
        Deadline::Call.set(&mut self.store);
        let (outcome,) = resume.call(&mut self.store, (facts, given.now))?;
        Ok(outcome)
    }
}
