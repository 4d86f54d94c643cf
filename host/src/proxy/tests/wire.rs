//! Framing on the wire: raw bytes to a running guard, and a backend that keeps the exact bytes that
//! reach it.

use super::*;

/// A backend that keeps the bytes of each request.
struct Recorder {
    backend: Backend,
    got: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let got: Arc<Mutex<Vec<String>>> = Arc::default();
        let keeps = Arc::clone(&got);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&keeps)));
            }
        });
        let seen = Arc::default();
        Self {
            backend: Backend {
                address,
                seen,
                task,
            },
            got,
        }
    }

    /// Takes the requests so far.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.got.lock().unwrap())
    }
}

/// Answers each request with its target; bytes after a request are kept as another one.
async fn answer(mut stream: TcpStream, got: Arc<Mutex<Vec<String>>>) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        while let Some(length) = whole(&bytes) {
            let request: Vec<u8> = bytes.drain(..length).collect();
            let request = String::from_utf8_lossy(&request).into_owned();
            let target = request.split(' ').nth(1).unwrap_or_default().to_owned();
            got.lock().unwrap().push(request);
            let length = target.len();
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{target}");
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
        match stream.read(&mut buffer).await {
            Ok(read) if read > 0 => bytes.extend(&buffer[..read]),
            _ => break,
        }
    }
    if !bytes.is_empty() {
        let rest = String::from_utf8_lossy(&bytes).into_owned();
        got.lock().unwrap().push(rest);
    }
}

/// The length of the first request, if it is complete.
fn whole(bytes: &[u8]) -> Option<usize> {
    let find = |what: &[u8]| bytes.windows(what.len()).position(|it| it == what);
    let head = find(b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
    if text.contains("transfer-encoding: chunked") {
        return find(b"0\r\n\r\n").map(|end| end + 5);
    }
    let length = text.split("content-length: ").nth(1);
    let length: usize = length.map_or(0, |it| it.lines().next().unwrap().parse().unwrap());
    (bytes.len() >= head + length).then_some(head + length)
}

const END: &str = "connection: close\r\n\r\n";

#[tokio::test]
async fn a_request_with_several_readings_is_refused_with_its_rule() {
    let recorder = Recorder::start().await;
    let guard = Guard::start(Script::new(), &recorder.backend).await;
    let post = "POST /a HTTP/1.1\r\nhost: g\r\n";
    #[rustfmt::skip]
    let cases = [
        (format!("{post}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
            "body.syntax"),
        (format!("{post}transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
            "body.syntax"),
        (format!("{post}content-length: 2\r\ncontent-length: 2\r\n\r\nok"), "body.syntax"),
        (format!("{post}transfer-encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
            "body.syntax"),
        (format!("{post}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
            "body.syntax"),
        ("GET /a HTTP/1.1\nhost: g\n\n".to_owned(), "body.syntax"),
        (format!("GET /a#b HTTP/1.1\r\nhost: g\r\n{END}"), "route.ambiguous-path"),
        (format!("GET g HTTP/1.1\r\nhost: g\r\n{END}"), "route.ambiguous-path"),
        (format!("GET /a HTTP/1.1\r\nhost: g\r\nhost: g\r\n{END}"), "route.ambiguous-path"),
        (format!("GET http://h/a HTTP/1.1\r\nhost: g\r\n{END}"), "route.ambiguous-path"),
        (format!("GET http://u@g/a HTTP/1.1\r\nhost: g\r\n{END}"), "route.ambiguous-path"),
        (format!("GET /a HTTP/1.1\r\n{END}"), "route.ambiguous-path"),
        (format!("OPTIONS * HTTP/1.1\r\nhost: g\r\n{END}"), "route.unknown"),
        (format!("CONNECT g:1 HTTP/1.1\r\nhost: g:1\r\n{END}"), "route.method"),
    ];
    for (bytes, rule) in cases {
        let answer = guard.raw(&bytes).await;
        assert!(
            answer.contains(&format!("scimguard-rule: {rule}\r\n")),
            "{bytes:?}: {answer}"
        );
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
        assert_eq!(recorder.take(), Vec::<String>::new(), "{bytes:?}");
    }
}

/// The server's own parser refuses these before the guard's code runs.
#[tokio::test]
async fn what_is_no_http_is_refused() {
    let recorder = Recorder::start().await;
    let guard = Guard::start(Script::new(), &recorder.backend).await;
    for head in [
        "POST /a HTTP/1.1\r\nhost: g\r\ncontent-length: 1\r\ncontent-length: 2\r\n",
        "POST /a HTTP/1.1\r\nhost: g\r\ncontent-length: 1, 1\r\n",
        "POST /a HTTP/1.1\r\nhost: g\r\ncontent-length: +1\r\n",
        "POST /a HTTP/1.1\r\nhost: g\r\ncontent-length : 1\r\n",
        "POST /a HTTP/1.1\r\nhost: g\r\ntransfer-encoding : chunked\r\n",
        "POST /a HTTP/1.1\r\nhost: g\r\ntransfer-encoding: chunked, gzip\r\n",
        "POST /a HTTP/1.1\r\nhost: g\r\ntransfer-encoding: xchunked\r\n",
        "POST /a HTTP/1.0\r\nhost: g\r\ntransfer-encoding: chunked\r\n",
        "GET /a HTTP/1.1\r\nhost: g\r\nx: 1\r\n folded\r\n",
        "GET /a HTTP/1.1\r\nhost: g\r\n folded\r\n",
        "GET /a HTTP/1.1\r\nhost: g\r\nx: a\0b\r\n",
        "GET /a HTTP/1.1\r\nhost: g\r\nx: a\rb\r\n",
        "GET /a HTTP/1.1\r\nhost: g\r\nno colon\r\n",
        "GET  /a HTTP/1.1\r\nhost: g\r\n",
        "GET /a b HTTP/1.1\r\nhost: g\r\n",
        "GET /a HTTP/2.0\r\nhost: g\r\n",
        "GET /a\r\n",
    ] {
        let answer = guard
            .raw(&format!("{head}connection: close\r\n\r\n0\r\n\r\n"))
            .await;
        assert_eq!(status(&answer), "400", "{head:?}: {answer}");
        assert_eq!(recorder.take(), Vec::<String>::new(), "{head:?}");
    }
}

#[tokio::test]
async fn what_is_passed_on_is_framed_anew() {
    let recorder = Recorder::start().await;
    let guard = Guard::start(Script::new(), &recorder.backend).await;
    #[rustfmt::skip]
    let cases = [
        (format!("GET http://g/a?b HTTP/1.1\r\nhost: G\r\n{END}"), "/a?b", "\r\n\r\n"),
        (format!("GET /a HTTP/1.0\r\n{END}"), "/a", "\r\n\r\n"),
        (format!("\r\nGET /a HTTP/1.1\r\nhost: g\r\n{END}"), "/a", "\r\n\r\n"),
        (format!("get /a HTTP/1.1\r\nhost: g\r\n{END}"), "/a", "\r\n\r\n"),
        (format!("POST /a HTTP/1.1\r\nhost: g\r\ncontent-length: 02\r\n{END}ok"), "/a",
            "\r\n\r\nok"),
        (format!("POST /a HTTP/1.1\r\nhost: g\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n{END}2;x=y\r\nok\r\n0\r\nhost: h\r\nx-trailer: 1\r\n\r\n"),
            "/a", "\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        (format!("GET /a HTTP/1.1\r\nhost: g\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n{END}"),
            "/a", "\r\n\r\n"),
    ];
    for (bytes, target, body) in cases {
        let answer = guard.raw(&bytes).await;
        assert!(answer.contains("200 OK"), "{bytes:?}: {answer}");
        let got = recorder.take();
        let [request] = &got[..] else {
            panic!("{bytes:?}: {got:?}");
        };
        assert!(
            request.contains(&format!(" {target} HTTP/1.1\r\n")),
            "{request}"
        );
        assert!(request.ends_with(body), "{request:?}");
        let heads = request.matches("host: ").count();
        assert_eq!(heads, 1, "{request}");
        for name in [
            "trailer",
            "upgrade",
            "expect",
            "http2-settings",
            "connection",
        ] {
            assert!(!request.contains(name), "{request}");
        }
    }
}

#[tokio::test]
async fn broken_chunks_end_the_connection() {
    let recorder = Recorder::start().await;
    let script = Script::new().evaluate(|request, _| match &request.body {
        Body::Unread => Ok(need_body(100)),
        _ => Ok(Verdict::Forward(pass(request))),
    });
    let guard = Guard::start(script, &recorder.backend).await;
    for chunks in [
        "2\nok\r\n0\r\n\r\n",
        "0x2\r\nok\r\n0\r\n\r\n",
        "2\r\nokk\r\n0\r\n\r\n",
        "2;a\nb\r\nok\r\n0\r\n\r\n",
        "fffffffffffffffff\r\n",
    ] {
        let head = "POST /a HTTP/1.1\r\nhost: g\r\ntransfer-encoding: chunked\r\n\r\n";
        let next = "GET /stolen HTTP/1.1\r\nhost: g\r\n\r\n";
        let answer = guard.raw(&format!("{head}{chunks}{next}")).await;
        assert!(!answer.contains("200 OK"), "{chunks:?}: {answer}");
        assert_eq!(recorder.take(), Vec::<String>::new(), "{chunks:?}");
    }
}

#[tokio::test]
async fn nothing_of_one_request_reaches_another() {
    let recorder = Recorder::start().await;
    let guard = Guard::start(Script::new(), &recorder.backend).await;
    let inner = "GET /inner HTTP/1.1\r\nhost: g\r\n\r\n";
    let pipelined = format!(
        "POST /one HTTP/1.1\r\nhost: g\r\nx-one: 1\r\ncontent-length: {}\r\n\r\n{inner}\
         GET /two HTTP/1.1\r\nhost: g\r\n{END}",
        inner.len()
    );
    let answer = guard.raw(&pipelined).await;
    let (one, two) = (answer.find("/one").unwrap(), answer.find("/two").unwrap());
    assert!(one < two && !answer.contains("/inner"), "{answer}");
    let got = recorder.take();
    let [one, two] = &got[..] else {
        panic!("{got:?}");
    };
    assert!(
        one.starts_with("POST /one ") && one.ends_with(inner),
        "{one:?}"
    );
    assert!(
        two.starts_with("GET /two ") && !two.contains("x-one"),
        "{two:?}"
    );
}

#[tokio::test]
async fn the_body_of_a_refused_request_is_not_the_next_request() {
    let recorder = Recorder::start().await;
    let script = Script::new().evaluate(|request, _| match request.path.as_str() {
        "/refused" => Ok(reject(403)),
        "/large" if request.body == Body::Unread => Ok(need_body(3)),
        "/large" => Ok(reject(413)),
        _ => Ok(Verdict::Forward(pass(request))),
    });
    let guard = Guard::start(script, &recorder.backend).await;
    let inner = "GET /inner HTTP/1.1\r\nhost: g\r\n\r\n";
    let length = inner.len();
    for head in [
        format!("POST /refused HTTP/1.1\r\nhost: g\r\ncontent-length: {length}\r\n\r\n"),
        format!("POST /large HTTP/1.1\r\nhost: g\r\ncontent-length: {length}\r\n\r\n"),
        format!(
            "POST /refused HTTP/1.1\r\nhost: g\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
        ),
        format!(
            "POST /refused HTTP/1.1\r\nhost: g\r\ncontent-length: {length}\r\ncontent-length: {length}\r\n\r\n"
        ),
        "POST /refused HTTP/1.1\r\nhost: g\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
        format!("GET /a#b HTTP/1.1\r\nhost: g\r\ncontent-length: {length}\r\n\r\n"),
    ] {
        // With the head, and after the answer.
        for later in [false, true] {
            let mut stream = guard.connect().await;
            let first = if later {
                head.clone()
            } else {
                format!("{head}{inner}")
            };
            stream.write_all(first.as_bytes()).await.unwrap();
            let mut answer = [0; 12];
            let read = tokio::time::timeout(LIMIT, stream.read_exact(&mut answer)).await;
            read.expect("an answer").unwrap();
            assert!(answer.starts_with(b"HTTP/1.1 4"), "{head:?}");
            if later {
                // The guard may have closed.
                let _ = stream.write_all(inner.as_bytes()).await;
            }
            let next = format!("GET /next HTTP/1.1\r\nhost: g\r\n{END}");
            let _ = stream.write_all(next.as_bytes()).await;
            read_all(&mut stream).await;
            let got = recorder.take();
            assert!(
                !got.iter().any(|it| it.contains("inner")),
                "{head:?}: {got:?}"
            );
        }
    }
}
