//! What never reaches the backend.

use super::*;

#[tokio::test]
async fn a_refusal_does_not_touch_the_backend() {
    let backend = Backend::ok().await;
    let guard = Guard::start(Script::new().evaluate(|_, _| Ok(reject(403))), &backend).await;
    let answer = guard.post(BASE, "{}").await;
    assert_eq!(status(&answer), "403");
    assert!(answer.contains("x-by: policy"), "{answer}");
    assert!(backend.seen().is_empty());
}

/// The client waits for an answer with most of its body unsent.
#[tokio::test]
async fn a_body_over_the_limit_is_refused_before_it_is_read() {
    let backend = Backend::ok().await;
    let script = Script::new().evaluate(|request, _| match &request.body {
        Body::Unread => Ok(need_body(100)),
        Body::OverLimit => Ok(reject(413)),
        _ => Ok(Verdict::Forward(observed(request))),
    });
    let guard = Guard::start(script, &backend).await;
    for head in [
        "content-length: 1000000\r\n\r\nx".to_owned(),
        format!(
            "transfer-encoding: chunked\r\n\r\n80\r\n{}\r\n",
            "x".repeat(128)
        ),
    ] {
        let request = format!("POST {BASE}/Users HTTP/1.1\r\nhost: g\r\n{head}");
        let mut stream = guard.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        let read = tokio::time::timeout(LIMIT, stream.read_exact(&mut answer)).await;
        read.expect("an answer before the rest is sent").unwrap();
        assert_eq!(&answer, b"HTTP/1.1 413");
    }
    assert!(backend.seen().is_empty());
    assert_eq!(status(&guard.post(BASE, &"x".repeat(100)).await), "204");
}

#[tokio::test]
async fn what_has_two_readings_is_refused() {
    let backend = Backend::ok().await;
    let guard = Guard::start(Script::new(), &backend).await;
    let end = "connection: close\r\n\r\n";
    #[rustfmt::skip]
    let cases = [
        ("GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n", "400", "route.ambiguous-path"),
        ("GET http://b/ HTTP/1.1\r\nhost: a\r\n", "400", "route.ambiguous-path"),
        ("GET / HTTP/1.1\r\n", "400", "route.ambiguous-path"),
        ("OPTIONS * HTTP/1.1\r\nhost: a\r\n", "404", "route.unknown"),
        ("TRACE / HTTP/1.1\r\nhost: a\r\n", "405", "route.method"),
        ("CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n", "405", "route.method"),
    ];
    for (request, status, rule) in cases {
        assert_refused(&guard.raw(&format!("{request}{end}")).await, status, rule);
    }
    assert!(backend.seen().is_empty());
}

#[tokio::test]
async fn a_policy_that_fails_refuses_its_request_alone() {
    let backend = Backend::ok().await;
    let script = Script::new().evaluate(|request, _| match request.path.as_str() {
        "/scim/ACC1/trap" => Err(Fault::Trapped("unreachable".to_owned())),
        "/slow" => Err(Fault::Timeout),
        "/panic" => panic!("a native policy may"),
        "/endless" => Ok(need(user_key("u1", Unseen::Absent))),
        "/scim/ACC1/other" => {
            let mut forward = pass(request);
            forward.path = "/scim/ACC2/other".to_owned();
            Ok(Verdict::Forward(forward))
        }
        "/split" => {
            let mut forward = pass(request);
            forward
                .headers
                .push(("x".to_owned(), b"a\r\nb: c".to_vec()));
            Ok(Verdict::Forward(forward))
        }
        _ => Ok(Verdict::Forward(pass(request))),
    });
    let guard = Guard::start(script, &backend).await;
    assert_refused(&guard.get("/slow").await, "503", "plugin.timeout");
    for path in ["/panic", "/endless", "/scim/ACC1/other", "/split"] {
        assert_refused(&guard.get(path).await, "500", "plugin.trapped");
    }
    let answer = guard.get("/scim/ACC1/trap").await;
    assert_refused(&answer, "500", "plugin.trapped");
    assert!(answer.contains("application/scim+json") && !answer.contains("unreachable"));
    assert!(backend.seen().is_empty());
    assert_eq!(status(&guard.get("/fine").await), "200");
}

#[tokio::test]
async fn without_a_store_nothing_is_forwarded() {
    let backend = Backend::ok().await;
    let script = Script::new().evaluate(|request, facts| {
        let key = user_key("u1", Unseen::Absent);
        Ok(match answer(facts, &key) {
            None => need(key),
            Some(_) => Verdict::Forward(pass(request)),
        })
    });
    let guard = Guard::start(script, &backend).await;
    guard.store.close().await;
    let answer = guard.post(BASE, "{}").await;
    assert_refused(&answer, "503", "facts.unavailable");
    assert!(answer.contains("retry-after: "), "{answer}");
    assert!(backend.seen().is_empty());
}
