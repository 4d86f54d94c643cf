//! Connections that do nothing are closed, and leave room for active ones.

use std::future::pending;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::mpsc;

use super::*;

/// The first bytes of HTTP/2, with an empty SETTINGS frame.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: &[u8] = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00";

/// Short enough to wait for.
const QUICK: &str = "client_timeout = \"500ms\"\nbackend_timeout = \"500ms\"\n";

/// Sends these bytes, then single spaces while the guard accepts them, and waits for the end.
async fn ends(mut stream: TcpStream, first: &[u8], trickles: bool) {
    stream.write_all(first).await.unwrap();
    let (mut reads, mut writes) = stream.split();
    let trickle = async {
        if trickles {
            let mut times = tokio::time::interval(Duration::from_millis(50));
            while writes.write_all(b"x").await.is_ok() {
                times.tick().await;
            }
        }
        pending::<()>().await;
    };
    let mut all = Vec::new();
    let ended = async {
        tokio::select! {
            () = trickle => {}
            _ = reads.read_to_end(&mut all) => {}
        }
    };
    let shown = String::from_utf8_lossy(first).into_owned();
    tokio::time::timeout(LIMIT, ended)
        .await
        .unwrap_or_else(|_| panic!("it has not ended after {shown:?}"));
}

#[tokio::test]
async fn a_connection_without_a_request_ends() {
    let backend = Backend::ok().await;
    let guard = Guard::configured(Script::new(), &backend, QUICK).await;
    let settings = [PREFACE, SETTINGS].concat();
    for (first, trickles) in [
        (&b""[..], false),
        (b"GET /slow-head HTTP/1.1\r\nx: ", true),
        (b"PRI * HTTP", false),
        (PREFACE, false),
        (&settings, false),
        (b"GET /a HTTP/1.1\r\nhost: g\r\n\r\n", false),
        (b"GET /a HTTP/1.1\r\nhost: g\r\n\r\nGET /b HT", true),
    ] {
        ends(guard.connect().await, first, trickles).await;
    }
    assert_eq!(backend.seen().len(), 2);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let backend = Backend::ok().await;
    let script = reads_body();
    let guard = Guard::configured(script, &backend, QUICK).await;
    let head = b"POST /a HTTP/1.1\r\nhost: g\r\ncontent-length: 90\r\n\r\nx";
    let mut stream = guard.connect().await;
    stream.write_all(head).await.unwrap();
    assert_refused(&read_all(&mut stream).await, "400", "body.syntax");
    // However slowly it arrives.
    ends(guard.connect().await, head, true).await;
    assert!(backend.seen().is_empty());
}

#[tokio::test]
async fn eleven_hundred_silent_connections_keep_nobody_out() {
    super::super::raise_descriptors();
    let backend = Backend::ok().await;
    let keys = "[connections]\nmost = 64\nper_address = 48\n";
    let guard = Guard::configured(Script::new(), &backend, keys).await;
    let mut silent = Vec::new();
    for number in 0..1100 {
        let mut stream = guard.connect().await;
        if number % 2 == 0 {
            let _ = stream.write_all(b"GET /slow-head HTTP/1.1\r\nx: ").await;
        }
        silent.push(stream);
        if number % 100 == 99 {
            assert_eq!(status(&guard.get("/good").await), "200", "after {number}");
        }
    }
    assert_eq!(backend.seen().len(), 11);
}

#[tokio::test]
async fn a_request_under_way_does_not_give_way() {
    let (arrived, mut arrives) = mpsc::channel::<()>(1);
    let (go, goes) = tokio::sync::watch::channel(false);
    let backend = Backend::start(move |_| {
        let (arrived, mut goes) = (arrived.clone(), goes.clone());
        async move {
            arrived.send(()).await.unwrap();
            goes.wait_for(|goes| *goes).await.unwrap();
            json(200, "{}")
        }
    })
    .await;
    let keys = "[connections]\nmost = 1\n";
    let guard = Guard::configured(Script::new(), &backend, keys).await;
    let mut busy = guard.send(&post("/a", "{}")).await;
    arrives.recv().await.unwrap();
    let mut refused = guard.connect().await;
    assert_eq!(read_all(&mut refused).await, "");
    go.send(true).unwrap();
    assert_eq!(status(&read_all(&mut busy).await), "200");
}

/// A backend with an endless answer; reports when its connection has ended.
async fn endless() -> (Backend, mpsc::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (ended, ends) = mpsc::channel(8);
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let ended = ended.clone();
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                let read = stream.read(&mut buffer).await.unwrap_or(0);
                let request = String::from_utf8_lossy(&buffer[..read]).into_owned();
                if request.starts_with("GET /short") {
                    let _ = stream
                        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                        .await;
                    return;
                }
                let head = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n";
                let _ = stream.write_all(head).await;
                if request.starts_with("GET /stops") {
                    let _ = stream.read(&mut buffer).await;
                }
                while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
                let _ = ended.send(()).await;
            });
        }
    });
    let seen = Arc::default();
    (
        Backend {
            address,
            seen,
            task,
        },
        ends,
    )
}

async fn ended(ends: &mut mpsc::Receiver<()>) {
    let ended = tokio::time::timeout(LIMIT, ends.recv()).await;
    ended.expect("the answer ends in time").unwrap();
}

#[tokio::test]
async fn an_answer_that_is_not_taken_ends() {
    let (backend, mut ends) = endless().await;
    let guard = Guard::configured(Script::new(), &backend, QUICK).await;
    let mut stream = guard.connect().await;
    let request = b"GET /large HTTP/1.1\r\nhost: g\r\n\r\n";
    stream.write_all(request).await.unwrap();
    ended(&mut ends).await;
}

#[tokio::test]
async fn a_backend_that_stops_in_its_answer_is_not_waited_for() {
    let (backend, _ends) = endless().await;
    let guard = Guard::configured(Script::new(), &backend, QUICK).await;
    let answer = guard.get("/stops").await;
    assert_eq!(status(&answer), "200");
}

#[tokio::test]
async fn a_stream_that_is_not_taken_ends_alone() {
    let (backend, mut ends) = endless().await;
    let guard = Guard::configured(Script::new(), &backend, QUICK).await;
    let io = TokioIo::new(guard.connect().await);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    tokio::spawn(connection);
    let mut get = |path: &str| {
        let request = http::Request::get(format!("http://g{path}"));
        sender.send_request(request.body(Empty::<Bytes>::new()).unwrap())
    };
    let stalled = tokio::time::timeout(LIMIT, get("/large"))
        .await
        .unwrap()
        .unwrap();
    ended(&mut ends).await;
    let answer = tokio::time::timeout(LIMIT, get("/short"))
        .await
        .unwrap()
        .unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "ok", "the connection has stayed");
    let mut stalled = stalled.into_body();
    let rest = async { while let Some(Ok(_)) = stalled.frame().await {} };
    tokio::time::timeout(LIMIT, rest)
        .await
        .expect("it was reset");
}

#[tokio::test]
async fn the_guard_ends_although_clients_are_silent() {
    let backend = Backend::ok().await;
    let script = reads_body();
    let mut guard = Guard::configured(script, &backend, "client_timeout = \"10m\"\n").await;
    let mut clients = Vec::new();
    for bytes in [
        &b""[..],
        b"GET /a HT",
        PREFACE,
        b"POST /a HTTP/1.1\r\nhost: g\r\ncontent-length: 90\r\n\r\nx",
    ] {
        let mut stream = guard.connect().await;
        stream.write_all(bytes).await.unwrap();
        clients.push(stream);
    }
    // Connections are accepted in order: the guard has them all.
    assert_eq!(status(&guard.post("/b", "{}").await), "204");
    guard.end();
    guard.ended().await;
}
