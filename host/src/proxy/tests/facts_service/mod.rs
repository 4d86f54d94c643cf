//! The facts service between real sockets: scripted gateways, and a proxy over the same store.

mod access;
mod lies;
mod limits;
mod passes;
mod reports;
mod shares;
mod sharing;
mod tls;

use scimguard_core::record::Record;
use scimguard_wire::{
    DecisionReport, FACTS, FactsRequest, FactsResponse, Head, Pass, RECORDS, REPORTS,
    RecordsRequest, Refused, Stage,
};

use super::*;

/// The secret of the gateway `edge`, which may do everything.
pub(super) const EDGE: &str = "edge-secret-edge-secret-edge-secret";

/// The secret of the gateway `reader`, which may only ask about ACC1.
pub(super) const READER: &str = "reader-secret-reader-secret-reader";

/// A client's token of ACC1.
const TOKEN: &str = "sat.ACC1.t1.secret";

/// Both gateways.
const GATEWAYS: &str = "
[[facts.gateway]]
name = \"edge\"
secret_file = \"edge.secret\"
[[facts.gateway]]
name = \"reader\"
secret_file = \"reader.secret\"
accounts = [\"ACC1\"]
verbs = [\"read\"]
";

/// A guard with a facts service; `keys` are at the top of its configuration, `facts` in `[facts]`.
async fn serving(script: Script, backend: &Backend, keys: &str, facts: &str) -> Guard {
    let keys = format!("{keys}[facts]\nlisten = \"127.0.0.1:0\"\n{facts}{GATEWAYS}");
    Guard::configured(script, backend, &keys).await
}

/// A service that both gateways may use, in front of a backend that does everything; and `edge`.
async fn service(keys: &str, facts: &str) -> (Backend, Guard, Gateway) {
    let backend = Backend::ok().await;
    let guard = serving(Script::new(), &backend, keys, facts).await;
    let edge = guard.edge();
    (backend, guard, edge)
}

/// A gateway as the service sees it.
#[derive(Clone, Copy)]
struct Gateway {
    address: SocketAddr,
    secret: &'static str,
}

/// The service's answer.
type Answered<T> = Result<T, (u16, Refused)>;

impl Guard {
    fn gateway(&self, secret: &'static str) -> Gateway {
        let address = self.facts.unwrap();
        Gateway { address, secret }
    }

    fn edge(&self) -> Gateway {
        self.gateway(EDGE)
    }

    fn reader(&self) -> Gateway {
        self.gateway(READER)
    }

    /// Creates a service account with this token of ACC1.
    async fn with_token(&self, provider: Option<&str>) {
        self.add_token("ACC1", "t1", TOKEN, provider).await;
    }
}

impl Gateway {
    async fn ask(&self, ask: &FactsRequest) -> Answered<FactsResponse> {
        let (status, body) = self.post(FACTS, &serde_json::to_string(ask).unwrap()).await;
        match status {
            200 => Ok(serde_json::from_str(&body).unwrap()),
            _ => Err((status, serde_json::from_str(&body).unwrap())),
        }
    }

    async fn tell(&self, tell: &RecordsRequest) -> Answered<()> {
        let text = serde_json::to_string(tell).unwrap();
        let (status, body) = self.post(RECORDS, &text).await;
        match status {
            204 => {
                assert_eq!(body, "");
                Ok(())
            }
            _ => Err((status, serde_json::from_str(&body).unwrap())),
        }
    }

    async fn post(&self, path: &str, body: &str) -> (u16, String) {
        let head = format!("authorization: Bearer {}\r\n", self.secret);
        let answer = self.raw(&message("POST", path, &head, body)).await;
        (code(&answer), rest(&answer).to_owned())
    }

    async fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        read_all(&mut stream).await
    }
}

fn message(method: &str, path: &str, head: &str, body: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: f\r\nconnection: close\r\n{head}content-length: {}\r\n\r\n\
         {body}",
        body.len()
    )
}

fn code(answer: &str) -> u16 {
    status(answer).parse().unwrap()
}

fn rest(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// A client's request.
fn head(method: &str) -> Head {
    Head {
        method: method.to_owned(),
        path: "/scim/ACC1/Users".to_owned(),
        credentials: vec![("authorization".to_owned(), format!("Bearer {TOKEN}"))],
        source: Some("192.0.2.1".to_owned()),
    }
}

/// The first question of a write.
fn asks(keys: Vec<Key>) -> FactsRequest {
    FactsRequest {
        pass: None,
        head: head("PATCH"),
        stage: Stage::Decide,
        first: true,
        keys,
    }
}

/// The next question of the same write.
fn goes_on(pass: &Pass, stage: Stage, first: bool, keys: Vec<Key>) -> FactsRequest {
    FactsRequest {
        pass: Some(pass.clone()),
        stage,
        first,
        ..asks(keys)
    }
}

/// Reports records, and that nothing more follows.
fn ends(pass: &Pass, records: Vec<Record>) -> RecordsRequest {
    RecordsRequest {
        end: true,
        ..tells(pass, records)
    }
}

/// Reports records.
fn tells(pass: &Pass, records: Vec<Record>) -> RecordsRequest {
    RecordsRequest {
        pass: Some(pass.clone()),
        head: head("PATCH"),
        verdict: None,
        records,
        end: false,
    }
}

/// Reports a request that was refused without facts.
fn refused(rule: &str, status: u16, source: &str) -> RecordsRequest {
    RecordsRequest {
        pass: None,
        head: Head {
            source: Some(source.to_owned()),
            ..head("GET")
        },
        verdict: Some(DecisionReport {
            rule: Some(rule.to_owned()),
            status: Some(status),
            ..DecisionReport::default()
        }),
        records: Vec::new(),
        end: true,
    }
}

fn token_key() -> Key {
    Key::Token(sha256_hex(TOKEN.as_bytes()))
}

fn user(id: &str) -> Key {
    user_key(id, Unseen::Absent)
}

/// The same question about a request with this head.
fn of_head(head: Head, asks: FactsRequest) -> FactsRequest {
    FactsRequest { head, ..asks }
}

/// The same message about a request with this head.
fn tell_of(head: Head, tells: RecordsRequest) -> RecordsRequest {
    RecordsRequest { head, ..tells }
}

/// The same message with this decision.
fn decided(verdict: DecisionReport, tells: RecordsRequest) -> RecordsRequest {
    RecordsRequest {
        verdict: Some(verdict),
        ..tells
    }
}

/// A key of the user ann by name.
fn ann() -> Key {
    Key::UserByName(UserKey {
        account: "ACC1".to_owned(),
        value: "ann".to_owned(),
        unseen: Unseen::Absent,
    })
}

/// The service did nothing, for this reason.
#[track_caller]
fn assert_denied<T: std::fmt::Debug>(answered: Answered<T>, status: u16, rule: &str) {
    let (found, refused) = answered.expect_err("it is refused");
    let expected = (status, rule);
    assert_eq!((found, refused.rule.as_str()), expected, "{refused:?}");
}

/// The service did nothing, with this status and the rule of missing facts.
#[track_caller]
fn assert_unavailable<T: std::fmt::Debug>(answered: Answered<T>, status: u16) {
    assert_denied(answered, status, "facts.unavailable");
}
