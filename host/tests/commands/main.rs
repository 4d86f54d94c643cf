//! The command line of the real program: its exit codes, its output, and what it says beside that.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod configuration;
mod faults;
mod init;
mod policy;
mod serving;
mod settings;
mod tokens;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const CONFIG: &str = "listen = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n\
                      backend = \"http://127.0.0.1:9\"\nstore = \"sqlite:guard.db\"\n\
                      engine = \"native\"\n";

fn folder(config: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("guard.toml"), config).unwrap();
    folder
}

fn scimguard(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scimguard"));
    command
        .args(arguments.split(' '))
        .args(["--config", "guard.toml"])
        .current_dir(folder)
        .stdin(Stdio::null());
    command
}

fn run(folder: &TempDir, arguments: &str) -> Output {
    scimguard(folder.path(), arguments).output().unwrap()
}

/// The same without a configuration.
fn bare(folder: &TempDir, arguments: &str) -> Output {
    without_configuration(folder, arguments).output().unwrap()
}

fn without_configuration(folder: &TempDir, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scimguard"));
    command
        .args(arguments.split(' '))
        .current_dir(folder.path())
        .env_remove("SCIMGUARD_CONFIG")
        .stdin(Stdio::null());
    command
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

const PRINCIPAL: &str =
    "principal create --account ACC1 --id svc-okta --kind service-account --permissions all";
const TOKEN: &str =
    "token create --account ACC1 --principal svc-okta --provider okta --expires 90d --id t1";
