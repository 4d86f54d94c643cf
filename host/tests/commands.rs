//! `serve`, `token` and `principal` on the command line: the real program, its exit codes, and its
//! output.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Nothing in a test takes longer.
const LIMIT: Duration = Duration::from_secs(20);

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
    Command::new(env!("CARGO_BIN_EXE_scimguard"))
        .args(arguments.split(' '))
        .current_dir(folder.path())
        .output()
        .unwrap()
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

#[test]
fn a_token_is_printed_once_and_alone() {
    let folder = folder(CONFIG);
    let principal = run(&folder, PRINCIPAL);
    assert!(principal.status.success() && principal.stdout.is_empty());
    let token = run(&folder, TOKEN);
    let text = stdout(&token).trim_end();
    assert!(
        text.starts_with("sat.ACC1.t1.") && text.lines().count() == 1,
        "{text}"
    );
    let secret = text.rsplit('.').next().unwrap();
    for list in ["token list", "token list --json", "principal list --json"] {
        let list = run(&folder, list);
        assert!(list.status.success() && !stdout(&list).contains(secret));
    }
    let json: serde_json::Value =
        serde_json::from_slice(&run(&folder, "token list --json").stdout).unwrap();
    assert_eq!(json[0]["id"], "t1");
    assert_eq!(json[0]["revoked"], false);
    assert!(
        run(&folder, "token revoke --account ACC1 --id t1")
            .status
            .success()
    );
    assert!(stdout(&run(&folder, "token list")).contains("revoked"));
    assert!(
        run(&folder, "principal disable --account ACC1 --id svc-okta")
            .status
            .success()
    );
    assert!(stdout(&run(&folder, "principal list")).contains("disabled"));
    let database = std::fs::read(folder.path().join("guard.db")).unwrap();
    assert!(
        !database
            .windows(secret.len())
            .any(|bytes| bytes == secret.as_bytes())
    );
}

#[test]
fn faults_exit_with_2_and_say_what_to_do() {
    let folder = folder(CONFIG);
    let nobody = run(&folder, TOKEN);
    assert_eq!(nobody.status.code(), Some(2));
    assert!(stderr(&nobody).contains("scimguard principal create") && nobody.stdout.is_empty());
    std::fs::write(
        folder.path().join("guard.toml"),
        format!("{CONFIG}lisen = 1\n"),
    )
    .unwrap();
    let typo = run(&folder, "serve");
    assert_eq!(typo.status.code(), Some(2));
    let message = stderr(&typo);
    assert!(
        message.contains("guard.toml") && message.contains("line 6"),
        "{message}"
    );
}

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
fn settings_follow_the_policy_in_use() {
    let folder = folder(CONFIG);
    let policy = r#"{"preset":"generic","scim":{"base":"/scim/v2/{account}"},"accounts":{"ACC2":{"provider":"entra"}}}"#;
    std::fs::write(folder.path().join("own.json"), policy).unwrap();
    std::fs::write(folder.path().join("empty.json"), " \n").unwrap();
    let public = "--public-url https://guard.example.com/ --json";
    let settings = |line: &str| -> serde_json::Value {
        let output = bare(&folder, line);
        assert!(output.status.success(), "{line}: {}", stderr(&output));
        serde_json::from_str(stdout(&output)).unwrap()
    };
    let harness = settings(&format!("okta-settings --account ACC1 {public}"));
    assert_eq!(
        harness["scim_connector_base_url"],
        "https://guard.example.com/gateway/ng/api/scim/account/ACC1"
    );
    assert!(harness["single_sign_on_url"].is_string());
    let own = settings(&format!(
        "okta-settings --account ACC1 --policy own.json {public}"
    ));
    assert_eq!(
        own["scim_connector_base_url"],
        "https://guard.example.com/scim/v2/ACC1"
    );
    assert!(own.get("single_sign_on_url").is_none(), "{own}");
    let entra = settings(&format!(
        "entra-settings --account ACC2 --policy own.json {public}"
    ));
    assert_eq!(
        entra["tenant_url"],
        "https://guard.example.com/scim/v2/ACC2"
    );

    // An unknown address of the guard is not replaced by another one.
    for command in ["okta-settings", "entra-settings"] {
        let output = bare(&folder, &format!("{command} --account ACC1"));
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(stdout(&output).contains("<the guard's public address>/gateway"));
        assert!(
            stderr(&output).contains("--public-url"),
            "{}",
            stderr(&output)
        );
    }
    let configured =
        format!("{CONFIG}\npublic_url = \"https://inner.example.com\"\npolicy = \"own.json\"\n");
    std::fs::write(folder.path().join("own.toml"), configured).unwrap();
    let configured = settings("okta-settings --account ACC1 --config own.toml --json");
    assert_eq!(
        configured["scim_connector_base_url"],
        "https://inner.example.com/scim/v2/ACC1"
    );
    for wrong in [
        "okta-settings --account ACC1 --policy empty.json",
        "okta-settings --account ACC1 --policy gone.json",
        "okta-settings --account a/b",
        "entra-settings --account ACC1 --public-url https://guard.example.com/scim",
    ] {
        assert_eq!(bare(&folder, wrong).status.code(), Some(2), "{wrong}");
    }
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

#[test]
fn a_token_is_somebodys() {
    let folder = folder(CONFIG);
    assert!(run(&folder, PRINCIPAL).status.success());
    let create = "token create --account ACC1 --principal svc-okta --expires 90d";
    for (whose, code) in [
        ("", 2),
        (" --provider otka", 2),
        (" --provider okta --operator", 2),
        (" --provider okta", 0),
        (" --operator", 0),
    ] {
        let output = run(&folder, &format!("{create}{whose}"));
        assert_eq!(
            output.status.code(),
            Some(code),
            "{whose}: {}",
            stderr(&output)
        );
    }
    for file in ["", " \n"] {
        std::fs::write(folder.path().join("policy.json"), file).unwrap();
        let configured = format!("{CONFIG}\npolicy = \"policy.json\"\n");
        std::fs::write(folder.path().join("guard.toml"), configured).unwrap();
        let refused = run(&folder, &format!("{create} --provider okta"));
        assert!(
            stderr(&refused).contains("is empty"),
            "{}",
            stderr(&refused)
        );
    }
}
