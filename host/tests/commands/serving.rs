//! `serve`: ready, refusing, ending on a signal, and recovering after it was killed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::{CONFIG, PRINCIPAL, TOKEN, bare, folder, run, scimguard, stderr, stdout};

/// Nothing in a test takes longer.
const LIMIT: Duration = Duration::from_secs(20);

/// A running guard; it ends with the test.
struct Serving {
    child: Child,
    listen: String,
    admin: String,
}

impl Serving {
    fn start(folder: &TempDir) -> Self {
        let mut child = scimguard(folder.path(), "serve")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        log.read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).expect(&line);
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self {
            child,
            listen: ready["listen"].as_str().unwrap().to_owned(),
            admin: ready["admin"].as_str().unwrap().to_owned(),
        }
    }

    fn terminate(&mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        Command::new("kill").arg(id).status().unwrap();
        let started = Instant::now();
        while started.elapsed() < LIMIT {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it does not end");
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn send(address: &str, line: &str, headers: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let length = body.len();
    let head = format!("host: g\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}");
    write!(stream, "{line} HTTP/1.1\r\n{head}\r\n{body}").unwrap();
    stream
}

fn read(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn get(address: &str, path: &str) -> String {
    read(send(address, &format!("GET {path}"), "", ""))
}

/// A backend that acts and never answers; reports each request.
fn silent_backend() -> (String, mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (arrived, arrives) = mpsc::channel();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = vec![0; 4096];
            let size = stream.read(&mut request).unwrap();
            request.truncate(size);
            open.push(stream);
            if arrived.send(request).is_err() {
                break;
            }
        }
    });
    (address, arrives)
}

#[test]
fn serve_is_ready_refuses_and_ends_on_a_signal() {
    let folder = folder(CONFIG);
    let mut serving = Serving::start(&folder);
    for path in ["/healthz", "/readyz"] {
        assert!(
            get(&serving.admin, path).starts_with("HTTP/1.1 200"),
            "{path}"
        );
    }
    let users = "/gateway/ng/api/scim/account/ACC1/Users";
    let refused = get(&serving.listen, users);
    assert!(refused.contains("scimguard-rule: "), "{refused}");
    assert!(refused.contains("application/scim+json"), "{refused}");
    assert_eq!(serving.terminate(), Some(0));
}

#[test]
fn readiness_names_the_accounts_without_a_first_fill() {
    let folder = folder(CONFIG);
    assert!(run(&folder, PRINCIPAL).status.success());
    assert!(run(&folder, TOKEN).status.success());
    let mut serving = Serving::start(&folder);
    let ready = get(&serving.admin, "/readyz");
    assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");
    assert!(
        ready.ends_with("ready\nno initial import yet (`scimguard import`): ACC1\n"),
        "{ready}"
    );
    assert_eq!(serving.terminate(), Some(0));
}

/// The guard is killed after the backend has acted and before it has answered.
#[test]
fn what_was_under_way_is_owned_after_a_crash() {
    let (backend, arrives) = silent_backend();
    let folder = folder(&CONFIG.replace("127.0.0.1:9\"", &format!("{backend}\"")));
    assert!(run(&folder, PRINCIPAL).status.success());
    let token = run(&folder, TOKEN);
    let authorization = format!("authorization: Bearer {}\r\n", stdout(&token).trim_end());
    let json = format!("{authorization}content-type: application/scim+json\r\n");
    let ann = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName":"ann@example.com","name":{"givenName":"Ann","familyName":"Lee"},
        "emails":[{"value":"ann@example.com","type":"work","primary":true}],"active":true}"#;
    let edit = |serving: &Serving| {
        let line = "PUT /gateway/ng/api/user/u1?accountIdentifier=ACC1";
        let body = r#"{"uuid":"u1","name":"Mallory","email":"m@example.com"}"#;
        send(
            &serving.listen,
            line,
            "content-type: application/json\r\n",
            body,
        )
    };

    let mut first = Serving::start(&folder);
    let create = "POST /gateway/ng/api/scim/account/ACC1/Users";
    let _waits = send(&first.listen, create, &json, ann);
    let request = arrives.recv_timeout(LIMIT).unwrap();
    assert!(request.starts_with(b"POST "));
    first.child.kill().unwrap();
    drop(first);

    let second = Serving::start(&folder);
    let refused = read(edit(&second));
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(
        refused.contains("scimguard-rule: facts.unavailable"),
        "{refused}"
    );
    assert!(refused.contains("retry-after: "), "{refused}");
    assert!(
        arrives.try_recv().is_err(),
        "the backend did not hear of the edit"
    );
}

#[test]
fn what_is_cheap_to_find_is_found_before_the_policy_is_compiled() {
    let folder = folder(CONFIG);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    // An invalid component: only a command that reads it reports that.
    std::fs::write(folder.path().join("none.wasm"), "none").unwrap();
    let start = |lines: &str| {
        let text = format!(
            "backend = \"http://127.0.0.1:9\"\nstore = \"sqlite:s.db\"\ncomponent = \"none.wasm\"\n{lines}"
        );
        std::fs::write(folder.path().join("start.toml"), text).unwrap();
        let output = bare(&folder, "serve --config start.toml");
        assert_eq!(output.status.code(), Some(2));
        stderr(&output).to_owned()
    };
    let free = "listen = \"127.0.0.1:0\"\n";
    assert!(start(free).contains("none.wasm"));
    for (lines, words) in [
        (format!("listen = \"{address}\"\n"), "cannot listen on"),
        (
            format!("{free}admin = \"{address}\"\n"),
            "choose another `admin`",
        ),
        (
            format!("{free}[backend_credential]\nfile = \"gone.token\"\n"),
            "gone.token",
        ),
        (
            format!("{free}admin = \"127.0.0.1:0\"\n[admin_token]\nfile = \"gone.admin\"\n"),
            "gone.admin",
        ),
    ] {
        let said = start(&lines);
        assert!(
            said.contains(words) && !said.contains("none.wasm"),
            "{said}"
        );
    }
}
