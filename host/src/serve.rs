//! Runs a guard on all its addresses until shutdown.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::admin;
use crate::proxy::{self, Proxy};

/// The addresses to listen on.
pub struct Listeners {
    /// Where clients connect. `None`: gateways decide all requests.
    pub clients: Option<TcpListener>,
    /// Health checks and the operators' page.
    pub admin: Option<admin::Listener>,
    /// Where gateways ask for facts.
    pub facts: Option<TcpListener>,
}

/// Serves until `end` completes and the requests in flight are done or out of time.
pub async fn serve(proxy: Arc<Proxy>, listeners: Listeners, end: impl Future<Output = ()>) {
    let no_admin = CancellationToken::new();
    let admin = listeners
        .admin
        .map(|listener| tokio::spawn(listener.serve(Arc::clone(&proxy), no_admin.clone())));
    let (clients, gateways) = (listeners.clients, listeners.facts);
    proxy::answer(Arc::clone(&proxy), clients, gateways, end).await;
    no_admin.cancel();
    if let Some(admin) = admin {
        // Requests that wait for the next decision are aborted.
        admin.abort();
    }
    proxy.close().await;
}
