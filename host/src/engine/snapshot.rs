//! A configured instance, frozen into a component of its own whose instances start configured.

use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use scimguard_core::Settings;
use wasmtime_wizer::{WasmtimeWizerComponent, Wizer};

use super::LoadError;
use super::instance::{accept, configured, foreign};
use super::runtime::{Deadline, Runtime};

pub(super) enum Snapshot {
    Taken {
        component: Vec<u8>,
        settings: Settings,
    },
    /// Components may be built in ways that cannot be frozen, of several components for instance.
    Impossible(String),
}

pub(super) fn take(
    runtime: &Runtime,
    path: &Path,
    bytes: &[u8],
    document: &str,
) -> Result<Snapshot, LoadError> {
    let wizer = Wizer::new();
    let (context, instrumented) = match wizer.instrument_component(bytes) {
        Ok(instrumented) => instrumented,
        Err(error) => return Ok(Snapshot::Impossible(format!("{error:#}"))),
    };
    let component = runtime
        .compile(&instrumented)
        .map_err(|error| foreign(path, &error))?;
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

/// Taking a snapshot is written as if it could wait; on memory at hand it never does.
fn at_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
