//! Access to the admin address: the token in a header, a `Host` that is the guard's own, and for
//! changes an `Origin` that is absent or the same.
//!
//! There is no cookie, so no other page acts in an operator's name; a name that another page points
//! here (DNS rebinding) is refused by its `Host`.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::uri::Authority;
use http::{HeaderMap, Method, StatusCode, header};
use secrecy::ExposeSecret as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::{Admin, Peer};
use crate::config::Config;
use crate::proxy::Limits;

/// Decides about access.
pub(super) struct Access {
    /// The hash of the token: comparing hashes does not reveal how much of a guess was right.
    token: Option<[u8; 32]>,
    address: SocketAddr,
    /// Names besides the address itself, in lower case.
    hosts: Vec<String>,
    limits: Limits,
}

/// An error for programs and people (RFC 9457).
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
    retry_after: Option<u64>,
}

impl Access {
    pub(super) fn new(config: &Config, address: SocketAddr) -> anyhow::Result<Self> {
        let token = match &config.admin_token {
            Some(token) => Some(hash(token.read()?.expose_secret())),
            None => None,
        };
        Ok(Self {
            token,
            address,
            hosts: config
                .admin_hosts
                .iter()
                .map(|it| it.to_lowercase())
                .collect(),
            limits: Limits::new(&config.limits),
        })
    }

    /// Whether only this machine can reach it.
    pub(super) fn is_local(&self) -> bool {
        self.address.ip().is_loopback()
    }

    /// Whether the guard has this host name.
    fn knows(&self, host: &str) -> bool {
        let host = host.to_lowercase();
        let authority = match host.parse::<Authority>() {
            Ok(authority) if !host.contains('@') => authority,
            _ => return false,
        };
        let name = authority.host();
        if self.hosts.contains(&host) || self.hosts.iter().any(|it| it == name) {
            return true;
        }
        let own = self.address.ip();
        match name.trim_matches(['[', ']']).parse::<IpAddr>() {
            // An address identifies the guard if it is its own.
            Ok(address) => own.is_unspecified() || address == own,
            Err(_) => name == "localhost" && (own.is_loopback() || own.is_unspecified()),
        }
    }

    fn permits(&self, headers: &HeaderMap, peer: IpAddr) -> Result<(), Problem> {
        let Some(token) = &self.token else {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "There is no admin token, so access is denied. Set [admin_token] in the configuration.",
            ));
        };
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        // The right one is never slowed down.
        if given.is_some_and(|given| hash(given).ct_eq(token).into()) {
            return Ok(());
        }
        match self.limits.failed(peer, None) {
            Ok(()) => Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                "Send the admin token as Authorization: Bearer TOKEN.",
            )),
            Err(refused) => Err(Problem {
                retry_after: refused.retry_after,
                ..Problem::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "Too many wrong tokens came from this address, and this one is wrong too.",
                )
            }),
        }
    }
}

/// Passes requests whose `Host` is a name of this guard.
pub(super) async fn asked_by_name(
    State(admin): State<Admin>,
    request: Request,
    next: Next,
) -> Response {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next(), request.uri().authority()) {
        (Some(host), None, None) => host.to_str().unwrap_or_default().to_owned(),
        (None, None, Some(authority)) => authority.as_str().to_owned(),
        (Some(host), None, Some(authority)) if host == authority.as_str() => {
            authority.as_str().to_owned()
        }
        _ => String::new(),
    };
    if !admin.access.knows(&host) {
        return Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "This address does not have this name. If it should, add it to admin_hosts in the configuration.",
        )
        .into_response();
    }
    let writes = !matches!(*request.method(), Method::GET | Method::HEAD);
    if writes && !is_same_origin(request.headers(), &host) {
        return Problem::new(
            StatusCode::FORBIDDEN,
            "From a browser, only the operators' page itself may change anything.",
        )
        .into_response();
    }
    next.run(request).await
}

/// Whether the request came from a page of this address, or not from a browser.
fn is_same_origin(headers: &HeaderMap, host: &str) -> bool {
    let same_site = match headers.get("sec-fetch-site") {
        Some(site) => site == "same-origin" || site == "none",
        None => true,
    };
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let same_origin = match (origins.next(), origins.next()) {
        (None, _) => true,
        (Some(origin), None) => {
            let origin = origin.to_str().unwrap_or_default();
            let named = ["http://", "https://"]
                .iter()
                .find_map(|scheme| origin.strip_prefix(scheme));
            named.is_some_and(|named| named.eq_ignore_ascii_case(host))
        }
        _ => false,
    };
    same_site && same_origin
}

/// Passes requests with the token.
pub(super) async fn authenticated(
    State(admin): State<Admin>,
    request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<Peer>();
    let peer = peer.map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0);
    match admin.access.permits(request.headers(), peer) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Answers unknown paths of the API.
pub(super) async fn nothing() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "There is nothing at this path.")
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

// === impl Problem ===

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            retry_after: None,
        }
    }

    pub(super) fn missing(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(super) fn unreadable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason();
        let problem = json!({
            "status": self.status.as_u16(),
            "title": title,
            "detail": self.detail,
        });
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status, kind, problem.to_string()).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = http::HeaderValue::from_static("Bearer");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// The log has the details; the client can only retry.
impl From<scimguard_store::Error> for Problem {
    fn from(error: scimguard_store::Error) -> Self {
        tracing::warn!(%error, "a request of the operators' page failed");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "The store does not answer now.",
        )
    }
}

impl From<crate::audit::Error> for Problem {
    fn from(error: crate::audit::Error) -> Self {
        tracing::warn!(%error, "a request of the operators' page failed");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "The decision log does not answer now.",
        )
    }
}
