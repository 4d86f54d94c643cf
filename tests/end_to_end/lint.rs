//! `scimguard lint`: the fixtures with their exit codes, the log of a real guard, and an exchange
//! with a stock SCIM server.

use std::path::{Path, PathBuf};
use std::process::Output;

use anyhow::{Context as _, ensure};
use scimguard_tests::client::{Answer, Client};
use scimguard_tests::environment::{self, PROGRAM};
use scimguard_tests::fixtures::{ACCOUNT, GENERIC_BASE, SCIM2_MOUNT, USER, generic};
use scimguard_tests::guard::Guard;
use scimguard_tests::okta::{patch, user};
use scimguard_tests::process::{self, Server};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("lint")
        .join(name)
}

async fn lint(options: &[&str], file: &Path) -> anyhow::Result<Output> {
    let mut command = Command::new(environment::file(PROGRAM));
    command.arg("lint").args(options).arg(file);
    process::run(&mut command).await
}

/// The exit code, and the points that were found.
async fn points(options: &[&str], file: &Path) -> anyhow::Result<(Option<i32>, Vec<String>)> {
    let options = [&["--json"], options].concat();
    let output = lint(&options, file).await?;
    let report: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    let found = report["points"].as_array().context("no points")?;
    let ids = found.iter().filter_map(|point| point["point"].as_str());
    Ok((output.status.code(), ids.map(str::to_owned).collect()))
}

#[tokio::test]
async fn the_exit_code_says_whether_anything_departs() -> anyhow::Result<()> {
    let (code, found) = points(&[], &fixture("conformant.json")).await?;
    ensure!((code, found.len()) == (Some(0), 0), "{code:?} {found:?}");
    let (code, found) = points(&["--profile", "ipsie"], &fixture("exchange.har")).await?;
    ensure!(code == Some(1), "{code:?} {found:?}");
    ensure!(found.contains(&"request.password".to_owned()), "{found:?}");
    let output = lint(&[], Path::new(env!("CARGO_MANIFEST_DIR"))).await?;
    ensure!(output.status.code() == Some(2), "{output:?}");
    ensure!(output.stdout.is_empty(), "{output:?}");
    Ok(())
}

#[tokio::test]
async fn the_log_of_a_guard_tells_what_it_refused() -> anyhow::Result<()> {
    let server = Server::scim2().await?;
    let mut guard = Guard::configure(&server.url, &generic(SCIM2_MOUNT))?;
    let token = guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;
    guard.start().await?;
    let scim = guard.scim(GENERIC_BASE, &token);
    let ann = user("ann", "Ann", "Lee");
    let id = scim.post("/Users", &ann).await?.status(201)?.id()?;
    let moved = patch(json!([{"op": "move", "path": "title"}]));
    let moved = scim.patch(&format!("/Users/{id}"), &moved).await?;
    moved.refused("patch.invalid-op")?;
    guard.terminate().await?;

    let folder = TempDir::new()?;
    let log = folder.path().join("decisions.log");
    std::fs::write(&log, guard.logged())?;
    let (code, found) = points(&[], &log).await?;
    ensure!(code == Some(1), "{code:?} {found:?}");
    ensure!(found.contains(&"patch.invalid-op".to_owned()), "{found:?}");
    Ok(())
}

#[tokio::test]
async fn a_stock_server_keeps_to_the_rfcs() -> anyhow::Result<()> {
    let server = Server::scim2().await?;
    let base = format!("{}{SCIM2_MOUNT}", server.url);
    let mut recorder = Recorder::new(&base);
    let ann = json!({
        "schemas": [USER],
        "userName": "ann", "active": true,
        "emails": [{"value": "ann@example.com", "type": "work", "primary": true}],
    });
    let rename = patch(json!([{"op": "replace", "path": "displayName", "value": "Ann"}]));
    let find = "/Users?filter=userName%20eq%20%22ann%22&startIndex=1&count=10";
    recorder.send("GET", find, None).await?;
    let id = recorder.send("POST", "/Users", Some(&ann)).await?.id()?;
    let path = format!("/Users/{id}");
    recorder.send("GET", find, None).await?;
    recorder
        .send("POST", "/Users", Some(&ann))
        .await?
        .status(409)?;
    recorder.send("PATCH", &path, Some(&rename)).await?;
    recorder.send("GET", &path, None).await?;
    recorder.send("DELETE", &path, None).await?;
    recorder.send("GET", &path, None).await?.status(404)?;
    recorder
        .send("POST", "/Users", Some(&ann))
        .await?
        .status(201)?;

    let folder = TempDir::new()?;
    let har = folder.path().join("exchange.har");
    std::fs::write(&har, recorder.har().to_string())?;
    let output = lint(&["--profile", "rfc"], &har).await?;
    let report = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.code() == Some(0), "{report}");
    ensure!(report.contains("entries: 9"), "{report}");
    Ok(())
}

/// Keeps what goes to a server and what comes back.
struct Recorder {
    client: Client,
    base: String,
    entries: Vec<Value>,
}

impl Recorder {
    fn new(base: &str) -> Self {
        let client = Client::new(base)
            .with("user-agent", "recorder")
            .with("content-type", "application/scim+json");
        Self {
            client,
            base: base.to_owned(),
            entries: Vec::new(),
        }
    }

    async fn send(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let answer = self.client.send(method, path, body).await?;
        let headers: Vec<Value> = answer
            .headers
            .iter()
            .map(|(name, value)| json!({"name": name.as_str(), "value": value.to_str().unwrap_or("")}))
            .collect();
        let text =
            |body: &Value| json!({"mimeType": "application/scim+json", "text": body.to_string()});
        let mut request = json!({
            "method": method, "url": format!("{}{path}", self.base),
            "headers": [{"name": "User-Agent", "value": "recorder"},
                        {"name": "Content-Type", "value": "application/scim+json"}],
        });
        if let Some(body) = body {
            request["postData"] = text(body);
        }
        let content = match &answer.body {
            Value::Null => json!({}),
            body => text(body),
        };
        self.entries.push(json!({
            "request": request,
            "response": {"status": answer.status, "headers": headers, "content": content},
        }));
        Ok(answer)
    }

    /// HAR 1.2.
    fn har(&self) -> Value {
        json!({"log": {"version": "1.2", "entries": self.entries}})
    }
}
