//! A service that provides facts about tokens: one request, one small answer, within a time limit.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};

use crate::config::Endpoint;
use crate::connections::Connections;

/// Larger than any reasonable key set, introspection or list of permissions.
const ANSWER_BYTES: usize = 512 * 1024;

/// One service.
pub(crate) struct Service {
    connections: Connections<Full<Bytes>>,
    timeout: Duration,
}

/// Its answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

/// Why it gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoReply {
    #[error("no connection")]
    Client(#[from] hyper_util::client::legacy::Error),
    #[error("the answer ended prematurely or has more than {ANSWER_BYTES} bytes")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("no answer within {0:?}")]
    Timeout(Duration),
}

impl Service {
    pub(crate) fn new(endpoint: &Endpoint, what: &str, timeout: Duration) -> anyhow::Result<Self> {
        Ok(Self {
            connections: Connections::to(endpoint.uri(), what)?,
            timeout,
        })
    }

    pub(crate) async fn ask(&self, request: Request<Full<Bytes>>) -> Result<Reply, NoReply> {
        let exchange = async {
            let (head, body) = self.connections.request(request).await?.into_parts();
            let body = Limited::new(body, ANSWER_BYTES).collect().await;
            Ok(Reply {
                status: head.status,
                body: body.map_err(NoReply::Body)?.to_bytes(),
            })
        };
        tokio::time::timeout(self.timeout, exchange)
            .await
            .map_err(|_| NoReply::Timeout(self.timeout))?
    }
}
