//! An application whose answers can be held back, a guard in front of it that can be killed, Okta and
//! an administrator.

use anyhow::ensure;
use scimguard_tests::client::{Answer, Client};
use scimguard_tests::guard::Guard;
use scimguard_tests::process::Server;
use serde_json::Value;

use crate::provisioning::in_account;
use crate::{ACCOUNT, HARNESS_BASE, harness};
use scimguard_tests::held::Held;
use scimguard_tests::okta::{Okta, scim_client};

/// What the operators' page is opened with, if the configuration says so.
pub(crate) const ADMIN_TOKEN: &str = "the-operators-own-token";

/// An application whose answers can be held back, and a guard that dies meanwhile.
pub(crate) struct TestBed {
    _application: Server,
    pub(crate) held: Held,
    pub(crate) guard: Guard,
    pub(crate) okta: Okta,
    pub(crate) administrator: Client,
}

impl TestBed {
    /// `configuration`: lines for the guard, tables last.
    pub(crate) async fn new(configuration: &str) -> anyhow::Result<Self> {
        let application = Server::example_application().await?;
        let held = Held::in_front_of(&application.url).await?;
        let mut guard = Guard::configure(&held.url, &harness())?;
        guard.configure_also(configuration)?;
        guard.write_secret("backend.token", "the-guards-own")?;
        guard.write_secret("admin.token", ADMIN_TOKEN)?;
        let token = guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;
        let okta = Okta {
            scim: scim_client(&format!("{}{HARNESS_BASE}", guard.url), &token),
            backend: Client::new(format!("{}{HARNESS_BASE}", application.url)),
        };
        let administrator = Client::new(&guard.url).with("content-type", "application/json");
        guard.start().await?;
        Ok(Self {
            _application: application,
            held,
            guard,
            okta,
            administrator,
        })
    }

    /// Okta sends a write, the backend does it, and the guard is killed before it knows.
    pub(crate) async fn crash_during(
        &mut self,
        method: &'static str,
        path: &str,
        body: Value,
    ) -> anyhow::Result<()> {
        self.held.hold();
        let (scim, path) = (self.okta.scim.clone(), path.to_owned());
        let request = tokio::spawn(async move { scim.send(method, &path, Some(&body)).await });
        self.held.until_held().await?;
        self.guard.kill().await?;
        ensure!(
            request.await?.is_err(),
            "a guard that was killed has answered"
        );
        self.held.release();
        self.guard.start().await?;
        Ok(())
    }

    pub(crate) async fn edit(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Answer> {
        self.administrator
            .send(method, &in_account(path), body.as_ref())
            .await
    }
}
