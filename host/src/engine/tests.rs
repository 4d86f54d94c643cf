//! No plugin can harm its host.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use scimguard_core::{Body, ConfigError, Request, Verdict};
use scimguard_interface::{Given, Pass as _, Policy};
use tempfile::TempDir;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::runtime::WAITING;
use super::{Engine, Fault, LoadError, Plugin};

#[test]
fn a_fault_refuses_one_request_and_touches_no_other() {
    let place = Place::new();
    let engine = place.snapshot("").unwrap();
    assert!(matches!(ask(&engine, "GET"), Ok(Verdict::Need(_))));

    let trapped = ask(&engine, "TRAP").unwrap_err();
    assert!(matches!(trapped, Fault::Trapped(_)), "{trapped}");
    assert!(matches!(ask(&engine, "GET"), Ok(Verdict::Need(_))));

    let trapped = ask(&engine, "RANGE").unwrap_err();
    assert!(matches!(trapped, Fault::Trapped(_)), "{trapped}");
    assert!(matches!(ask(&engine, "GET"), Ok(Verdict::Need(_))));
}

#[test]
fn a_plugin_that_does_not_end_is_ended() {
    let place = Place::new();
    let engine = place.snapshot("").unwrap();
    let started = Instant::now();
    let fault = ask(&engine, "LOOP").unwrap_err();
    assert!(matches!(fault, Fault::Timeout), "{fault}");
    assert!(started.elapsed() >= Duration::from_millis(900));
    assert!(matches!(ask(&engine, "GET"), Ok(Verdict::Need(_))));
}

#[test]
fn a_plugin_that_takes_all_memory_is_ended() {
    let place = Place::new();
    let engine = place.snapshot("").unwrap();
    let fault = ask(&engine, "MEMORY").unwrap_err();
    assert!(
        matches!(&fault, Fault::Trapped(reason) if reason.contains("grow")),
        "{fault}"
    );
    assert!(matches!(ask(&engine, "GET"), Ok(Verdict::Need(_))));
}

#[test]
fn every_call_has_a_fresh_instance_and_a_session_has_one() {
    let place = Place::new();
    let snapshot = place.snapshot("").unwrap();
    let configured = place.plugin().unwrap().configure("").unwrap();
    for engine in [snapshot, configured] {
        assert!(ask(&engine, "GET").is_ok());
        assert!(ask(&engine, "GET").is_ok());
        let session = engine.session().unwrap();
        assert!(ask(&session, "GET").is_ok());
        assert!(ask(&session, "GET").is_err());
    }
}

#[test]
fn passes_wait_in_their_instances_or_begin_again_where_there_are_too_many() {
    let place = Place::new();
    let engine = place.snapshot("").unwrap();
    let request = Arc::new(request("GET"));
    let given = Given {
        request: &request,
        facts: &Arc::default(),
        now: 0,
    };
    // More than the pool has.
    let mut passes: Vec<_> = (0..1_200).map(|_| engine.pass().unwrap()).collect();
    for pass in &mut passes {
        assert!(matches!(pass.evaluate(given), Ok(Verdict::Need(_))));
    }
    // This plugin can be started, but not resumed.
    let resumed = passes.iter_mut().map(|pass| pass.resume_evaluate(given));
    let trapped = resumed.filter(Result::is_err).count();
    assert_eq!(trapped, WAITING);
}

#[test]
fn the_faults_of_a_policy_document_have_their_places() {
    let place = Place::new();
    let expected = vec![ConfigError {
        pointer: "/mode".to_owned(),
        message: "what is meant".to_owned(),
    }];
    for refused in [
        place.snapshot("!").err(),
        place.plugin().unwrap().configure("!").err(),
    ] {
        let Some(LoadError::Policy(errors)) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(errors, expected);
    }
}

#[test]
fn a_plugin_with_imports_is_refused_by_name() {
    let place = Place::new();
    let component = r#"(component
        (import "wasi:cli/environment@0.2.0" (instance (export "read" (func)))))"#;
    place.write(&wat::parse_str(component).unwrap());
    let refused = place.snapshot("").err();
    let Some(LoadError::Imports { imports, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(imports, ["wasi:cli/environment@0.2.0"]);
}

#[test]
fn a_policy_need_not_have_a_sign_on_check() {
    let plugin = Place::new().plugin().unwrap();
    let refused = plugin.sign_on(None, None, "ann@example.com").err();
    assert!(matches!(refused, Some(LoadError::NoSignOn)), "{refused:?}");
}

#[test]
fn what_is_no_policy_is_refused() {
    let place = Place::new();
    for bytes in [
        &b"not even Wasm"[..],
        b"\0asm",
        &wat::parse_str("(module)").unwrap(),
    ] {
        place.write(bytes);
        for refused in [place.snapshot("").err(), place.plugin().err()] {
            let Some(refused @ LoadError::NoComponent { .. }) = refused else {
                panic!("{refused:?}");
            };
            let said = refused.to_string();
            assert!(said.contains("is no WebAssembly component"), "{said}");
        }
    }
    place.write(&wat::parse_str("(component)").unwrap());
    for refused in [place.snapshot("").err(), place.plugin().err()] {
        assert!(
            matches!(refused, Some(LoadError::Foreign { .. })),
            "{refused:?}"
        );
    }
    fs::remove_file(place.component()).unwrap();
    assert!(matches!(place.plugin().err(), Some(LoadError::Read { .. })));
}

#[test]
fn a_plugin_of_another_version_is_told_which_one_is_needed() {
    let place = Place::new();
    let component = r#"(component
        (component $policy)
        (instance $guard (instantiate $policy))
        (export "scimguard:policy/guard@0.1.0" (instance $guard)))"#;
    place.write(&wat::parse_str(component).unwrap());
    for refused in [place.snapshot("").err(), place.plugin().err()] {
        let Some(LoadError::Foreign { reason, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert!(
            reason.contains("version 0.1.0") && reason.contains("needs 0.2.0"),
            "{reason}"
        );
    }
}

#[test]
fn a_plugin_that_cannot_be_frozen_is_configured_for_each_call() {
    let place = Place::new();
    // The snapshot cannot hold vectors in global variables.
    place.write(&hostile("(global (mut v128) (v128.const i64x2 0 0))"));
    let engine = place.snapshot("").unwrap();
    assert!(ask(&engine, "GET").is_ok());
    assert!(ask(&engine, "GET").is_ok());
}

#[test]
fn a_damaged_or_foreign_cache_entry_is_made_anew() {
    let place = Place::new();
    assert!(ask(&place.snapshot("").unwrap(), "GET").is_ok());
    // The plugin to be configured, its snapshot, and the functions of both.
    let entries = place.cached();
    assert_eq!(entries.len(), 3, "{entries:?}");
    let intact: Vec<Vec<u8>> = entries.iter().map(|it| fs::read(it).unwrap()).collect();
    type Damage = fn(&[u8]) -> Vec<u8>;
    let damages: [Damage; 4] = [
        |whole| [&whole[..whole.len() - 1], &[!whole[whole.len() - 1]]].concat(),
        |whole| whole[..whole.len() / 2].to_vec(),
        |_| Vec::new(),
        |_| b"\x7fELF".to_vec(),
    ];
    for damage in damages {
        for (entry, intact) in entries.iter().zip(&intact) {
            fs::write(entry, damage(intact)).unwrap();
        }
        assert!(ask(&place.snapshot("").unwrap(), "GET").is_ok());
        for (entry, intact) in entries.iter().zip(&intact) {
            assert!(fs::read(entry).unwrap().len() >= intact.len() - 64);
        }
    }
    assert_eq!(place.cached(), entries);
}

#[test]
fn another_policy_document_adds_only_its_snapshot() {
    let place = Place::new();
    assert!(ask(&place.snapshot("").unwrap(), "GET").is_ok());
    let before = place.cached();
    assert!(ask(&place.snapshot("{}").unwrap(), "GET").is_ok());
    let after = place.cached();
    assert_eq!(after.len(), before.len() + 1, "{after:?}");
    assert!(before.iter().all(|file| after.contains(file)), "{after:?}");
}

#[test]
fn the_cache_is_one_users_alone() {
    let place = Place::new();
    fs::create_dir(place.cache()).unwrap();
    fs::set_permissions(place.cache(), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(ask(&place.snapshot("").unwrap(), "GET").is_ok());
    assert!(place.cached().is_empty());

    fs::remove_dir(place.cache()).unwrap();
    assert!(ask(&place.snapshot("").unwrap(), "GET").is_ok());
    let mode = fs::metadata(place.cache()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert_eq!(place.cached().len(), 3);
}

/// A folder with a plugin and a cache, for one test.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(TempDir::new().unwrap());
        place.write(&hostile(""));
        place
    }

    fn write(&self, component: &[u8]) {
        fs::write(self.component(), component).unwrap();
    }

    fn component(&self) -> PathBuf {
        self.0.path().join("plugin.wasm")
    }

    fn cache(&self) -> PathBuf {
        self.0.path().join("cache")
    }

    fn cached(&self) -> Vec<PathBuf> {
        fs::read_dir(self.cache())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect()
    }

    fn snapshot(&self, policy: &str) -> Result<Engine, LoadError> {
        Engine::load_snapshot(&self.component(), policy, &self.cache())
    }

    fn plugin(&self) -> Result<Plugin, LoadError> {
        Plugin::load(&self.component(), &self.cache())
    }
}

fn hostile(spare: &str) -> Vec<u8> {
    let text = include_str!("hostile.wat").replace(";; SPARE", spare);
    let mut module = wat::parse_str(text).unwrap();
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
    let (package, _) = resolve.push_path(wit).unwrap();
    let world = resolve.select_world(&[package], Some("policy")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default()
        .module(&module)
        .unwrap()
        .validate(true)
        .encode()
        .unwrap()
}

fn request(method: &str) -> Request {
    Request {
        method: method.to_owned(),
        path: "/".to_owned(),
        headers: Vec::new(),
        body: Body::Unread,
        annotate: false,
    }
}

fn ask(policy: &impl Policy<Fault = Fault>, method: &str) -> Result<Verdict, Fault> {
    let given = Given {
        request: &Arc::new(request(method)),
        facts: &Arc::default(),
        now: 0,
    };
    policy.pass()?.evaluate(given)
}
