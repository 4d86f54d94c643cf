//! What is forwarded, and in which form.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Full};
use scimguard_core::sha256_hex;
use tokio::sync::mpsc;

use hyper_util::rt::{TokioExecutor, TokioIo};

use super::*;

#[tokio::test]
async fn what_belongs_to_a_connection_stays_on_it() {
    let backend = Backend::start(async |_| {
        http::Response::builder()
            .header("connection", "x-private")
            .header("x-private", "1")
            .header("keep-alive", "timeout=5")
            .header("proxy-authenticate", "Basic")
            .header("x-public", "2")
            .body(Full::from("{}"))
            .unwrap()
    })
    .await;
    let guard = Guard::start(Script::new(), &backend).await;
    let answer = guard
        .raw(
            "POST /a?b=%20c HTTP/1.1\r\nhost: g\r\nconnection: close, x-mine\r\nx-mine: 1\r\n\
             te: trailers\r\nupgrade: websocket\r\nexpect: 100-continue\r\nx-kept: 1\r\n\
             accept-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n\
             2\r\n{}\r\n0\r\nx-trailer: 1\r\n\r\n",
        )
        .await;
    assert!(
        answer.contains("x-public: 2") && answer.contains("HTTP/1.1 200"),
        "{answer}"
    );
    assert!(
        !answer.contains("private") && !answer.contains("proxy-auth"),
        "{answer}"
    );
    let seen = &backend.seen()[0];
    assert_eq!(
        (seen.method.as_str(), seen.path.as_str()),
        ("POST", "/a?b=%20c")
    );
    assert_eq!(seen.body, b"{}");
    let names: Vec<&str> = seen.headers.keys().map(http::HeaderName::as_str).collect();
    for name in [
        "x-mine",
        "te",
        "upgrade",
        "expect",
        "connection",
        "x-trailer",
        "trailer",
    ] {
        assert!(!names.contains(&name), "{names:?}");
    }
    assert_eq!(seen.headers["x-kept"], "1");
    assert_eq!(seen.headers["host"], backend.address.to_string());
    // Streamed unread: compression is between client and backend.
    assert_eq!(seen.headers["accept-encoding"], "gzip");
}

#[tokio::test]
async fn what_is_observed_has_one_length_and_no_compression() {
    let backend = Backend::ok().await;
    let script = Script::new().evaluate(|request, _| match &request.body {
        Body::Unread => Ok(need_body(100)),
        _ => Ok(Verdict::Forward(Forward {
            body: ForwardBody::Bytes(b"{\"a\":1}".to_vec()),
            ..observed(request)
        })),
    });
    let guard = Guard::start(script, &backend).await;
    let answer = guard
        .raw(
            "PUT /scim/ACC1/Users/1 HTTP/1.1\r\nhost: g\r\nconnection: close\r\n\
             accept-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        )
        .await;
    assert_eq!(status(&answer), "204");
    let seen = &backend.seen()[0];
    assert_eq!(seen.body, b"{\"a\":1}");
    assert_eq!(seen.headers["content-length"], "7");
    assert!(!seen.headers.contains_key("accept-encoding"));
    assert!(!seen.headers.contains_key("transfer-encoding"));
}

#[tokio::test]
async fn both_bodies_are_streamed_while_nobody_has_to_read_them() {
    // The backend sends each chunk once the client has seen the previous one.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (heard, mut hears) = mpsc::channel::<Vec<u8>>(8);
    let (say, mut says) = mpsc::channel::<&'static [u8]>(8);
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = vec![0; 4096];
        loop {
            tokio::select! {
                read = stream.read(&mut buffer) => match read {
                    Ok(size) if size > 0 => heard.send(buffer[..size].to_vec()).await.unwrap(),
                    _ => break,
                },
                Some(bytes) = says.recv() => stream.write_all(bytes).await.unwrap(),
            }
        }
    });
    let backend = Backend {
        address,
        seen: Arc::default(),
        task,
    };
    let guard = Guard::start(Script::new(), &backend).await;
    let mut stream = guard.connect().await;
    let step = async {
        stream
            .write_all(b"POST /a HTTP/1.1\r\nhost: g\r\ncontent-length: 6\r\n\r\none")
            .await
            .unwrap();
        let mut all = Vec::new();
        while !all.ends_with(b"one") {
            all.extend(hears.recv().await.unwrap());
        }
        assert!(
            String::from_utf8(all)
                .unwrap()
                .contains("content-length: 6")
        );
        stream.write_all(b"two").await.unwrap();
        assert_eq!(hears.recv().await.unwrap(), b"two");
        say.send(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nfour")
            .await
            .unwrap();
        let mut answer = String::new();
        let mut buffer = [0; 256];
        while !answer.ends_with("four") {
            let size = stream.read(&mut buffer).await.unwrap();
            answer.push_str(std::str::from_utf8(&buffer[..size]).unwrap());
        }
        assert!(answer.contains("content-length: 8"), "{answer}");
        say.send(b"five").await.unwrap();
        stream.read_exact(&mut buffer[..4]).await.unwrap();
        assert_eq!(&buffer[..4], b"five");
    };
    tokio::time::timeout(LIMIT, step)
        .await
        .expect("nothing waits for the whole");
}

#[tokio::test]
async fn http_2_is_understood() {
    let backend = Backend::ok().await;
    let guard = Guard::start(Script::new(), &backend).await;
    let io = TokioIo::new(guard.connect().await);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    tokio::spawn(connection);
    for path in ["http://g/a?b", "http://g/c"] {
        let request = http::Request::get(path)
            .header("cookie", "a=1")
            .header("cookie", "b=2")
            .body(Empty::<Bytes>::new())
            .unwrap();
        let answer = tokio::time::timeout(LIMIT, sender.send_request(request))
            .await
            .unwrap();
        assert_eq!(answer.unwrap().status(), 200);
    }
    let other = http::Request::get("http://g/a").header("host", "h");
    let answer = sender
        .send_request(other.body(Empty::new()).unwrap())
        .await
        .unwrap();
    assert_eq!(answer.headers()["scimguard-rule"], "route.ambiguous-path");
    let seen = backend.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].path, "/a?b");
    assert_eq!(seen[0].headers.get_all("cookie").iter().count(), 1);
    assert_eq!(seen[0].headers["cookie"], "a=1; b=2");
}

#[tokio::test]
async fn a_head_keeps_the_length_that_it_speaks_of() {
    let says = b"HTTP/1.1 200 OK\r\ncontent-length: 42\r\nconnection: close\r\n\r\n";
    let backend = Backend::raw(says).await;
    let guard = Guard::start(Script::new(), &backend).await;
    let head = "HEAD /a HTTP/1.1\r\nhost: g\r\nconnection: close\r\n\r\n";
    let answer = guard.raw(head).await;
    assert!(answer.contains("content-length: 42"), "{answer}");
}

/// A refusal, an answer that the policy has read, and one that is streamed: each has a body for a
/// GET, and the same length without it on both protocols.
#[tokio::test]
async fn a_head_gets_every_answer_without_its_body_over_both_protocols() {
    let backend = Backend::start(async |_| json(200, "{\"a\":1}")).await;
    let script = Script::new()
        .evaluate(|request, _| match request.path.as_str() {
            "/refused" => Ok(Verdict::Reject(Reject {
                rule: "test.refused".to_owned(),
                response: Response {
                    body: ResponseBody::Bytes(b"refused".to_vec()),
                    ..response(403)
                },
                changes: Vec::new(),
                account: None,
                verified_token: None,
            })),
            "/read" => Ok(Verdict::Forward(observed(request))),
            _ => Ok(Verdict::Forward(pass(request))),
        })
        .observe(|_, _| {
            Ok(Outcome::Respond(Respond {
                response: Response {
                    body: ResponseBody::Bytes(b"answered".to_vec()),
                    ..response(200)
                },
                ..respond(200)
            }))
        });
    let guard = Guard::start(script, &backend).await;
    let (mut http1, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(guard.connect().await))
            .await
            .unwrap();
    tokio::spawn(connection);
    let io = TokioIo::new(guard.connect().await);
    let (mut http2, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    tokio::spawn(connection);
    for (path, status) in [("/refused", 403), ("/read", 200), ("/streamed", 200)] {
        let mut seen = Vec::new();
        for (method, body) in [("GET", false), ("HEAD", false), ("HEAD", true)] {
            let request = |uri: String| -> http::Request<Full<Bytes>> {
                let text = if body { "{}" } else { "" };
                let request = http::Request::builder().method(method).uri(uri);
                request.header("host", "g").body(Full::from(text)).unwrap()
            };
            let one = async {
                http1.ready().await?;
                read(http1.send_request(request(path.to_owned())).await?).await
            };
            seen.push((method, tokio::time::timeout(LIMIT, one).await.unwrap()));
            let other = http2.send_request(request(format!("http://g{path}")));
            let other = async { read(other.await?).await };
            seen.push((method, tokio::time::timeout(LIMIT, other).await.unwrap()));
        }
        let length = seen[0].1.as_ref().unwrap().2.len();
        for (method, answer) in seen {
            let (found, announced, body) = answer.unwrap();
            assert_eq!(found, status, "{method} {path}");
            assert_eq!(announced, Some(length), "{method} {path}");
            let expected = if method == "GET" { length } else { 0 };
            assert_eq!(body.len(), expected, "{method} {path}");
        }
    }
}

/// Its status, the length that it announces, and its body.
async fn read(
    answer: http::Response<hyper::body::Incoming>,
) -> Result<(u16, Option<usize>, Bytes), hyper::Error> {
    let announced = answer.headers().get("content-length");
    let announced = announced.map(|it| it.to_str().unwrap().parse().unwrap());
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await?.to_bytes();
    Ok((status, announced, body))
}

#[tokio::test]
async fn the_guards_credential_replaces_that_of_a_verified_token_only() {
    let backend = Backend::ok().await;
    let token = Key::Token(sha256_hex(b"client"));
    let script = Script::new().evaluate(move |request, facts| {
        if answer(facts, &token).is_none() {
            return Ok(need(token.clone()));
        }
        let mut forward = pass(request);
        forward.verified_token = (request.path == "/verified").then(|| "t1".to_owned());
        Ok(Verdict::Forward(forward))
    });
    let keys = "[backend_credential]\nfile = \"backend.token\"\n";
    let guard = Guard::configured(script, &backend, keys).await;
    guard.add_token("ACC1", "t1", "client", Some("okta")).await;
    for path in ["/verified", "/other"] {
        let head = "host: g\r\nauthorization: Bearer client\r\nx-api-key: client\r\n";
        guard
            .raw(&format!(
                "GET {path} HTTP/1.1\r\n{head}connection: close\r\n\r\n"
            ))
            .await;
    }
    let seen = backend.seen();
    assert_eq!(seen[0].headers["authorization"], "Bearer own-secret");
    assert!(!seen[0].headers.contains_key("x-api-key"));
    assert_eq!(seen[1].headers["authorization"], "Bearer client");
    assert_eq!(seen[1].headers["x-api-key"], "client");
}

#[tokio::test]
async fn requests_in_flight_end_before_the_guard_does() {
    let (arrived, mut arrives) = mpsc::channel::<()>(1);
    let backend = Backend::start(move |_| {
        let arrived = arrived.clone();
        async move {
            arrived.send(()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(300)).await;
            json(200, "{}")
        }
    })
    .await;
    let mut guard = Guard::start(Script::new(), &backend).await;
    let mut stream = guard.send(&post("/a", "{}")).await;
    arrives.recv().await.unwrap();
    guard.end();
    assert_eq!(status(&read_all(&mut stream).await), "200");
    guard.ended().await;
    assert!(TcpStream::connect(guard.address).await.is_err());
}
