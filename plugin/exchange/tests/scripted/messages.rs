//! The heads of requests as gateways get them: what is refused at sight, which host is meant, and which
//! headers go on.

use scimguard_exchange::{headers as forwarded, incoming};

use crate::script::says::headers;

#[test]
fn a_request_that_has_no_business_behind_a_proxy_is_refused() {
    let chunked = ("transfer-encoding", "chunked");
    let long = ("content-length", "3");
    for (method, path, given, rule) in [
        ("GET", "/", &[][..], None),
        ("OPTIONS", "/*", &[][..], None),
        ("POST", "/", &[long][..], None),
        ("POST", "/", &[chunked][..], None),
        ("POST", "/", &[("x-other", "1"), ("x-more", "2")][..], None),
        ("POST", "/", &[long, chunked][..], Some("body.syntax")),
        (
            "POST",
            "/",
            &[chunked, ("x-other", "1"), long][..],
            Some("body.syntax"),
        ),
        ("OPTIONS", "*", &[][..], Some("route.unknown")),
        ("CONNECT", "/", &[][..], Some("route.method")),
        ("TRACE", "/", &[][..], Some("route.method")),
    ] {
        let refused = incoming::check(method, path, &headers(given)).err();
        let refused = refused.map(|refused| refused.rule);
        assert_eq!(refused, rule, "{method} {path} {given:?}");
    }
}

#[test]
fn a_request_has_one_host_however_often_it_is_named() {
    let host = |name| ("host", name);
    let other = ("x-host", "b.example");
    for (authority, given, expected) in [
        (None, &[][..], Ok(None)),
        (None, &[other][..], Ok(None)),
        (Some("a.example"), &[][..], Ok(Some("a.example"))),
        (None, &[other, host("a.example")][..], Ok(Some("a.example"))),
        (
            Some("a.example"),
            &[host("a.example"), other][..],
            Ok(Some("a.example")),
        ),
        (
            Some("a.example"),
            &[host("A.Example")][..],
            Ok(Some("a.example")),
        ),
        (Some("a.example"), &[host("b.example")][..], Err("differ")),
        (
            Some("a.example"),
            &[host("a.example:443")][..],
            Err("differ"),
        ),
        (
            None,
            &[host("a.example"), host("a.example")][..],
            Err("several"),
        ),
        (
            Some("a.example"),
            &[host("a.example"), host("a.example")][..],
            Err("several"),
        ),
        (None, &[host("a.example,b.example")][..], Err("several")),
        (Some("a.example,b.example"), &[][..], Err("several")),
    ] {
        let found = incoming::one_host(authority.map(str::as_bytes), &headers(given));
        let case = format!("{authority:?}, {given:?}: {found:?}");
        match expected {
            Ok(host) => {
                let host = host.map(|host| host.as_bytes().to_vec());
                assert_eq!(found, Ok(host), "{case}");
            }
            Err(why) => {
                let refused = found.unwrap_err();
                assert_eq!(refused.rule, "route.ambiguous-path", "{case}");
                assert!(refused.detail.contains(why), "{case}");
            }
        }
    }
}

#[test]
fn headers_of_one_connection_end_there_and_cookies_are_joined() {
    for (given, expected) in [
        (&[][..], &[][..]),
        (
            &[
                ("content-type", "text/plain"),
                ("content-length", "3"),
                ("te", "trailers"),
                ("upgrade", "h2c"),
                ("x-request-id", "7"),
            ][..],
            &[("content-type", "text/plain"), ("x-request-id", "7")][..],
        ),
        (
            &[
                ("connection", "close, X-Once"),
                ("x-once", "1"),
                ("x_once", "2"),
                ("x-twice", "3"),
            ][..],
            &[("x-twice", "3")][..],
        ),
        (
            &[("cookie", "a=1"), ("x-request-id", "7")][..],
            &[("cookie", "a=1"), ("x-request-id", "7")][..],
        ),
        (
            &[("cookie", "a=1"), ("x-request-id", "7"), ("cookie", "b=2")][..],
            &[("x-request-id", "7"), ("cookie", "a=1; b=2")][..],
        ),
        (
            &[("cookie", "a=1"), ("cookie", "b=2"), ("cookie", "c=3")][..],
            &[("cookie", "a=1; b=2; c=3")][..],
        ),
    ] {
        let kept = forwarded::end_to_end(headers(given));
        assert_eq!(kept, headers(expected), "{given:?}");
    }
    for (name, own) in [
        ("connection", true),
        ("host", true),
        ("transfer_encoding", true),
        ("x-request-id", false),
        ("cookie", false),
    ] {
        assert_eq!(forwarded::is_own(name), own, "{name}");
    }
}
