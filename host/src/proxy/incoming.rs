//! The request as the policy may see it. What two parsers could read differently is refused here,
//! before anything is decided.

use http::{Method, Version, header};
use scimguard_core::{Body, Request};

use super::headers;

/// A refusal by the host itself: a rule and what to do.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) rule: &'static str,
    pub(crate) detail: String,
    /// Seconds, where the rule alone does not tell them.
    pub(crate) retry_after: Option<u64>,
}

impl Refused {
    pub(super) fn new(rule: &'static str, detail: impl Into<String>) -> Self {
        Self {
            rule,
            detail: detail.into(),
            retry_after: None,
        }
    }
}

/// Reads the head of a request.
pub(super) fn read<B>(request: &http::Request<B>) -> Result<Request, Refused> {
    if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
        let detail = format!("{} is not for this address.", request.method());
        return Err(Refused::new("route.method", detail));
    }
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    if path == "*" {
        return Err(Refused::new(
            "route.unknown",
            "Ask for a path instead of `*`.",
        ));
    }
    let host = one_host(request)?;
    let headers = request.headers();
    if headers.contains_key(header::TRANSFER_ENCODING)
        && headers.contains_key(header::CONTENT_LENGTH)
    {
        return Err(Refused::new(
            "body.syntax",
            "The request has both Content-Length and Transfer-Encoding. Send one of them.",
        ));
    }
    let mut headers = headers::end_to_end(headers);
    if let Some(host) = host {
        headers.push(("host".to_owned(), host));
    }
    Ok(Request {
        method: request.method().as_str().to_owned(),
        path: path.to_owned(),
        headers,
        body: Body::Unread,
        annotate: false,
    })
}

/// The host that the request is for: named once, or twice alike (RFC 9112 §3.2, RFC 9113 §8.3.1).
fn one_host<B>(request: &http::Request<B>) -> Result<Option<Vec<u8>>, Refused> {
    let refused = |detail: &str| Err(Refused::new("route.ambiguous-path", detail));
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next().map(|host| host.as_bytes());
    if hosts.next().is_some() {
        return refused("The request has several Host headers. Send one.");
    }
    let authority = request.uri().authority().map(|it| it.as_str().as_bytes());
    match (authority, host) {
        (Some(authority), Some(host)) if !authority.eq_ignore_ascii_case(host) => {
            refused("The request's authority and its Host header differ. Send one address.")
        }
        (None, None) if request.version() == Version::HTTP_11 => {
            refused("The request has no Host header, which HTTP/1.1 needs.")
        }
        (authority, host) => Ok(authority.or(host).map(<[u8]>::to_vec)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(request: http::request::Builder) -> Option<&'static str> {
        read(&request.body(()).unwrap())
            .err()
            .map(|refused| refused.rule)
    }

    fn get(uri: &str) -> http::request::Builder {
        http::Request::get(uri)
    }

    #[test]
    fn one_request_has_one_reading() {
        assert_eq!(rule(get("/a").header("host", "a")), None);
        assert_eq!(rule(get("http://a/b").header("host", "A")), None);
        assert_eq!(rule(get("/a")), Some("route.ambiguous-path"));
        assert_eq!(
            rule(get("/a").header("host", "a").header("host", "a")),
            Some("route.ambiguous-path")
        );
        assert_eq!(
            rule(get("http://b/a").header("host", "a")),
            Some("route.ambiguous-path")
        );
        assert_eq!(
            rule(get("*").method("OPTIONS").header("host", "a")),
            Some("route.unknown")
        );
        assert_eq!(
            rule(get("/a").method("TRACE").header("host", "a")),
            Some("route.method")
        );
        assert_eq!(
            rule(get("a:1").method("CONNECT").header("host", "a:1")),
            Some("route.method")
        );
        let both = get("/a")
            .header("host", "a")
            .header("content-length", "1")
            .header("transfer-encoding", "chunked");
        assert_eq!(rule(both), Some("body.syntax"));
    }

    #[test]
    fn the_connections_own_headers_stay_behind() {
        let request = get("/a?b=%20c")
            .header("host", "a")
            .header("connection", "close, X-Secret")
            .header("x-secret", "1")
            .header("upgrade", "websocket")
            .header("te", "trailers")
            .header("accept", "x")
            .body(())
            .unwrap();
        let request = read(&request).unwrap();
        assert_eq!(request.path, "/a?b=%20c");
        let names: Vec<&str> = request
            .headers
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(names, ["accept", "host"]);
    }
}
