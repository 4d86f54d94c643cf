//! The guard in front of a backend against the same proxy without a policy: requests per second
//! and the 99th percentile, as ratios of one run. Clients, guard and backend share the machine.
//!
//! `cargo bench -p scimguard --bench proxy`; the plugin is `scimguard.wasm` beside the program or
//! what `SCIMGUARD_COMPONENT` names, else the policy that is compiled in.

#![expect(clippy::print_stdout, reason = "figures are what a bench is for")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use scimguard::config::Config;
use scimguard::engine::{self, Engine, Fault};
use scimguard::proxy::{Listeners, Policy, Proxy, serve};
use scimguard::store::{NewToken, PrincipalKind, PrincipalRow, Store};
use scimguard_core::facts::{Fact, User};
use scimguard_core::message::{AnswerHandling, ForwardBody, ResponseBody};
use scimguard_core::record::Record;
use scimguard_core::{
    BackendOutcome, Forward, Outcome, Request, Respond, Response, Settings, Verdict, sha256_hex,
};
use tokio::net::{TcpListener, TcpStream};

const CLIENTS: usize = 16;
const WARM_UP: usize = 200;
const TOKEN: &str = "sat.ACC1.bench.secret";
const USERS: &str = "/gateway/ng/api/scim/account/ACC1/Users";
const PATCH: &str = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"displayName":"Ann Lee"}}]}"#;

/// The proxy alone: everything goes on as it comes.
struct NoPolicy {
    settings: Settings,
    answer: AnswerHandling,
}

impl Policy for NoPolicy {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn evaluate(&self, request: &Request, _: &[Fact], _: u64) -> Result<Verdict, Fault> {
        Ok(Verdict::Forward(Forward {
            method: request.method.clone(),
            path: request.path.clone(),
            headers: request.headers.clone(),
            body: ForwardBody::AsReceived,
            answer: self.answer,
            continuation: Vec::new(),
            changes: Vec::new(),
            records: Vec::new(),
            account: None,
            verified_token: None,
            rule: None,
        }))
    }

    fn observe(
        &self,
        _: &[u8],
        answer: &BackendOutcome,
        _: &[Fact],
        _: u64,
    ) -> Result<Outcome, Fault> {
        let status = match answer {
            BackendOutcome::Answered(answer) => answer.status,
            BackendOutcome::Unanswered | BackendOutcome::NotAsked => 503,
        };
        Ok(Outcome::Respond(Respond {
            response: Response {
                status,
                headers: Vec::new(),
                body: ResponseBody::AsReceived,
            },
            records: Vec::new(),
            rule: None,
        }))
    }
}

/// What one run of requests took.
struct Figures {
    per_second: f64,
    p50: Duration,
    p99: Duration,
}

#[derive(Clone, Copy)]
struct Load {
    method: &'static str,
    body: &'static str,
    requests: usize,
}

fn main() -> anyhow::Result<()> {
    // Only `cargo bench` wants figures; tests want to know that it runs.
    let measures = std::env::args().any(|arg| arg == "--bench");
    let requests = if measures { 20_000 } else { 640 };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let backend = backend().await?;
        let (name, engine) = engine()?;
        let settings = engine.settings().clone();
        let guarded = guard(engine, backend).await?;
        let answer = AnswerHandling::Observe;
        let plain = guard(NoPolicy { settings, answer }, backend).await?;
        let read = Load {
            method: "GET",
            body: "",
            requests,
        };
        let write = Load {
            method: "PATCH",
            body: PATCH,
            requests: requests / 10,
        };
        println!("{CLIENTS} clients, policy: {name}");
        for load in [read, write] {
            let without = run(plain, load).await?;
            let with = run(guarded, load).await?;
            print(load.method, "without a policy", &without);
            print(load.method, "guarded", &with);
            println!(
                "{:<6} ratio: {:.2} of the requests per second, {:.2} times the 99th percentile",
                load.method,
                with.per_second / without.per_second,
                with.p99.as_secs_f64() / without.p99.as_secs_f64(),
            );
        }
        Ok(())
    })
}

fn print(method: &str, what: &str, figures: &Figures) {
    println!(
        "{method:<6} {what:<17} {:>8.0} requests/s, median {:?}, 99% {:?}",
        figures.per_second, figures.p50, figures.p99
    );
}

/// The plugin if there is one, else the same policy as native code.
fn engine() -> anyhow::Result<(&'static str, Engine)> {
    let component = engine::default_component();
    if !component.exists() {
        return Ok(("native", Engine::native("")?));
    }
    let cache = tempfile::tempdir()?;
    Ok((
        "plugin",
        Engine::load_snapshot(&component, "", cache.path())?,
    ))
}

/// A user as the backend shows one.
fn user_json(id: &str) -> String {
    format!(
        r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"{id}","userName":"{id}@example.com","displayName":"Ann Lee","active":true,"emails":[{{"value":"{id}@example.com","type":"work","primary":true}}],"meta":{{"resourceType":"User"}}}}"#
    )
}

/// Answers everything with the user that the path names.
async fn backend() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(|request: http::Request<Incoming>| async move {
                let id = request
                    .uri()
                    .path()
                    .rsplit('/')
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                // A body that breaks off is nothing to answer.
                let _ = request.into_body().collect().await;
                let mut answer = http::Response::new(Full::<Bytes>::from(user_json(&id)));
                let scim = http::HeaderValue::from_static("application/scim+json");
                answer.headers_mut().insert("content-type", scim);
                Ok::<_, Infallible>(answer)
            });
            tokio::spawn(async move {
                let builder = auto::Builder::new(TokioExecutor::new());
                let _ = builder
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    Ok(address)
}

/// A guard that knows the client's token and the user.
async fn guard(policy: impl Policy, backend: SocketAddr) -> anyhow::Result<SocketAddr> {
    // Kept for the time of the process.
    let folder = tempfile::tempdir()?.keep();
    let file = folder.join("guard.toml");
    std::fs::write(
        &file,
        format!(
            "listen = \"127.0.0.1:0\"\nbackend = \"http://{backend}\"\nstore = \"sqlite:guard.db\"\n\
             [limits]\nrequests_per_second = 1000000\nburst = 1000000\n"
        ),
    )?;
    let config = Config::read(&file)?;
    let store = Store::open(&config.store).await?;
    fill(&store).await?;
    let proxy = Proxy::new(policy, store, &config)?;
    let clients = TcpListener::bind(config.listen).await?;
    let address = clients.local_addr()?;
    let listeners = Listeners {
        clients,
        admin: None,
    };
    tokio::spawn(serve(Arc::new(proxy), listeners, std::future::pending()));
    Ok(address)
}

async fn fill(store: &Store) -> anyhow::Result<()> {
    let permissions = [
        "core_user_view",
        "core_user_manage",
        "core_user_invite",
        "core_usergroup_view",
        "core_usergroup_manage",
    ];
    store
        .create_principal(&PrincipalRow {
            account: "ACC1".to_owned(),
            id: "svc".to_owned(),
            kind: PrincipalKind::ServiceAccount,
            active: true,
            permissions: permissions.map(str::to_owned).to_vec(),
            created: 0,
        })
        .await?;
    store
        .create_token(&NewToken {
            sha256: sha256_hex(TOKEN.as_bytes()),
            prefix: "sat",
            account: "ACC1".to_owned(),
            id: "bench".to_owned(),
            principal: "svc".to_owned(),
            provider: Some("okta".to_owned()),
            expires: None,
            created: 0,
            created_by: None,
            rotated_from: None,
        })
        .await?;
    // One for each client: writes of one user are one after another.
    let user = |n: usize| {
        Record::User(User {
            account: "ACC1".to_owned(),
            id: Some(format!("u{n}")),
            user_name: format!("u{n}@example.com"),
            active: true,
            managed_by: Some("okta".to_owned()),
            ..User::default()
        })
    };
    let users: Vec<Record> = (0..CLIENTS).map(user).collect();
    store.apply(&users).await?;
    Ok(())
}

async fn run(guard: SocketAddr, load: Load) -> anyhow::Result<Figures> {
    let warm_up = Load {
        requests: WARM_UP.min(load.requests),
        ..load
    };
    clients(guard, warm_up).await?;
    let started = Instant::now();
    let mut times = clients(guard, load).await?;
    let took = started.elapsed();
    times.sort();
    let count = u32::try_from(times.len())?;
    Ok(Figures {
        per_second: f64::from(count) / took.as_secs_f64(),
        p50: times[times.len() / 2],
        p99: times[times.len() * 99 / 100],
    })
}

async fn clients(guard: SocketAddr, load: Load) -> anyhow::Result<Vec<Duration>> {
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..CLIENTS {
        tasks.spawn(client(guard, load, format!("{USERS}/u{n}")));
    }
    let mut times = Vec::new();
    while let Some(task) = tasks.join_next().await {
        times.extend(task??);
    }
    Ok(times)
}

async fn client(guard: SocketAddr, load: Load, user: String) -> anyhow::Result<Vec<Duration>> {
    let stream = TcpStream::connect(guard).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut times = Vec::new();
    for _ in 0..load.requests / CLIENTS {
        let request = http::Request::builder()
            .method(load.method)
            .uri(&user)
            .header("host", "guard")
            .header("authorization", format!("Bearer {TOKEN}"))
            .header("content-type", "application/scim+json")
            .body(Full::<Bytes>::from(load.body))?;
        let started = Instant::now();
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        times.push(started.elapsed());
        anyhow::ensure!(
            status == 200,
            "{} answered {status}: {}",
            load.method,
            String::from_utf8_lossy(&body)
        );
    }
    drop(sender);
    times.first().context("too few requests")?;
    Ok(times)
}
