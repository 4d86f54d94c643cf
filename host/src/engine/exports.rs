//! The functions that a component must export to be a policy (`wit/policy.wit`), found by name in
//! the component and by type in each instance.

use scimguard_core::facts::Fact;
use scimguard_core::{BackendOutcome, Body, ConfigError, Outcome, Request, Settings, Verdict};
use wasmtime::component::{
    Component, ComponentExportIndex, ComponentNamedList, Instance, Lift, Lower, TypedFunc,
};
use wasmtime::{Store, StoreLimits};

/// The interface, without its version.
const INTERFACE: &str = "scimguard:policy/guard@";

/// The version of the interface that this host speaks.
pub(super) const VERSION: &str = "0.2.0";

type Configure<'a> = TypedFunc<(&'a str,), (Result<Settings, Vec<ConfigError>>,)>;
type Evaluate<'a> = TypedFunc<(&'a Request, &'a [Fact], u64), (Verdict,)>;
type ResumeEvaluate<'a> = TypedFunc<(Option<&'a Body>, &'a [Fact], u64), (Verdict,)>;
type Observe<'a> = TypedFunc<(&'a [u8], &'a BackendOutcome, &'a [Fact], u64), (Outcome,)>;
type ResumeObserve<'a> = TypedFunc<(&'a [Fact], u64), (Outcome,)>;

/// The policy functions of a component.
pub(super) struct Exports {
    configure: ComponentExportIndex,
    evaluate: ComponentExportIndex,
    resume_evaluate: ComponentExportIndex,
    observe: ComponentExportIndex,
    resume_observe: ComponentExportIndex,
}

/// One instance with its memory.
pub(super) struct Exported<'a> {
    pub(super) exports: &'a Exports,
    pub(super) instance: Instance,
    pub(super) store: &'a mut Store<StoreLimits>,
}

// === impl Exports ===

impl Exports {
    /// Finds them.
    ///
    /// # Errors
    /// What is missing, in words.
    pub(super) fn of(component: &Component) -> Result<Self, String> {
        let name = format!("{INTERFACE}{VERSION}");
        let Some(interface) = component.get_export_index(None, &name) else {
            return Err(other_version(component));
        };
        let function = |function: &str| {
            component
                .get_export_index(Some(&interface), function)
                .ok_or_else(|| format!("{name} has no function {function}"))
        };
        Ok(Self {
            configure: function("configure")?,
            evaluate: function("evaluate")?,
            resume_evaluate: function("resume-evaluate")?,
            observe: function("observe")?,
            resume_observe: function("resume-observe")?,
        })
    }
}

/// The reason why there is no such interface.
fn other_version(component: &Component) -> String {
    let engine = component.engine();
    let exported = component.component_type();
    let version = exported
        .exports(engine)
        .find_map(|(name, _)| name.strip_prefix(INTERFACE).map(ToOwned::to_owned));
    match version {
        Some(version) => format!(
            "it is made for version {version} of the interface, and this scimguard needs {VERSION}; \
             build it again with the wit/policy.wit of this scimguard"
        ),
        None => format!("it does not export {INTERFACE}{VERSION}"),
    }
}

// === impl Exported ===

impl Exported<'_> {
    /// Whether every function has the type that the interface gives it.
    pub(super) fn check(&mut self) -> wasmtime::Result<()> {
        self.configure()?;
        self.evaluate()?;
        self.resume_evaluate()?;
        self.observe()?;
        self.resume_observe()?;
        Ok(())
    }

    pub(super) fn configure<'a>(&mut self) -> wasmtime::Result<Configure<'a>> {
        self.typed(&self.exports.configure)
    }

    pub(super) fn evaluate<'a>(&mut self) -> wasmtime::Result<Evaluate<'a>> {
        self.typed(&self.exports.evaluate)
    }

    pub(super) fn resume_evaluate<'a>(&mut self) -> wasmtime::Result<ResumeEvaluate<'a>> {
        self.typed(&self.exports.resume_evaluate)
    }

    pub(super) fn observe<'a>(&mut self) -> wasmtime::Result<Observe<'a>> {
        self.typed(&self.exports.observe)
    }

    pub(super) fn resume_observe<'a>(&mut self) -> wasmtime::Result<ResumeObserve<'a>> {
        self.typed(&self.exports.resume_observe)
    }

    fn typed<Parameters, Results>(
        &mut self,
        export: &ComponentExportIndex,
    ) -> wasmtime::Result<TypedFunc<Parameters, Results>>
    where
        Parameters: ComponentNamedList + Lower,
        Results: ComponentNamedList + Lift,
    {
        self.instance.get_typed_func(&mut *self.store, export)
    }
}
