//! What identity providers send, to servers of other projects: alone, and through the guard. The
//! requests, and what must be true after each, are in `tests/peers/requests.json`; what came of
//! them is the table in `docs/interop.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, ensure};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use scimguard_tests::client::{Answer, Client};
use scimguard_tests::fixtures::{ACCOUNT, GENERIC_BASE, SCIM2_MOUNT, SCIMMY_MOUNT, generic};
use scimguard_tests::guard::Guard;
use scimguard_tests::okta::scim_client;
use scimguard_tests::process::Server;
use serde::Deserialize;
use serde_json::Value;

/// What may not stand in a query as it is (RFC 3986 §3.4).
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'[').add(b']');

#[tokio::test]
async fn what_identity_providers_send_works_through_the_guard() -> anyhow::Result<()> {
    let book: Book = serde_json::from_str(include_str!("../peers/requests.json"))?;
    let (scimmy, scim2) = tokio::try_join!(
        async { both_ways(&book, Server::scimmy().await?, SCIMMY_MOUNT).await },
        async { both_ways(&book, Server::scim2().await?, SCIM2_MOUNT).await },
    )?;
    let table = table(&book, &scimmy, &scim2);
    let mut failures = String::new();
    for (server, outcomes) in [("scimmy", &scimmy), ("scim2-server", &scim2)] {
        for (request, Both { guarded, .. }) in book.requests.iter().zip(outcomes) {
            let name = &request.name;
            match (guarded.complaint(), request.stays.get(server)) {
                (Some(complaint), None) => writeln!(failures, "{server}: {name}: {complaint}")?,
                (None, Some(why)) => writeln!(failures, "{server}: {name} works: {why}")?,
                _ => {}
            }
        }
    }
    ensure!(
        failures.is_empty(),
        "through the guard, these are not as expected:\n{failures}\n{table}"
    );
    ensure!(
        include_str!("../../docs/interop.md").contains(&table),
        "the table in docs/interop.md is not what came of the requests:\n{table}"
    );
    Ok(())
}

/// The document of the requests.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Book {
    #[serde(rename = "about")]
    _about: Vec<String>,
    #[serde(rename = "faults")]
    _faults: Vec<Fault>,
    resources: BTreeMap<String, Resource>,
    requests: Vec<Request>,
}

/// What turned out to be wrong in a server, for the reader.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    #[serde(rename = "server")]
    _server: String,
    #[serde(rename = "fault")]
    _fault: String,
    #[serde(rename = "source")]
    _source: String,
}

/// A resource that is there before a request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resource {
    path: String,
    body: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    name: String,
    sender: String,
    /// Where it is documented or was reported.
    #[serde(rename = "source")]
    _source: Vec<String>,
    /// Names of resources, in the order in which they are created.
    given: Vec<String>,
    method: String,
    path: String,
    body: Option<Value>,
    /// What the client's answer contains.
    answer: Option<Value>,
    /// What the server has afterwards.
    #[serde(default)]
    then: Vec<Stored>,
    /// The servers at which it does not work through the guard either, and why.
    #[serde(default)]
    stays: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    path: String,
    #[serde(default = "found")]
    status: u16,
    contains: Option<Value>,
}

fn found() -> u16 {
    200
}

/// What came of a request, without the guard and with it.
struct Both {
    alone: Outcome,
    guarded: Outcome,
}

enum Outcome {
    Works,
    Refused(Answer),
    /// A success, and something else than what was asked for.
    Wrong(String),
}

/// A server, and how a client gets to it.
struct Way {
    client: Client,
    server: Client,
}

/// What comes of each request, alone and through the guard.
async fn both_ways(book: &Book, server: Server, mount: &str) -> anyhow::Result<Vec<Both>> {
    let mut policy = generic(mount);
    policy["provider"] = "entra".into();
    let mut guard = Guard::configure(&server.url, &policy)?;
    let token = guard.token(ACCOUNT, "svc-entra", Some("entra")).await?;
    guard.start().await?;

    let direct = format!("{}{mount}", server.url);
    let alone = Way {
        client: scim_client(&direct, "any"),
        server: Client::new(&direct),
    };
    let guarded = Way {
        client: guard.scim(GENERIC_BASE, &token),
        server: Client::new(&direct),
    };
    let mut outcomes = Vec::new();
    for request in &book.requests {
        let ask = |way| async move {
            let outcome = outcome(book, request, way).await;
            outcome.with_context(|| format!("{mount}: {}", request.name))
        };
        outcomes.push(Both {
            alone: ask(&alone).await?,
            guarded: ask(&guarded).await?,
        });
    }
    Ok(outcomes)
}

/// Creates what is given, sends the request, looks at what came of it, and deletes everything.
async fn outcome(book: &Book, request: &Request, way: &Way) -> anyhow::Result<Outcome> {
    let mut ids = Ids::default();
    let mut created = Vec::new();
    for name in &request.given {
        let resource = book.resources.get(name);
        let Resource { path, body } = resource.with_context(|| format!("no resource {name}"))?;
        let answer = way.client.post(path, &ids.fill(body)).await?;
        let id = answer.status(201)?.id()?;
        created.push(format!("{path}/{id}"));
        ids.0.insert(name.clone(), id);
    }
    let path = utf8_percent_encode(&ids.text(&request.path), QUERY).to_string();
    let before = match request.method.as_str() {
        "PATCH" => Some(way.server.get(&path).await?.status(200)?.body),
        _ => None,
    };
    let body = request.body.as_ref().map(|body| ids.fill(body));
    let answer = way.client.send(&request.method, &path, body.as_ref());
    let answer = answer.await?;
    if request.method == "POST"
        && let Ok(id) = answer.id()
    {
        created.push(format!("{}/{id}", request.path.trim_end_matches('/')));
        ids.0.insert("answer".to_owned(), id);
    }
    let mut outcome = judge(request, &ids, answer, &way.server).await?;
    if let (Some(before), Outcome::Works) = (before, &outcome) {
        let after = way.server.get(&path).await?.status(200)?.body;
        if let Err(difference) = unchanged(&before, &after, request) {
            outcome = Outcome::Wrong(difference);
        }
    }
    for path in created.iter().rev() {
        let answer = way.client.delete(path).await?;
        ensure!(matches!(answer.status, 204 | 404), "{answer:?}");
    }
    Ok(outcome)
}

async fn judge(
    request: &Request,
    ids: &Ids,
    answer: Answer,
    server: &Client,
) -> anyhow::Result<Outcome> {
    if !(200..300).contains(&answer.status) {
        return Ok(Outcome::Refused(answer));
    }
    if let Some(expected) = &request.answer
        && let Err(difference) = contains(&answer.body, &ids.fill(expected))
    {
        return Ok(Outcome::Wrong(format!("the answer: {difference}")));
    }
    for Stored {
        path,
        status,
        contains: expected,
    } in &request.then
    {
        let stored = server.get(&ids.text(path)).await?;
        if stored.status != *status {
            return Ok(Outcome::Wrong(format!("{path} has {}", stored.status)));
        }
        if let Some(expected) = expected
            && let Err(difference) = contains(&stored.body, &ids.fill(expected))
        {
            return Ok(Outcome::Wrong(format!("{path}: {difference}")));
        }
    }
    Ok(Outcome::Works)
}

/// Passes if a PATCH has changed only the attributes that it is to change.
fn unchanged(before: &Value, after: &Value, request: &Request) -> Result<(), String> {
    let changes = |name: &str| {
        let mut stored = request.then.iter().flat_map(|stored| &stored.contains);
        ["meta", "schemas"].contains(&name) || stored.any(|expected| expected.get(name).is_some())
    };
    let members = [before, after]
        .into_iter()
        .filter_map(Value::as_object)
        .flatten();
    for (name, _) in members.filter(|(name, _)| !changes(name)) {
        if before.get(name) != after.get(name) {
            return Err(format!("{name} was changed: {before} became {after}"));
        }
    }
    Ok(())
}

/// The ids of resources, by the names that stand for them in the document.
#[derive(Default)]
struct Ids(BTreeMap<String, String>);

impl Ids {
    fn text(&self, text: &str) -> String {
        let replace =
            |text: String, (name, id): (&String, &String)| text.replace(&format!("{{{name}}}"), id);
        self.0.iter().fold(text.to_owned(), replace)
    }

    fn fill(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(elements) => elements.iter().map(|element| self.fill(element)).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| (name.clone(), self.fill(value)))
                .collect(),
            other => other.clone(),
        }
    }
}

/// Passes if the objects have what is expected, and the lists the same elements in any order
/// (RFC 7643 §2.4); what has no value is `null`, empty or absent (§2.5).
fn contains(found: &Value, expected: &Value) -> Result<(), String> {
    let fails = || Err(format!("{found} is not {expected}"));
    match (found, expected) {
        (Value::Object(members), Value::Object(expected)) => {
            for (name, expected) in expected {
                contains(members.get(name).unwrap_or(&Value::Null), expected)
                    .map_err(|difference| format!("{name}: {difference}"))?;
            }
            Ok(())
        }
        (Value::Array(elements), Value::Array(expected)) => {
            let mut left: Vec<&Value> = elements.iter().collect();
            for expected in expected {
                let same = |element: &&Value| contains(element, expected).is_ok();
                match left.iter().position(same) {
                    Some(place) => left.remove(place),
                    None => return fails(),
                };
            }
            if left.is_empty() { Ok(()) } else { fails() }
        }
        (Value::Array(elements), Value::Null) if elements.is_empty() => Ok(()),
        _ if found == expected => Ok(()),
        _ => fails(),
    }
}

const HEAD: &str = "\
| request | scimmy alone | through the guard | scim2-server alone | through the guard |
|---|---|---|---|---|
";

/// The requests that do not work everywhere, as `docs/interop.md` shows them, and how many do.
fn table(book: &Book, scimmy: &[Both], scim2: &[Both]) -> String {
    let mut table = HEAD.to_owned();
    let mut work_everywhere = 0;
    for ((request, scimmy), scim2) in book.requests.iter().zip(scimmy).zip(scim2) {
        let outcomes = [&scimmy.alone, &scimmy.guarded, &scim2.alone, &scim2.guarded];
        if outcomes.iter().all(|outcome| outcome.works()) {
            work_everywhere += 1;
            continue;
        }
        let cells: Vec<_> = outcomes.into_iter().map(Outcome::cell).collect();
        table += &format!(
            "| {}: {} | {} |\n",
            request.sender,
            request.name,
            cells.join(" | ")
        );
    }
    table + &format!("\n{work_everywhere} more requests work in all four places.\n")
}

impl Outcome {
    fn works(&self) -> bool {
        matches!(self, Self::Works)
    }

    fn cell(&self) -> String {
        match self {
            Self::Works => "works".to_owned(),
            Self::Refused(answer) => format!("refused: {}", answer.status),
            Self::Wrong(_) => "accepted, wrong effect".to_owned(),
        }
    }

    fn complaint(&self) -> Option<String> {
        match self {
            Self::Works => None,
            Self::Refused(answer) => Some(format!("refused: {answer:?}")),
            Self::Wrong(difference) => Some(format!("wrong effect: {difference}")),
        }
    }
}
