//! Freezes a configured instance into a component whose instances start configured.

use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use scimguard_core::Settings;
use wasmtime::component::Component;
use wasmtime_wizer::{WasmtimeWizerComponent, Wizer};

use super::LoadError;
use super::instance::{accept, configured};
use super::runtime::{Deadline, Runtime};

pub(super) enum Snapshot {
    Taken {
        component: Vec<u8>,
        settings: Settings,
    },
    /// Some components cannot be frozen, such as those composed of several.
    Impossible(String),
}

pub(super) fn take(
    runtime: &Runtime,
    path: &Path,
    bytes: &[u8],
    document: &str,
    compile: impl FnOnce(&[u8]) -> Result<Component, LoadError>,
) -> Result<Snapshot, LoadError> {
    let wizer = Wizer::new();
    let (context, instrumented) = match wizer.instrument_component(bytes) {
        Ok(instrumented) => instrumented,
        Err(error) => return Ok(Snapshot::Impossible(format!("{error:#}"))),
    };
    let component = compile(&instrumented)?;
    let policy = accept(runtime, path, &component)?;
    let (configured, settings) = configured(runtime, &policy, document)?;
    let (mut store, instance) = configured.into_parts();
    Deadline::Snapshot.set(&mut store);
    let mut state = WasmtimeWizerComponent {
        store: &mut store,
        instance,
    };
    Ok(
        match at_once(wizer.snapshot_component(&context, &mut state)) {
            Some(Ok(component)) => Snapshot::Taken {
                component,
                settings,
            },
            Some(Err(error)) => Snapshot::Impossible(format!("{error:#}")),
            None => Snapshot::Impossible("reading its memory did not come to an end".to_owned()),
        },
    )
}

/// The snapshot code is asynchronous, but on memory at hand it never waits.
fn at_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
