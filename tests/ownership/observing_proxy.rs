//! Between the guard and the application: sees every request that reaches the application, in the
//! order in which they do, and judges each write by the model and by what the application has at that
//! moment. Its answers are late, are lost or are errors now and then, as those of a real application.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, request::Parts};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use scimguard_tests::acts::reading;
use scimguard_tests::client::{Answer, Client};
use scimguard_tests::fixtures::HARNESS_BASE;
use scimguard_tests::model::{Actor, Group, Id, Policy, User, Verdict, World};
use scimguard_tests::oracle;
use scimguard_tests::served::{Served, or_bad_gateway};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::PROVIDER;
use crate::record;

/// The longest that an answer is late.
pub(crate) const LATE: Duration = Duration::from_millis(60);

/// How often an answer is not what the application said: one in so many.
const FAULTY: u32 = 8;

/// How many of the last writes are shown beside what is forbidden.
const LAST: usize = 30;

/// How lines begin that are no write.
const NOTE: &str = "-- ";

/// The proxy.
pub(crate) struct ObservingProxy {
    pub(crate) url: String,
    oracle: Arc<Oracle>,
    _server: Served,
}

/// The application as anybody sees it.
pub(crate) struct View(Arc<Oracle>);

impl View {
    pub(crate) async fn world(&self) -> World {
        self.0.seen.lock().await.world.clone()
    }

    /// The provider is about to create or to write this user: a name or an id.
    pub(crate) async fn claim(&self, user: &str) {
        self.0.seen.lock().await.claimed.insert(user.to_lowercase());
    }
}

struct Oracle {
    application: Client,
    policy: Policy,
    seen: Mutex<Seen>,
    /// What the guard writes down, once there is a guard.
    record: OnceLock<PathBuf>,
}

/// What the proxy has observed.
pub(crate) struct Seen {
    /// What the application has, and what of it the provider provisioned.
    pub(crate) world: World,
    /// Names and ids of users whom the provider meant to create or to write, whatever came of it.
    pub(crate) claimed: BTreeSet<String>,
    /// Writes of operators.
    pub(crate) of_operators: usize,
    /// Writes of the provider.
    pub(crate) of_the_provider: usize,
    /// Every write, for whoever has to understand what went wrong.
    pub(crate) log: Vec<String>,
    /// Writes that the model forbids.
    pub(crate) forbidden: Vec<String>,
    random: StdRng,
    is_faulty: bool,
}

impl ObservingProxy {
    /// In front of an application that has nobody yet.
    pub(crate) async fn in_front_of(
        application: &str,
        policy: Policy,
        seed: u64,
        is_faulty: bool,
    ) -> anyhow::Result<Self> {
        let oracle = Arc::new(Oracle {
            application: Client::new(application),
            policy,
            seen: Mutex::new(Seen {
                world: World::default(),
                claimed: BTreeSet::new(),
                of_operators: 0,
                of_the_provider: 0,
                log: Vec::new(),
                forbidden: Vec::new(),
                random: StdRng::seed_from_u64(seed),
                is_faulty,
            }),
            record: OnceLock::new(),
        });
        let routes = Router::new().fallback(hear).with_state(Arc::clone(&oracle));
        let server = Served::start(routes).await?;
        Ok(Self {
            url: server.url.clone(),
            oracle,
            _server: server,
        })
    }

    /// Shows what this database holds beside what is forbidden.
    pub(crate) fn reads_the_record(&self, database: &Path) -> anyhow::Result<()> {
        let set = self.oracle.record.set(database.to_owned());
        set.map_err(|_| anyhow::anyhow!("the proxy reads the record of another guard"))
    }

    /// For those who act: what they can see of the application.
    pub(crate) fn view(&self) -> View {
        View(Arc::clone(&self.oracle))
    }

    /// What it has seen until now.
    pub(crate) async fn seen(&self) -> tokio::sync::MutexGuard<'_, Seen> {
        self.oracle.seen.lock().await
    }

    /// Passes if no write that the model forbids has reached the application.
    pub(crate) async fn saw_nothing_forbidden(&self) -> anyhow::Result<()> {
        let seen = self.seen().await;
        match seen.forbidden.first() {
            None => Ok(()),
            Some(first) => anyhow::bail!("the application got what the model forbids:\n{first}"),
        }
    }
}

impl Seen {
    /// The writes that name one of those whom a text names.
    pub(crate) fn about(&self, text: &str) -> String {
        // Also users who are gone: only the text itself still names them.
        let mut named: BTreeSet<&str> = text
            .split(|c: char| !(c.is_ascii_alphanumeric() || "@.+-".contains(c)))
            .filter(|word| word.contains('@') || is_user_id(word))
            .collect();
        let mut pushed = BTreeSet::new();
        for (id, user) in &self.world.users {
            if text.contains(id) || text.contains(&user.mail) {
                named.extend([id.as_str(), user.mail.as_str()]);
            }
        }
        for (id, group) in &self.world.groups {
            if text.contains(id) {
                named.extend([id.as_str(), group.name.as_str()]);
                // What it was called when it was pushed.
                pushed.insert(id.replace('_', "-"));
            }
        }
        named.extend(pushed.iter().map(String::as_str));
        let named: Vec<String> = named.iter().map(|name| name.to_lowercase()).collect();
        let names_one = |line: &&str| {
            let lower = line.to_lowercase();
            line.starts_with(NOTE) || named.iter().any(|name| lower.contains(name))
        };
        let lines = self.log.iter().map(String::as_str).filter(names_one);
        let mut lines: Vec<&str> = lines.collect();
        lines.dedup_by(|line, before| line == before && line.starts_with(NOTE));
        lines.join("\n")
    }

    /// Keeps something else that happened beside the writes.
    pub(crate) fn note(&mut self, event: &str) {
        self.log.push(format!("{NOTE}{event}"));
    }
}

/// The application's ids of users are UUIDs without hyphens.
fn is_user_id(word: &str) -> bool {
    word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

async fn hear(State(oracle): State<Arc<Oracle>>, request: Request) -> Response {
    // A guard that was killed does not take its request back.
    let heard = tokio::spawn(async move {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        match head.method {
            Method::GET => oracle.pass(&head, &body).await.map(|(_, answer)| answer),
            _ => oracle.judge(&head, &body).await,
        }
    });
    or_bad_gateway(heard.await.unwrap_or_else(|error| Err(error.into())))
}

impl Oracle {
    async fn judge(&self, head: &Parts, body: &Bytes) -> anyhow::Result<Response> {
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let text = String::from_utf8_lossy(body);
        let mut seen = self.seen.lock().await;
        let actor = actor(head);
        let line = format!("{actor:?}: {} {path} {text}", head.method);
        let Some(edit) = reading::edit(&seen.world, head.method.as_str(), path, body) else {
            seen.forbidden.push(format!("{line}\n  is no edit"));
            return Ok(StatusCode::NOT_IMPLEMENTED.into_response());
        };
        let verdict = seen.world.judge(self.policy, actor, &edit);
        if verdict != Verdict::Forward
            && !oracle::is_undecided(&seen.world, actor, &edit, &verdict, seen.is_faulty)
        {
            let about = seen.about(&line);
            let last = seen.log.len().saturating_sub(LAST);
            let recorded = match self.record.get() {
                Some(database) => record::rows(database)?,
                None => String::new(),
            };
            let charge = format!(
                "{line}\n  {verdict:?}\nof these writes:\n{about}\nThe last of all writes:\n{}\nThe application has {:?}\nThe record:\n{recorded}",
                seen.log[last..].join("\n"),
                seen.world
            );
            seen.forbidden.push(charge);
        }
        match actor {
            Actor::Provisioner => seen.of_the_provider += 1,
            Actor::Operator => seen.of_operators += 1,
        }
        let fault = seen.fault();
        if fault == Some(Fault::NotDone) {
            seen.log.push(format!("{line}\n  not done"));
            drop(seen);
            return Ok(StatusCode::SERVICE_UNAVAILABLE.into_response());
        }
        let (answered, answer) = self.pass(head, body).await?;
        let mark = fault.map_or("", |_| ", and the answer is lost");
        let id = answered.body["id"].as_str().unwrap_or_default();
        seen.log
            .push(format!("{line}\n  {} {id}{mark}", answered.status));
        let is_done = (200..300).contains(&answered.status);
        let provisioned = match actor {
            Actor::Provisioner if is_done => {
                oracle::provisioned(&edit, answered.body["id"].as_str())
            }
            _ => None,
        };
        self.look(&mut seen, provisioned.as_deref()).await?;
        let late = seen.late();
        drop(seen);
        tokio::time::sleep(late).await;
        Ok(match fault {
            Some(_) => StatusCode::GATEWAY_TIMEOUT.into_response(),
            None => answer,
        })
    }

    /// Sends a request on and reads the answer.
    async fn pass(&self, head: &Parts, body: &Bytes) -> anyhow::Result<(Answer, Response)> {
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut client = self.application.clone();
        if !body.is_empty() {
            let kind = head.headers.get("content-type").context("no type")?;
            client = client.with("content-type", kind.to_str()?);
        }
        let value: Option<Value> = match body.is_empty() {
            true => None,
            false => Some(serde_json::from_slice(body)?),
        };
        let answer = client
            .send(head.method.as_str(), path, value.as_ref())
            .await?;
        let mut response = Response::builder().status(answer.status);
        if let Some(kind) = answer.headers.get("content-type") {
            response = response.header("content-type", kind);
        }
        let bytes = match answer.body.is_null() {
            true => Body::empty(),
            false => Body::from(answer.body.to_string()),
        };
        Ok((answer, response.body(bytes)?))
    }

    /// Reads what the application has after a write; the provider owns what it has written.
    async fn look(&self, seen: &mut Seen, provisioned: Option<&str>) -> anyhow::Result<()> {
        let before = std::mem::take(&mut seen.world);
        seen.world = listed(&self.application).await?;
        for (id, known) in &mut seen.world.users {
            let was = before.users.get(id).is_some_and(|user| user.managed);
            known.managed = was || provisioned == Some(id);
        }
        for (id, known) in &mut seen.world.groups {
            let was = before.groups.get(id).is_some_and(|group| group.managed);
            known.managed = was || provisioned == Some(id);
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The application is too busy, and does nothing.
    NotDone,
    /// It does what was asked, and the answer is lost.
    Lost,
}

impl Seen {
    fn fault(&mut self) -> Option<Fault> {
        if !self.is_faulty || !self.random.random_ratio(1, FAULTY) {
            return None;
        }
        Some(match self.random.random() {
            true => Fault::NotDone,
            false => Fault::Lost,
        })
    }

    fn late(&mut self) -> Duration {
        match self.is_faulty {
            true => LATE.mul_f64(self.random.random()),
            false => Duration::ZERO,
        }
    }
}

/// On SCIM routes the guard forwards who the client says it is; on others everybody is an operator.
fn actor(head: &Parts) -> Actor {
    let agent = head.headers.get("user-agent");
    let is_provider = agent.is_some_and(|agent| agent.as_bytes() == PROVIDER.as_bytes());
    match head.uri.path().starts_with(HARNESS_BASE) && is_provider {
        true => Actor::Provisioner,
        false => Actor::Operator,
    }
}

/// All users and groups of the application; nobody's.
async fn listed(application: &Client) -> anyhow::Result<World> {
    let mut world = World::default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for user in resources(application, "Users").await? {
        let known = User {
            mail: text(&user["userName"]),
            name: text(&user["displayName"]),
            managed: false,
            active: user["active"] != false,
            external_id: user["externalId"].as_str().map(str::to_owned),
        };
        world.users.insert(text(&user["id"]), known);
    }
    for group in resources(application, "Groups").await? {
        let members = group["members"].as_array().into_iter().flatten();
        let members: BTreeSet<Id> = members.map(|member| text(&member["value"])).collect();
        let known = Group {
            name: text(&group["displayName"]),
            managed: false,
            members,
        };
        world.groups.insert(text(&group["id"]), known);
    }
    Ok(world)
}

async fn resources(application: &Client, kind: &str) -> anyhow::Result<Vec<Value>> {
    let path = format!("{HARNESS_BASE}/{kind}?count=1000");
    let answer = application.get(&path).await?.status(200)?;
    let all = answer.body["Resources"].as_array();
    Ok(all.cloned().unwrap_or_default())
}
