//! What a gateway gets instead of facts: a status, and how to refuse the client's request.

use http::{HeaderValue, StatusCode, header};
use scimguard_wire::Refused as Reported;

use super::written;
use crate::proxy::body::Outgoing;
use crate::proxy::incoming::Refused;

/// Why a message was refused. Nothing was done.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    /// For the gateway's client.
    refused: Refused,
    /// For the log.
    why: String,
}

impl Failure {
    fn new(status: StatusCode, why: impl Into<String>) -> Self {
        let detail = "The gateway cannot get this request judged. Tell its operator; the log of the \
                      facts service says more.";
        Self {
            status,
            refused: Refused::new("facts.unavailable", detail),
            why: why.into(),
        }
    }

    pub(super) fn nowhere() -> Self {
        Self::new(StatusCode::NOT_FOUND, "no such path")
    }

    pub(super) fn method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "only POST is allowed")
    }

    pub(super) fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "the secret is not a gateway's")
    }

    /// For an account or a verb that is not the gateway's.
    pub(super) fn forbidden(why: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, why)
    }

    pub(super) fn malformed(why: impl std::fmt::Display) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            format!("the message cannot be read. {why}"),
        )
    }

    pub(super) fn too_large(limit: u64) -> Self {
        let why = format!("the message has more than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, why)
    }

    /// For something in this process that should not fail.
    pub(super) fn failed() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the service failed on this message",
        )
    }

    /// The client may repeat its request.
    pub(super) fn later(detail: &str, why: &str) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            refused: Refused::new("facts.unavailable", detail),
            why: why.to_owned(),
        }
    }

    pub(super) fn ending() -> Self {
        let detail = "The facts service is shutting down. Repeat the request later.";
        Self::later(detail, "the service is shutting down")
    }

    pub(super) fn rule(&self) -> &'static str {
        self.refused.rule
    }

    /// Logs it, except what a client caused: that is in the decision log.
    pub(super) fn log(&self, gateway: &str) {
        if self.status != StatusCode::TOO_MANY_REQUESTS {
            let (status, why) = (self.status.as_u16(), &self.why);
            tracing::warn!(gateway, status, why, "a gateway was refused");
        }
    }

    pub(super) fn response(self) -> http::Response<Outgoing> {
        let told = Reported {
            rule: self.refused.rule.to_owned(),
            detail: self.refused.detail,
            retry_after: self.refused.retry_after,
        };
        let mut response =
            written(&told).unwrap_or_else(|_| http::Response::new(Outgoing::empty()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::METHOD_NOT_ALLOWED => {
                headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
            }
            _ => {}
        }
        response
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self {
            status: match refused.rule {
                "rate.limited" => StatusCode::TOO_MANY_REQUESTS,
                _ => StatusCode::SERVICE_UNAVAILABLE,
            },
            why: refused.detail.clone(),
            refused,
        }
    }
}
