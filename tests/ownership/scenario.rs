//! Who takes part in a history or a race: the application, the proxy before it, the guard before
//! that, and the provider's and the operators' clients.

use anyhow::Context as _;
use scimguard_tests::acts::Operation;
use scimguard_tests::client::{Answer, Client};
use scimguard_tests::fixtures::{ACCOUNT, HARNESS_BASE, harness};
use scimguard_tests::guard::Guard;
use scimguard_tests::model::Policy;
use scimguard_tests::process::Server;

use crate::PROVIDER;
use crate::observing_proxy::ObservingProxy;

/// All of them; the guard is not started.
pub(crate) struct Scenario {
    pub(crate) guard: Guard,
    pub(crate) proxy: ObservingProxy,
    pub(crate) provider: Hands,
    pub(crate) operator: Hands,
    _application: Server,
}

/// The connections of one who acts.
#[derive(Clone)]
pub(crate) struct Hands {
    /// With a SCIM token.
    pub(crate) scim: Client,
    /// On the management API.
    pub(crate) management: Client,
}

impl Scenario {
    pub(crate) async fn assemble(seed: u64, is_faulty: bool) -> anyhow::Result<Self> {
        let application = Server::example_application().await?;
        let policy = Policy::default();
        let proxy = ObservingProxy::in_front_of(&application.url, policy, seed, is_faulty).await?;
        let mut guard = Guard::configure(&proxy.url, &harness())?;
        // What is in flight when a guard is killed, the application does later, on a busy machine by more
        // than a second.
        guard.configure_also(
            "settle_every = \"50ms\"\nsettle_after = \"2s\"\n\
             [limits]\nrequests_per_second = 100000\nburst = 100000\n\
             [backend_credential]\nfile = \"backend.token\"\n",
        )?;
        guard.write_secret("backend.token", "the-guards-own")?;
        let provider = guard.token(ACCOUNT, "okta", Some("okta")).await?;
        let operator = guard.token(ACCOUNT, "admin", None).await?;
        let hands = |agent: &str, token: &str| Hands {
            scim: Client::new(format!("{}{HARNESS_BASE}", guard.url))
                .with("user-agent", agent)
                .with("content-type", "application/scim+json")
                .with("authorization", format!("Bearer {token}")),
            management: Client::new(format!("{}/gateway", guard.url))
                .with("user-agent", agent)
                .with("content-type", "application/json"),
        };
        let (provider, operator) = (hands(PROVIDER, &provider), hands("curl", &operator));
        proxy.reads_the_record(&guard.database())?;
        guard.start().await.context("the first start")?;
        Ok(Self {
            guard,
            proxy,
            provider,
            operator,
            _application: application,
        })
    }
}

impl Hands {
    /// Sends a request.
    pub(crate) async fn send(&self, operation: &Operation) -> anyhow::Result<Answer> {
        let client = match operation.by_scim {
            true => &self.scim,
            false => &self.management,
        };
        let body = (!operation.body.is_null()).then_some(&operation.body);
        client
            .send(operation.method, &operation.target(), body)
            .await
    }
}
