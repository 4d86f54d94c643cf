//! A guard on a socket, in front of a backend that answers at once, and its clients. All share the
//! machine.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use scimguard::admin;
use scimguard::config::Config;
use scimguard::engine::{self, Engine};
use scimguard::proxy::{Policy, Proxy};
use scimguard::serve::{Listeners, serve};
use scimguard_core::facts::{Group, User};
use scimguard_core::record::Record;
use scimguard_store::Store;
use scimguard_tests::load;
use tokio::net::TcpListener;

#[path = "../granted/mod.rs"]
mod granted;

/// Recorded users, so that as many clients write without waiting for each other.
pub(crate) const CLIENTS: usize = 16;

/// The guard's database in its folder.
pub(crate) const STORE: &str = "guard.db";

pub(crate) const TOKEN: &str = "sat.ACC1.bench.secret";
pub(crate) const USERS: &str = "/gateway/ng/api/scim/account/ACC1/Users";

/// A request with a token.
pub(crate) fn request(
    method: &str,
    path: &str,
    token: &str,
    body: &'static str,
) -> anyhow::Result<load::Request> {
    Ok(http::Request::builder()
        .method(method)
        .uri(path)
        .header("host", "guard")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/scim+json")
        .body(Full::from(body))?)
}

/// The plugin with this policy document if there is one, otherwise native code.
pub(crate) fn engine(policy: &str) -> anyhow::Result<(&'static str, Engine)> {
    let component = engine::default_component();
    if !component.exists() {
        return Ok(("native", Engine::native(policy)?));
    }
    let cache = tempfile::tempdir()?;
    Ok((
        "plugin",
        Engine::load_snapshot(&component, policy, cache.path())?,
    ))
}

/// A user in the backend's answers.
fn user_json(id: &str) -> String {
    format!(
        r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"{id}","userName":"{id}@example.com","displayName":"Ann Lee","active":true,"emails":[{{"value":"{id}@example.com","type":"work","primary":true}}],"meta":{{"resourceType":"User"}}}}"#
    )
}

/// A group as the backend shows one.
fn group_json(id: &str) -> String {
    format!(
        r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"{id}","displayName":"{id}","meta":{{"resourceType":"Group"}}}}"#
    )
}

/// Answers everything with the user or the group that the path names.
pub(crate) async fn backend() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(|request: http::Request<Incoming>| async move {
                let id = request
                    .uri()
                    .path()
                    .rsplit('/')
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                let is_group = request.uri().path().contains("/Groups/");
                // A body that ended prematurely needs no answer.
                let _ = request.into_body().collect().await;
                let shown = match is_group {
                    true => group_json(&id),
                    false => user_json(&id),
                };
                let mut answer = http::Response::new(Full::<Bytes>::from(shown));
                let scim = http::HeaderValue::from_static("application/scim+json");
                answer.headers_mut().insert("content-type", scim);
                Ok::<_, Infallible>(answer)
            });
            tokio::spawn(async move {
                let builder = auto::Builder::new(TokioExecutor::new());
                let _ = builder
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    Ok(address)
}

/// A guard that knows the client's token and the user.
pub(crate) async fn guard(policy: impl Policy, backend: SocketAddr) -> anyhow::Result<SocketAddr> {
    // Kept while the process runs.
    let folder = tempfile::tempdir()?.keep();
    let (clients, _) = guard_in(&folder, "", policy, backend).await?;
    Ok(clients)
}

/// The same in this folder, with these tables in its configuration; returns the addresses for
/// clients and monitoring.
pub(crate) async fn guard_in(
    folder: &Path,
    tables: &str,
    policy: impl Policy,
    backend: SocketAddr,
) -> anyhow::Result<(SocketAddr, SocketAddr)> {
    let file = folder.join("guard.toml");
    std::fs::write(
        &file,
        format!(
            "listen = \"127.0.0.1:0\"\nbackend = \"http://{backend}\"\nstore = \"sqlite:{STORE}\"\n\
             [limits]\nrequests_per_second = 1000000\nburst = 1000000\n{tables}"
        ),
    )?;
    let config = Config::read(&file)?;
    let store = Store::open(&config.store).await?;
    fill(&store).await?;
    let proxy = Proxy::new(policy, store, &config)?;
    let clients = TcpListener::bind("127.0.0.1:0").await?;
    let admin = TcpListener::bind("127.0.0.1:0").await?;
    let admin = admin::Listener::new(admin, &config)?;
    let addresses = (clients.local_addr()?, admin.address());
    let listeners = Listeners {
        clients: Some(clients),
        admin: Some(admin),
        facts: None,
    };
    tokio::spawn(serve(Arc::new(proxy), listeners, std::future::pending()));
    Ok(addresses)
}

async fn fill(store: &Store) -> anyhow::Result<()> {
    granted::token(store, TOKEN, "bench", Some("okta")).await?;
    // One for each client: writes of one user are sequential.
    let user = |n: usize| {
        Record::User(User {
            account: "ACC1".to_owned(),
            id: Some(format!("u{n}")),
            user_name: format!("u{n}@example.com"),
            active: true,
            managed_by: Some("okta".to_owned()),
            ..User::default()
        })
    };
    let group = Record::Group(Group {
        account: "ACC1".to_owned(),
        id: Some("g0".to_owned()),
        display_name: Some("g0".to_owned()),
        managed_by: Some("okta".to_owned()),
        members_known: true,
        ..Group::default()
    });
    let known: Vec<Record> = (0..CLIENTS).map(user).chain([group]).collect();
    store.apply(&known).await?;
    Ok(())
}
