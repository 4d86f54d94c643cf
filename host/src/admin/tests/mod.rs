//! The admin address on a real socket, with clients that send exactly what the test says.

mod asked;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::Listener;
use crate::audit::Log;
use crate::config::Config;
use crate::engine::Engine;
use crate::proxy::Proxy;
use crate::serve::{Listeners, serve};
use scimguard_store::Store;

/// Nothing in a test takes longer.
const LIMIT: Duration = Duration::from_secs(10);

const TOKEN: &str = "an-admin-token-of-the-test";

/// A guard and its admin address.
struct Guard {
    address: std::net::SocketAddr,
    log: Log,
    store: Store,
    _folder: TempDir,
    task: JoinHandle<()>,
}

impl Guard {
    async fn start() -> Self {
        Self::configured("[admin_token]\nfile = \"admin.token\"\n").await
    }

    async fn configured(tables: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pages = folder.path().join("pages");
        for page in ["page", "operators"] {
            std::fs::create_dir_all(pages.join(page)).unwrap();
            std::fs::write(pages.join(page).join("index.html"), format!("<p>{page}")).unwrap();
        }
        std::fs::write(pages.join("page/guard.wasm"), b"\0asm").unwrap();
        std::fs::write(pages.join("page/page.js"), b"plain").unwrap();
        std::fs::write(pages.join("page/page.js.br"), b"small").unwrap();
        std::fs::write(pages.join("secret.txt"), b"not a page").unwrap();
        std::fs::write(folder.path().join("admin.token"), format!("{TOKEN}\n")).unwrap();
        let text = format!(
            "listen = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\nbackend = \"http://127.0.0.1:9\"\n\
             store = \"sqlite:guard.db\"\ndecisions = \"sqlite:decisions.db\"\npages = \"pages\"\n\
             admin_hosts = [\"Guard.Internal\", \"other:8443\"]\n{tables}"
        );
        let file = folder.path().join("guard.toml");
        std::fs::write(&file, text).unwrap();
        let config = Config::read(&file).unwrap();
        let store = Store::open(&config.store).await.unwrap();
        let log = Log::open(config.decisions.as_deref().unwrap(), "", 1000)
            .await
            .unwrap();
        let engine = Engine::native("").unwrap();
        let proxy = Proxy::new(engine, store.clone(), &config)
            .unwrap()
            .recording(log.clone());
        let admin = TcpListener::bind(config.admin.unwrap()).await.unwrap();
        let admin = Listener::new(admin, &config).unwrap();
        let address = admin.address();
        let listeners = Listeners {
            clients: None,
            admin: Some(admin),
            facts: None,
        };
        let task = tokio::spawn(serve(Arc::new(proxy), listeners, std::future::pending()));
        Self {
            address,
            log,
            store,
            _folder: folder,
            task,
        }
    }

    /// Sends a request with these header lines, and reads the whole answer.
    async fn raw(&self, request: &str, headers: &[&str], body: &str) -> Answer {
        let mut text = format!("{request} HTTP/1.1\r\nconnection: close\r\n");
        for header in headers {
            text.push_str(header);
            text.push_str("\r\n");
        }
        text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
        let exchange = async {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            stream.write_all(text.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            String::from_utf8(answer).unwrap()
        };
        let text = tokio::time::timeout(LIMIT, exchange).await.unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        Answer {
            status: head.split(' ').nth(1).unwrap().to_owned(),
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }

    async fn get(&self, path: &str) -> Value {
        let bearer = format!("authorization: Bearer {TOKEN}");
        let answer = self
            .raw(&format!("GET {path}"), &["host: localhost", &bearer], "")
            .await;
        assert_eq!(answer.status, "200", "{path}: {answer:?}");
        serde_json::from_str(&answer.body).unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        let bearer = format!("authorization: Bearer {TOKEN}");
        let headers = ["host: localhost", &bearer, "content-type: application/json"];
        self.raw(&format!("POST {path}"), &headers, &body.to_string())
            .await
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Debug)]
struct Answer {
    status: String,
    head: String,
    body: String,
}

#[tokio::test]
async fn silent_connections_do_not_hide_whether_the_guard_is_alive() {
    let guard = Guard::start().await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(TcpStream::connect(guard.address).await.unwrap());
    }
    let answer = guard.raw("GET /healthz", &["host: localhost"], "").await;
    assert_eq!(answer.status, "200");
    let metrics = guard.raw("GET /metrics", &["host: localhost"], "").await;
    assert!(
        metrics
            .body
            .contains("scimguard_connections{address=\"admin\"} 64"),
        "{}",
        metrics.body
    );
    let gave_way = "scimguard_connections_ended_total{address=\"admin\",reason=\"gave-way\"}";
    assert!(metrics.body.contains(gave_way), "{}", metrics.body);
}

#[tokio::test]
async fn only_who_has_the_token_and_the_name_is_answered() {
    let guard = Guard::start().await;
    let good = format!("authorization: Bearer {TOKEN}");
    let good = good.as_str();
    let address = format!("host: {}", guard.address);
    let address = address.as_str();
    let origin = format!("origin: http://{}", guard.address);
    let origin = origin.as_str();
    let json = "content-type: application/json";
    let api = "GET /api/status";
    let write = "POST /api/retries";
    #[rustfmt::skip]
    let cases = [
        // The token.
        (api, &["host: localhost"][..], "401"),
        (api, &["host: localhost", "authorization: Bearer another-token"], "401"),
        (api, &["host: localhost", "authorization: Basic an-admin-token-of-the-test"], "401"),
        (api, &["host: localhost", "cookie: token=an-admin-token-of-the-test"], "401"),
        (api, &["host: localhost", good], "200"),
        ("GET /api/nothing", &["host: localhost"], "401"),
        ("GET /api/nothing", &["host: localhost", good], "404"),
        ("GET /api/decisions/live", &["host: localhost"], "401"),
        // The name.
        (api, &[address, good], "200"),
        (api, &["host: guard.internal", good], "200"),
        (api, &["host: guard.internal:8081", good], "200"),
        (api, &["host: OTHER:8443", good], "200"),
        (api, &["host: other:1", good], "421"),
        (api, &["host: attacker.example", good], "421"),
        (api, &["host: 10.0.0.1", good], "421"),
        (api, &["host: localhost.attacker.example", good], "421"),
        (api, &["host: a@localhost", good], "421"),
        (api, &["host: localhost", "host: localhost", good], "421"),
        ("GET http://attacker.example/api/status", &["host: localhost", good], "421"),
        ("GET /explain/", &["host: attacker.example"], "421"),
        ("GET /operators/", &["host: attacker.example"], "421"),
        // Writes.
        (write, &[address, good, json], "200"),
        (write, &[address, good, json, origin], "200"),
        (write, &[address, good, json, "origin: null"], "403"),
        (write, &[address, good, json, "origin: http://attacker.example"], "403"),
        (write, &[address, good, json, "sec-fetch-site: cross-site"], "403"),
        (write, &[address, good, json, "sec-fetch-site: same-site"], "403"),
        (write, &[address, good, json, origin, "sec-fetch-site: same-origin"], "200"),
        (write, &[address, json, origin], "401"),
        (write, &[address, good, "content-type: text/plain"], "415"),
        ("DELETE /api/retries", &[address, good], "405"),
        // What is open.
        ("GET /healthz", &["host: anything"], "200"),
        ("GET /readyz", &["host: anything"], "200"),
        ("GET /metrics", &["host: anything"], "200"),
        ("GET /explain/", &["host: localhost"], "200"),
        ("GET /operators/", &["host: localhost"], "200"),
        ("GET /operators", &["host: localhost"], "308"),
        ("GET /explain", &["host: localhost"], "308"),
        ("GET /", &["host: localhost"], "303"),
        ("GET /elsewhere", &["host: localhost"], "404"),
    ];
    for (request, headers, status) in cases {
        let body = if request == write { "{}" } else { "" };
        let answer = guard.raw(request, headers, body).await;
        assert_eq!(answer.status, status, "{request} {headers:?}: {answer:?}");
        assert!(!answer.head.contains("set-cookie"), "{answer:?}");
        assert!(
            answer
                .head
                .contains("content-security-policy: default-src 'none'")
        );
        assert!(!answer.body.contains(TOKEN));
    }
}

#[tokio::test]
async fn guesses_are_slowed_down_and_the_right_token_is_not() {
    let guard =
        Guard::configured("[limits]\nfailures = 3\n[admin_token]\nfile = \"admin.token\"\n").await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        let wrong = ["host: localhost", "authorization: Bearer wrong"];
        statuses.push(guard.raw("GET /api/status", &wrong, "").await.status);
    }
    assert_eq!(statuses[..4], ["401", "401", "401", "429"]);
    guard.get("/api/status").await;
}

#[tokio::test]
async fn without_a_token_there_is_nothing_to_ask() {
    let guard = Guard::configured("").await;
    let bearer = format!("authorization: Bearer {TOKEN}");
    for headers in [&["host: localhost"][..], &["host: localhost", &bearer]] {
        let answer = guard.raw("GET /api/status", headers, "").await;
        assert_eq!(answer.status, "403", "{answer:?}");
        assert!(answer.body.contains("admin_token"), "{answer:?}");
    }
}

#[tokio::test]
async fn pages_come_with_their_types_and_small_if_they_may() {
    let guard = Guard::start().await;
    let host = "host: localhost";
    #[rustfmt::skip]
    let cases = [
        ("/explain/", &[host][..], "content-type: text/html", "<p>page"),
        ("/operators/", &[host], "content-type: text/html", "<p>operators"),
        ("/explain/guard.wasm", &[host], "content-type: application/wasm", "\0asm"),
        ("/explain/page.js", &[host], "content-type: text/javascript", "plain"),
        ("/explain/page.js", &[host, "accept-encoding: gzip, br"], "content-encoding: br", "small"),
    ];
    for (path, headers, has, body) in cases {
        let answer = guard.raw(&format!("GET {path}"), headers, "").await;
        assert_eq!(
            (answer.status.as_str(), answer.body.as_str()),
            ("200", body),
            "{path}"
        );
        assert!(answer.head.contains(has), "{path}: {answer:?}");
        assert!(
            answer.head.contains("cache-control: no-cache"),
            "{answer:?}"
        );
        assert!(
            answer.head.contains("x-content-type-options: nosniff"),
            "{answer:?}"
        );
    }
    for path in [
        "/explain/../secret.txt",
        "/explain/%2e%2e/secret.txt",
        "/explain/..%2fsecret.txt",
    ] {
        let answer = guard.raw(&format!("GET {path}"), &[host], "").await;
        assert_eq!(answer.status, "404", "{path}: {answer:?}");
    }
}
