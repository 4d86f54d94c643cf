//! What both ways to one application share: the application, whose responses can be held back, and a
//! guard in front of it with a facts service, which a gateway asks.

use std::net::SocketAddr;

use crate::client::Client;
use crate::fixtures::{ACCOUNT, GATEWAY_SECRET, HARNESS_BASE, facts_service, harness};
use crate::guard::Guard;
use crate::holding_proxy::HoldingProxy;
use crate::okta::{Okta, scim_client};
use crate::process::{self, Server};

/// The application, and the guard, which does not run yet.
pub struct Deployment {
    /// The application.
    pub application: Server,
    /// In front of the application.
    pub held: HoldingProxy,
    /// In front of that, with its facts service.
    pub guard: Guard,
    /// Where gateways reach the facts service.
    pub facts: SocketAddr,
    /// The application's SCIM end points.
    pub backend: Client,
    /// Okta's.
    pub token: String,
}

impl Deployment {
    /// `keys` stand at the top of the guard's configuration, `facts` in `[facts]`, and `rest` in the table
    /// of the gateway, with further tables after it.
    pub async fn new(keys: &str, facts: &str, rest: &str) -> anyhow::Result<Self> {
        let application = Server::example_application().await?;
        let held = HoldingProxy::in_front_of(&application.url).await?;
        let guard = Guard::configure(&held.url, &harness())?;
        let listen = process::free_address()?;
        let table = facts_service(listen, facts);
        guard.configure_also(&format!("{keys}{table}{rest}"))?;
        guard.write_secret("edge.secret", GATEWAY_SECRET)?;
        guard.write_secret("backend.token", "the-guards-own")?;
        Ok(Self {
            token: guard.token(ACCOUNT, "svc-okta", Some("okta")).await?,
            backend: Client::new(format!("{}{HARNESS_BASE}", application.url)),
            application,
            held,
            guard,
            facts: listen,
        })
    }

    /// Okta, whose requests come by this address.
    #[must_use]
    pub fn okta(&self, url: &str) -> Okta {
        Okta {
            scim: scim_client(&format!("{url}{HARNESS_BASE}"), &self.token),
            backend: self.backend.clone(),
        }
    }

    /// Both ways to the application, by the guard and by this gateway: each once with Okta's first.
    #[must_use]
    pub fn ways(&self, gateway: &str) -> [(String, String); 2] {
        let (guard, gateway) = (self.guard.url.clone(), gateway.to_owned());
        [(gateway.clone(), guard.clone()), (guard, gateway)]
    }
}

/// An administrator, whose requests come by this address.
#[must_use]
pub fn administrator(url: &str) -> Client {
    Client::new(url).with("content-type", "application/json")
}
