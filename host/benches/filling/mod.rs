//! The initial import: `scimguard import` from an application that answers at once, and the size of
//! the store afterwards.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use serde_json::{Value, json};
use tokio::process::Command;

const USERS: usize = 100_000;
const MEMBERS: usize = 100_000;

/// As many as `import` requests.
const PAGE: usize = 200;

/// Nothing here takes longer.
const LIMIT: Duration = Duration::from_secs(120);

/// The application's answers, ready to be sent.
struct Answers {
    pages: Vec<String>,
    groups: String,
    group: String,
}

/// Prints the rates and sizes.
pub(crate) async fn figures(folder: &Path) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let backend = listener.local_addr()?;
    let routes = Router::new()
        .fallback(answer)
        .with_state(Arc::new(Answers::new()));
    let server = tokio::spawn(async move { axum::serve(listener, routes).await });

    let policy = json!({"version": 1, "preset": "generic",
                        "scim": {"upstream_base": "/", "account": "ACC1"}});
    std::fs::write(folder.join("policy.json"), policy.to_string())?;
    let configuration = format!(
        "listen = \"127.0.0.1:0\"\nbackend = \"http://{backend}\"\nstore = \"sqlite:import.db\"\n\
         policy = \"policy.json\"\nengine = \"native\"\n"
    );
    std::fs::write(folder.join("import.toml"), configuration)?;

    println!(
        "\n{:44} {:>9} {:>9}",
        "initial import", "a second", "bytes each"
    );
    let mut size = 0;
    for (name, only, count) in [
        ("  users", "users", USERS),
        ("  members of one group", "groups", MEMBERS),
    ] {
        let took = import(folder, only).await?;
        let grown = std::fs::metadata(folder.join("import.db"))?.len();
        let each = (grown - size) / u64::try_from(count)?;
        size = grown;
        let rate = f64::from(u32::try_from(count)?) / took.as_secs_f64();
        println!("{name:44} {rate:9.0} {each:9}");
    }
    server.abort();
    Ok(())
}

async fn import(folder: &Path, only: &str) -> anyhow::Result<Duration> {
    let started = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_scimguard"));
    command
        .args([
            "import",
            "--account",
            "ACC1",
            "--no-credential",
            "--only",
            only,
        ])
        .args(["--page", &PAGE.to_string(), "--config"])
        .arg(folder.join("import.toml"))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(LIMIT, command.output())
        .await
        .context("the import does not end")??;
    let took = started.elapsed();
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(took)
}

impl Answers {
    fn new() -> Self {
        let users: Vec<Value> = (0..USERS).map(user).collect();
        let members: Vec<Value> = (0..MEMBERS)
            .map(|number| {
                json!({"value": id(number), "display": format!("user{number}@example.com")})
            })
            .collect();
        let group = json!({"id": "everybody", "displayName": "everybody"});
        let mut whole = group.clone();
        whole["members"] = json!(members);
        Self {
            pages: users.chunks(PAGE).map(|page| list(USERS, page)).collect(),
            groups: list(1, &[group]),
            group: whole.to_string(),
        }
    }
}

async fn answer(State(answers): State<Arc<Answers>>, uri: Uri) -> String {
    if uri.path().starts_with("/Groups/") {
        return answers.group.clone();
    }
    if uri.path() == "/Groups" {
        return answers.groups.clone();
    }
    let start = uri.query().unwrap_or_default().split('&').find_map(|pair| {
        let start: usize = pair.strip_prefix("startIndex=")?.parse().ok()?;
        start.checked_sub(1)
    });
    let page = answers.pages.get(start.unwrap_or_default() / PAGE);
    page.cloned().unwrap_or_else(|| list(USERS, &[]))
}

/// As long as the ids of most servers.
fn id(number: usize) -> String {
    format!("3f2b9c1e-7a54-4d7e-9d0c-{number:012}")
}

fn user(number: usize) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": id(number),
        "externalId": format!("00u{number:017}"),
        "userName": format!("user{number}@example.com"),
        "name": {"givenName": "Ann", "familyName": "Lee"},
        "displayName": "Ann Lee",
        "emails": [{"value": format!("user{number}@example.com"), "type": "work", "primary": true}],
        "active": true,
        "meta": {"resourceType": "User", "created": "2026-05-01T00:00:00Z"}
    })
}

fn list(total: usize, resources: &[Value]) -> String {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
    .to_string()
}
