//! The application behind all gateways: it answers at once, from the request alone. User `u7` is the
//! only one that is ever in group `g7`.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

/// Where its SCIM end points are.
pub(crate) const SCIM: &str = "/gateway/ng/api/scim/account/ACC1";

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// Starts it in a thread of its own, for the time of the process.
pub(crate) fn start() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::spawn(move || runtime.block_on(serve(listener)));
    Ok(address)
}

async fn serve(listener: TcpListener) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            // A gateway that hangs up ends its connection; there is nobody to tell.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(answer))
                .await;
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    // A body that breaks off is nothing to answer.
    let body = body.collect().await.unwrap_or_default().to_bytes();
    let path = head.uri.path().strip_prefix(SCIM).unwrap_or_default();
    let (status, document) = match (&head.method, path.trim_start_matches('/').split_once('/')) {
        (&Method::GET, Some(("Users", id))) => (StatusCode::OK, user(id)),
        (&Method::GET, Some(("Groups", id))) => (StatusCode::OK, group(id, false)),
        (&Method::PATCH, Some(("Groups", id))) => {
            let document: Value = serde_json::from_slice(&body).unwrap_or_default();
            let adds = document["Operations"][0]["op"] == "add";
            (StatusCode::OK, group(id, adds))
        }
        (&Method::POST, None) => (StatusCode::CREATED, created(path, &body)),
        (&Method::GET, None) => (StatusCode::OK, nothing_found()),
        _ => (StatusCode::NOT_FOUND, "{}".to_owned()),
    };
    let mut response = Response::new(Full::from(document));
    *response.status_mut() = status;
    let scim = http::HeaderValue::from_static("application/scim+json");
    response.headers_mut().insert("content-type", scim);
    Ok(response)
}

/// The id is the name, of a user the part before the at sign.
fn created(path: &str, body: &[u8]) -> String {
    let document: Value = serde_json::from_slice(body).unwrap_or_default();
    match document["displayName"].as_str() {
        Some(name) if path == "/Groups" => group(name, false),
        _ => {
            let name = document["userName"].as_str().unwrap_or_default();
            user(name.split('@').next().unwrap_or_default())
        }
    }
}

fn user(id: &str) -> String {
    format!(
        r#"{{"schemas":["{USER}"],"id":"{id}","userName":"{id}@example.com","name":{{"givenName":"Ann","familyName":"Lee"}},"displayName":"Ann Lee","active":true,"emails":[{{"value":"{id}@example.com","type":"work","primary":true}}],"meta":{{"resourceType":"User"}}}}"#
    )
}

fn group(id: &str, has_its_member: bool) -> String {
    let number = id.trim_start_matches('g');
    let members = match has_its_member {
        true => format!(r#"[{{"value":"u{number}","display":"u{number}@example.com"}}]"#),
        false => "[]".to_owned(),
    };
    format!(
        r#"{{"schemas":["{GROUP}"],"id":"{id}","displayName":"{id}","members":{members},"meta":{{"resourceType":"Group"}}}}"#
    )
}

fn nothing_found() -> String {
    json!({"schemas": [LIST], "totalResults": 0, "Resources": []}).to_string()
}
