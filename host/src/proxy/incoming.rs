//! The request as the policy may see it. What two parsers could read differently is refused here,
//! before anything is decided.

use http::{Version, header};
use scimguard_core::{Body, Headers, Request};
use scimguard_exchange::incoming;

use super::headers;

pub(crate) use scimguard_exchange::Refused;

/// Reads the head of a request. Faults found in its bytes before parsing are in its extensions.
pub(super) fn read<B>(request: &http::Request<B>) -> Result<Request, Refused> {
    if let Some(refused) = request.extensions().get::<Refused>() {
        return Err(refused.clone());
    }
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let all: Headers = [
        header::HOST,
        header::TRANSFER_ENCODING,
        header::CONTENT_LENGTH,
    ]
    .iter()
    .flat_map(|name| {
        request
            .headers()
            .get_all(name)
            .iter()
            .map(move |it| (name, it))
    })
    .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
    .collect();
    incoming::check(request.method().as_str(), path, &all)?;
    let authority = request.uri().authority().map(|it| it.as_str().as_bytes());
    let host = incoming::one_host(authority, &all)?;
    if host.is_none() && request.version() == Version::HTTP_11 {
        return Err(Refused::new(
            "route.ambiguous-path",
            "The request has no Host header, which HTTP/1.1 needs.",
        ));
    }
    let mut headers = headers::end_to_end(request.headers());
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
