//! The reverse proxy: the policy decides every request before it reaches the backend.

mod address;
mod backend;
mod backend_lookup;
mod body;
mod client;
mod credential;
mod facts;
mod facts_service;
mod flow;
mod headers;
mod incoming;
mod leases;
mod limits;
mod log;
mod metrics;
mod policy;
mod probe;
mod public;
mod reader;
mod refusal;
mod retry;
mod server;
mod settle;
mod slots;
mod source;
mod state;
mod token_uses;
mod vouched;
mod wanted;

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use ipnet::IpNet;
use scimguard_core::{Readable, Request};
use scimguard_exchange::{Setup, Witness as _};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::backend::Backend;
use self::body::{Inbound, Outgoing};
use self::client::Client;
use self::credential::Own;
use self::facts::Imports;
use self::facts_service::{FactsService, Paths};
use self::leases::Leases;
use self::log::DecisionEntry;
use self::metrics::Metrics;
use self::public::Public;
use self::settle::Settling;
use self::token_uses::TokenUses;
use self::vouched::Vouchers;
use crate::audit::Log;
use crate::config::{self, Config, Credential, PublicUrl};
use crate::tls::{Clients, Tls};
use scimguard_store::Store;
use scimguard_store::now;

pub use self::address::raise_descriptors;
pub(crate) use self::address::{Address, Peer};
pub(crate) use self::facts_service::check;
pub(crate) use self::incoming::Refused;
pub(crate) use self::limits::Limits;
pub(crate) use self::metrics::CONTENT_TYPE as METRICS_TYPE;
pub use self::policy::Policy;
pub(crate) use self::probe::{Probe, Reply};
pub(crate) use self::reader::{Reader, Unreadable};
pub(crate) use self::server::answer;
pub(crate) use self::slots::Slots;

/// A guard in front of one backend: the state that all requests share.
pub struct Proxy {
    setup: Arc<Setup<dyn Policy>>,
    store: Store,
    backend: Backend,
    readable: Readable,
    leases: Leases,
    vouchers: Vouchers,
    credential: Option<Own>,
    front: Front,
    /// Path of the configuration file.
    configuration: PathBuf,
    limits: Limits,
    metrics: Metrics,
    imports: Imports,
    settling: Settling,
    lifetime: Lifetime,
    /// For gateways that run the policy themselves.
    facts_service: Option<Arc<FactsService>>,
    /// The decision log, for operators.
    decisions: Option<Log>,
    uses: TokenUses,
}

/// What stands between connections and requests.
struct Front {
    /// The connection slots of each address.
    slots: AllSlots,
    tls: AllTls,
    trusted_proxies: Vec<IpNet>,
    public_url: Option<PublicUrl>,
    client_timeout: Duration,
}

/// The connection slots of each address.
struct AllSlots {
    clients: Arc<Slots>,
    facts: Arc<Slots>,
    admin: Arc<Slots>,
}

/// TLS on each address; the facts service has its own. `None`: clear text.
struct AllTls {
    clients: Option<Arc<Tls>>,
    admin: Option<Arc<Tls>>,
}

/// How far the process is on its way to the end.
#[derive(Default)]
struct Lifetime {
    /// Requests in flight, including those whose client disconnected: what the backend did is
    /// recorded anyway.
    in_flight: TaskTracker,
    /// Cancelled when requests that are not forwarded yet have to end.
    ending: CancellationToken,
}

impl AllSlots {
    /// Logs how full they were, and when there is room again.
    fn log_room(&self) {
        for slots in [&self.clients, &self.facts, &self.admin] {
            slots.log_room();
        }
    }
}

impl AllTls {
    fn read(config: &Config) -> anyhow::Result<Self> {
        let read = |table, files: &Option<config::Tls>| {
            let files = files.as_ref();
            let tls = files.map(|files| Tls::read(table, files, Clients::Certified));
            tls.transpose()
        };
        Ok(Self {
            clients: read("tls", &config.tls)?,
            admin: read("admin_tls", &config.admin_tls)?,
        })
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Tls>> {
        self.clients.iter().chain(&self.admin)
    }
}

impl Proxy {
    /// Creates a guard.
    ///
    /// # Errors
    /// If the guard's own credential, certificates, or a file of keys or permissions cannot be
    /// read.
    pub fn new(policy: impl Policy, store: Store, config: &Config) -> anyhow::Result<Self> {
        let metrics = Metrics::new();
        let credential = Own::read(config)?;
        let paths = Paths::new(&config.policy_text()?, policy.settings());
        Ok(Self {
            front: Front {
                slots: AllSlots {
                    clients: address::slots(config, metrics.connections.of("clients")),
                    facts: address::slots(config, metrics.connections.of("facts")),
                    admin: address::admin_slots(metrics.connections.of("admin")),
                },
                tls: AllTls::read(config)?,
                trusted_proxies: config.trusted_proxies.clone(),
                public_url: config.public_url.clone(),
                client_timeout: config.client_timeout,
            },
            readable: Readable::new().map_err(anyhow::Error::msg)?,
            setup: Arc::new(
                Setup::new(policy, config.annotate)
                    .lending(credential.is_some())
                    .foreseeing(),
            ),
            store,
            backend: Backend::new(config.backend.clone(), config.backend_timeout)?,
            leases: Leases::new(config.lease_timeout),
            vouchers: Vouchers::new(config)?,
            credential,
            configuration: config.file.clone(),
            limits: Limits::new(&config.limits),
            metrics,
            imports: Imports::new(config.unseen),
            settling: Settling::new(config.settle_every, config.settle_after),
            lifetime: Lifetime::default(),
            facts_service: config
                .facts
                .as_ref()
                .map(|facts| FactsService::new(facts, paths))
                .transpose()
                .context("in facts")?
                .map(Arc::new),
            decisions: None,
            uses: TokenUses::default(),
        })
    }

    /// Sets the log that records decisions.
    #[must_use]
    pub fn recording(mut self, decisions: Log) -> Self {
        self.metrics.unrecorded(decisions.unrecorded());
        self.decisions = Some(decisions);
        self
    }

    /// The store that it decides by.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The decision log, if decisions are recorded.
    pub(crate) fn decisions(&self) -> Option<&Log> {
        self.decisions.as_ref()
    }

    /// The configuration file, for commands that can be pasted.
    pub(crate) fn configuration(&self) -> &Path {
        &self.configuration
    }

    /// The connection slots of the admin address.
    pub(crate) fn admin_slots(&self) -> Arc<Slots> {
        Arc::clone(&self.front.slots.admin)
    }

    /// TLS on the admin address; `None`: clear text.
    pub(crate) fn admin_tls(&self) -> Option<Arc<Tls>> {
        self.front.tls.admin.clone()
    }

    /// Whether it accepts no more requests.
    pub(crate) fn is_ending(&self) -> bool {
        self.lifetime.in_flight.is_closed()
    }

    /// Answers a request. Once something is forwarded, work continues even if the client
    /// disconnects: otherwise what the backend did would not be recorded.
    async fn handle(
        self: Arc<Self>,
        request: http::Request<Inbound>,
        peer: IpAddr,
    ) -> http::Response<Outgoing> {
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let proxy = Arc::clone(&self);
        // Dropped with this future when the client disconnects.
        let (_present, gone) = oneshot::channel();
        let task = self
            .lifetime
            .in_flight
            .spawn(async move { proxy.answer(request, peer, gone).await });
        task.await.unwrap_or_else(|_| {
            // The log shows where it failed; the message may hold a part of the request.
            tracing::error!("a request could not be answered");
            let refused = Refused::new("plugin.trapped", "The guard failed at this request.");
            let mut line = DecisionEntry::new(method.as_str(), &path);
            line.refused(refused.rule);
            self.metrics.decided(&line);
            refusal::response(&refused, self.setup.paths().error_form(&path))
        })
    }

    async fn answer(
        &self,
        request: http::Request<Inbound>,
        peer: IpAddr,
        gone: oneshot::Receiver<()>,
    ) -> http::Response<Outgoing> {
        let path = request
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str())
            .to_owned();
        let mut line = DecisionEntry::new(request.method().as_str(), &path);
        let response;
        (response, line) = match incoming::read(&request) {
            Ok(head) => {
                let mut head = Request {
                    annotate: self.setup.annotates(),
                    ..head
                };
                let (configured, trusted) =
                    (self.front.public_url.as_ref(), &self.front.trusted_proxies);
                let over_tls = self.front.tls.clients.is_some();
                let public = Public::of(configured, peer, request.headers(), trusted, over_tls);
                public.enter(&mut head.headers);
                let source = source::of(peer, request.headers(), &self.front.trusted_proxies);
                let client = Client::new(source, request.headers());
                let body = request.into_body();
                self.exchange(head, body, client, gone, line, now()).await
            }
            Err(refused) => {
                line.refused(refused.rule);
                let form = self.setup.paths().error_form(&path);
                (refusal::response(&refused, form), line)
            }
        };
        self.metrics.decided(&line);
        self.log(line, Some(response.status()));
        response
    }

    /// The guard's own credential at the application, if it has one.
    fn own_credential(&self) -> Option<Credential> {
        self.credential.as_ref().map(Own::present)
    }
}
