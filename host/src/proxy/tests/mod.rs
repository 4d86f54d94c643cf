//! The proxy between real sockets: a scripted policy, a scripted backend, and clients that send
//! exactly what the test says.

mod authority;
mod backend;
mod backend_lookup;
mod connections;
mod facts_service;
mod framing;
mod lies;
mod planted;
mod public;
mod record;
mod refuse;
mod tls;
mod unseen;
mod vouched;
mod wire;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scimguard_core::facts::{Answer, Fact, Key, Unseen, UserKey};
use scimguard_core::message::{AnswerHandling, ForwardBody, ResponseBody};
use scimguard_core::sha256_hex;
use scimguard_core::{
    BackendOutcome, Body, Forward, Need, Outcome, Proceed, Reject, Request, Respond, Response,
    Settings, Verdict,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use self::backend::{Backend, json};
use super::{Policy, Proxy};
use crate::admin;
use crate::audit::Log;
use crate::config::Config;
use crate::engine::Fault;
use crate::serve::{Listeners, serve};
use scimguard_interface::{Given, Observed, Pass};
use scimguard_store::{NewToken, PrincipalKind, PrincipalRow, Store};

/// Nothing in a test takes longer.
const LIMIT: Duration = Duration::from_secs(10);

/// An account's SCIM base in the scripted policy.
const BASE: &str = "/scim/ACC1";

type Evaluate = Arc<dyn Fn(&Request, &[Fact]) -> Result<Verdict, Fault> + Send + Sync>;
type Observe = Arc<dyn Fn(&BackendOutcome, &[Fact]) -> Result<Outcome, Fault> + Send + Sync>;

/// A policy that a test scripts.
struct Script {
    settings: Settings,
    evaluate: Evaluate,
    observe: Observe,
}

impl Script {
    /// Forwards everything.
    fn new() -> Self {
        Self {
            settings: Settings {
                body_limit: 1000,
                answer_limit: 1000,
                rounds: 3,
                passes: 9,
                scim_base: "/scim/{account}".to_owned(),
                upstream_base: "/scim/{account}".to_owned(),
                scim_account: None,
            },
            evaluate: Arc::new(|request, _| Ok(Verdict::Forward(pass(request)))),
            observe: Arc::new(|_, _| Ok(Outcome::Respond(respond(204)))),
        }
    }

    fn evaluate(
        mut self,
        evaluate: impl Fn(&Request, &[Fact]) -> Result<Verdict, Fault> + Send + Sync + 'static,
    ) -> Self {
        self.evaluate = Arc::new(evaluate);
        self
    }

    fn observe(
        mut self,
        observe: impl Fn(&BackendOutcome, &[Fact]) -> Result<Outcome, Fault> + Send + Sync + 'static,
    ) -> Self {
        self.observe = Arc::new(observe);
        self
    }
}

impl scimguard_interface::Policy for Script {
    type Fault = Fault;
    type Pass = Box<dyn Pass<Fault = Fault> + Send>;

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn pass(&self) -> Result<Self::Pass, Fault> {
        Ok(Box::new(ScriptPass {
            evaluate: Arc::clone(&self.evaluate),
            observe: Arc::clone(&self.observe),
            observed: None,
        }))
    }
}

/// Decides anew with all facts each time.
struct ScriptPass {
    evaluate: Evaluate,
    observe: Observe,
    observed: Option<Arc<Observed>>,
}

impl Pass for ScriptPass {
    type Fault = Fault;

    fn evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Fault> {
        (self.evaluate)(given.request, given.facts)
    }

    fn resume_evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Fault> {
        self.evaluate(given)
    }

    fn observe(&mut self, observed: &Arc<Observed>, given: Given<'_>) -> Result<Outcome, Fault> {
        self.observed = Some(Arc::clone(observed));
        self.resume_observe(given)
    }

    fn resume_observe(&mut self, given: Given<'_>) -> Result<Outcome, Fault> {
        (self.observe)(&self.observed.as_ref().unwrap().outcome, given.facts)
    }
}

fn pass(request: &Request) -> Forward {
    Forward {
        method: request.method.clone(),
        path: request.path.clone(),
        headers: request.headers.clone(),
        body: ForwardBody::AsReceived,
        answer: AnswerHandling::Pass,
        continuation: Vec::new(),
        changes: Vec::new(),
        records: Vec::new(),
        account: None,
        verified_token: None,
        rule: None,
    }
}

fn observed(request: &Request) -> Forward {
    Forward {
        answer: AnswerHandling::Observe,
        ..pass(request)
    }
}

fn response(status: u16) -> Response {
    Response {
        status,
        headers: vec![("x-by".to_owned(), b"policy".to_vec())],
        body: ResponseBody::None,
    }
}

fn respond(status: u16) -> Respond {
    Respond {
        response: response(status),
        records: Vec::new(),
        rule: None,
    }
}

fn reject(status: u16) -> Verdict {
    Verdict::Reject(Reject {
        rule: "test.refused".to_owned(),
        response: response(status),
        changes: Vec::new(),
        account: None,
        verified_token: None,
    })
}

/// The client gets its answer in a later part.
fn proceed() -> Proceed {
    Proceed {
        records: Vec::new(),
        continuation: Vec::new(),
        changes: Vec::new(),
        rule: None,
        account: None,
        verified_token: None,
    }
}

/// What a policy does that needs the body, up to 100 bytes, and then observes.
fn reads_body() -> Script {
    Script::new().evaluate(|request, _| match &request.body {
        Body::Unread => Ok(need_body(100)),
        _ => Ok(Verdict::Forward(observed(request))),
    })
}

fn need_body(body_limit: u64) -> Verdict {
    Verdict::Need(Need {
        keys: Vec::new(),
        body_limit: Some(body_limit),
    })
}

fn need(key: Key) -> Verdict {
    Verdict::Need(Need {
        keys: vec![key],
        body_limit: None,
    })
}

fn user_key(value: &str, unseen: Unseen) -> Key {
    Key::User(UserKey {
        account: "ACC1".to_owned(),
        value: value.to_owned(),
        unseen,
    })
}

fn answer<'a>(facts: &'a [Fact], key: &Key) -> Option<&'a Answer> {
    facts
        .iter()
        .find(|fact| fact.key == *key)
        .map(|fact| &fact.answer)
}

/// A guard on its own socket, with its store.
struct Guard {
    address: SocketAddr,
    /// The address for gateways, if configured.
    facts: Option<SocketAddr>,
    /// The admin address, if configured.
    admin: Option<SocketAddr>,
    proxy: Arc<Proxy>,
    store: Store,
    folder: TempDir,
    end: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Guard {
    async fn start(script: Script, backend: &Backend) -> Self {
        Self::configured(script, backend, "").await
    }

    /// With more keys in its configuration.
    async fn configured(policy: impl Policy, backend: &Backend, keys: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("guard.toml");
        let text = format!(
            "listen = \"127.0.0.1:0\"\nbackend = \"http://{}\"\nstore = \"sqlite:guard.db\"\n{keys}",
            backend.address
        );
        std::fs::write(folder.path().join("backend.token"), "own-secret\n").unwrap();
        std::fs::write(folder.path().join("edge.secret"), facts_service::EDGE).unwrap();
        std::fs::write(folder.path().join("reader.secret"), facts_service::READER).unwrap();
        std::fs::write(&file, text).unwrap();
        let config = Config::read(&file).unwrap();
        let store = Store::open(&config.store).await.unwrap();
        let proxy = Proxy::new(policy, store.clone(), &config).unwrap();
        let proxy = match &config.decisions {
            Some(file) => proxy.recording(Log::open(file, "", 100_000).await.unwrap()),
            None => proxy,
        };
        let clients = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = clients.local_addr().unwrap();
        let gateways = match &config.facts {
            Some(facts) => Some(TcpListener::bind(facts.listen).await.unwrap()),
            None => None,
        };
        let facts = gateways.as_ref().map(|it| it.local_addr().unwrap());
        let admin = match config.admin {
            Some(address) => {
                let listener = TcpListener::bind(address).await.unwrap();
                Some(admin::Listener::new(listener, &config).unwrap())
            }
            None => None,
        };
        let admin_address = admin.as_ref().map(admin::Listener::address);
        let (end, ended) = oneshot::channel();
        let listeners = Listeners {
            clients: Some(clients),
            admin,
            facts: gateways,
        };
        let proxy = Arc::new(proxy);
        let task = tokio::spawn(serve(Arc::clone(&proxy), listeners, async {
            let _ = ended.await;
        }));
        Self {
            address,
            facts,
            admin: admin_address,
            proxy,
            store,
            folder,
            end: Some(end),
            task,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends these bytes and reads until the guard closes.
    async fn raw(&self, request: &str) -> String {
        read_all(&mut self.send(request).await).await
    }

    async fn get(&self, path: &str) -> String {
        self.raw(&format!(
            "GET {path} HTTP/1.1\r\nhost: g\r\nconnection: close\r\n\r\n"
        ))
        .await
    }

    async fn post(&self, path: &str, body: &str) -> String {
        self.raw(&post(path, body)).await
    }

    /// Sends these bytes on a connection that stays open.
    async fn send(&self, request: &str) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// Asks the guard to end.
    fn end(&mut self) {
        self.end.take().unwrap().send(()).unwrap();
    }

    /// It ends in time.
    async fn ended(&mut self) {
        let ended = tokio::time::timeout(LIMIT, &mut self.task).await;
        ended.expect("it ends").unwrap();
    }

    /// A service account with this token.
    async fn add_token(&self, account: &str, id: &str, text: &str, provider: Option<&str>) {
        let principal = PrincipalRow {
            account: account.to_owned(),
            id: format!("svc-{id}"),
            kind: PrincipalKind::ServiceAccount,
            active: true,
            permissions: Vec::new(),
            created: 0,
        };
        self.store.create_principal(&principal).await.unwrap();
        let token = NewToken {
            sha256: sha256_hex(text.as_bytes()),
            prefix: "sat",
            account: account.to_owned(),
            id: id.to_owned(),
            principal: principal.id,
            provider: provider.map(str::to_owned),
            expires: None,
            created: 0,
            created_by: None,
            rotated_from: None,
        };
        self.store.create_token(&token).await.unwrap();
    }

    /// Another process that opens the same store.
    async fn reopened(&self) -> Store {
        Store::open(&self.folder.path().join("guard.db"))
            .await
            .unwrap()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn post(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: g\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(LIMIT, stream.read_to_end(&mut answer)).await;
    // A reset after the answer is as good as an end.
    let _ = read.expect("the guard answers in time");
    String::from_utf8(answer).unwrap()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

#[track_caller]
fn assert_refused(answer: &str, expected: &str, rule: &str) {
    assert_eq!(status(answer), expected, "{answer}");
    let header = format!("scimguard-rule: {rule}\r\n");
    assert!(answer.contains(&header), "{answer}");
}
