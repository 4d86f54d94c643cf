//! Faults exit with 2, are said once, and come with what to do; nothing to do is said too.

use std::process::Output;

use tempfile::TempDir;

use crate::{CONFIG, TOKEN, folder, run, stderr, stdout, without_configuration};

#[test]
fn faults_exit_with_2_and_say_what_to_do() {
    let folder = folder(CONFIG);
    let nobody = run(&folder, TOKEN);
    assert_eq!(nobody.status.code(), Some(2));
    assert!(stderr(&nobody).contains("scimguard principal create") && nobody.stdout.is_empty());
    std::fs::write(
        folder.path().join("guard.toml"),
        format!("{CONFIG}lisen = 1\n"),
    )
    .unwrap();
    let typo = run(&folder, "serve");
    assert_eq!(typo.status.code(), Some(2));
    let message = stderr(&typo);
    assert!(
        message.contains("guard.toml") && message.contains("line 6"),
        "{message}"
    );
}

/// A command that fails, and its complaint.
fn refused(folder: &TempDir, line: &str) -> String {
    let output = run(folder, line);
    let said = stderr(&output).to_owned();
    assert_eq!(output.status.code(), Some(2), "{line}: {said}");
    said
}

#[test]
fn a_fault_is_said_once() {
    let gone = folder(&CONFIG.replace("guard.db", "gone/guard.db"));
    let said = refused(&gone, "token list");
    assert_eq!(
        said.matches("No such file or directory").count(),
        1,
        "{said}"
    );

    let folder = folder(CONFIG);
    std::fs::write(folder.path().join("guard.db"), "no database".repeat(1000)).unwrap();
    let said = refused(&folder, "token list");
    assert_eq!(said.matches("not an SQLite database").count(), 1, "{said}");
    assert!(said.contains("guard.db"), "{said}");
}

#[test]
fn a_plugin_that_is_none_is_called_so_and_a_compilation_is_announced() {
    let folder = folder(CONFIG);
    let request = r#"{"method": "GET", "path": "/", "headers": {}}"#;
    std::fs::write(folder.path().join("request.json"), request).unwrap();
    // The smallest component.
    std::fs::write(folder.path().join("empty.wasm"), b"\0asm\x0d\0\x01\0").unwrap();
    let check = |component: &str| {
        let line = format!("check --engine wasm --component {component} request.json");
        let output = without_configuration(&folder, &line)
            .env("XDG_CACHE_HOME", folder.path().join("cache"))
            .env_remove("RUST_LOG")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        stderr(&output).to_owned()
    };
    let said = check("request.json");
    assert!(
        said.contains("request.json is no WebAssembly component"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    let said = check("empty.wasm");
    assert!(said.contains("compiling the policy plugin; "), "{said}");
    assert!(said.contains("empty.wasm: not a plugin"), "{said}");
}

#[test]
fn nothing_to_retry_and_nobody_on_record_are_said() {
    let folder = folder(CONFIG);
    let all = |output: &Output| format!("{}{}", stdout(output), stderr(output));
    for line in ["retry --list", "retry"] {
        let output = run(&folder, line);
        assert!(output.status.success(), "{line}: {}", stderr(&output));
        assert_eq!(all(&output), "nothing to retry\n", "{line}");
    }
    let output = run(&folder, "owners --account ACC1 --user nobody@example.com");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stdout(&output).contains("is not on record"),
        "{}",
        stdout(&output)
    );
}
