//! Implementations of PATCH by other projects, each in a process of its own that is given one JSON
//! document a line and answers with one.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use scimguard_tests::environment::{NODE_MODULES, PYTHON, file};
use serde::Deserialize;
use serde_json::{Value, json};

const TIME_LIMIT: Duration = Duration::from_secs(60);

/// A running implementation.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    process: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

/// Why a PATCH was not applied.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Refusal {
    #[serde(rename = "scimType")]
    pub(crate) scim_type: Option<String>,
    pub(crate) detail: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Resource(Value),
    Error(Refusal),
}

// === impl Peer ===

impl Peer {
    /// Every implementation.
    pub(crate) fn all() -> Vec<Self> {
        let node = |script: &str| {
            let mut command = Command::new("node");
            command.arg(script).env(NODE_MODULES, file(NODE_MODULES));
            command
        };
        let python = |policy: &str| {
            let mut command = Command::new(file(PYTHON));
            command.args(["apply_scim2_models.py", policy]);
            command
        };
        vec![
            Self::start("scim-patch", node("apply-scim-patch.mjs")),
            Self::start("scimmy", node("apply-scimmy.mjs")),
            Self::start("scim2-models", python("strict")),
            Self::start("scim2-models, tolerant", python("tolerant")),
        ]
    }

    fn start(name: &'static str, mut command: Command) -> Self {
        let mut process = command
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("peers"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        let input = process.stdin.take().expect("standard input is a pipe");
        let output = process.stdout.take().expect("standard output is a pipe");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            name,
            process,
            input,
            lines,
        }
    }

    /// The resource after a PATCH as a client sent it.
    pub(crate) fn apply_sent(&mut self, resource: &Value, patch: &Value) -> Result<Value, Refusal> {
        self.ask(&json!({"resource": resource, "patch": patch, "sent": true}))
    }

    /// The resource after a PATCH that the guard forwards.
    pub(crate) fn apply_forwarded(
        &mut self,
        resource: &Value,
        patch: &Value,
    ) -> Result<Value, Refusal> {
        self.ask(&json!({"resource": resource, "patch": patch, "sent": false}))
    }

    fn ask(&mut self, question: &Value) -> Result<Value, Refusal> {
        let name = self.name;
        writeln!(self.input, "{question}")
            .unwrap_or_else(|error| panic!("{name} does not read: {error}"));
        let line = self
            .lines
            .recv_timeout(TIME_LIMIT)
            .unwrap_or_else(|error| panic!("{name} does not answer {question}: {error}"));
        match serde_json::from_str(&line) {
            Ok(Answer::Resource(resource)) => Ok(resource),
            Ok(Answer::Error(refusal)) => Err(refusal),
            Err(error) => panic!("{name} answered {line:?}: {error}"),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
