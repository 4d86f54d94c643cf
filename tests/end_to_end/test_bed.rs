//! An application whose responses can be held back, a guard in front of it that can be killed, Okta and
//! an administrator.

use anyhow::{Context as _, ensure};
use scimguard_tests::client::{Answer, Client};
use scimguard_tests::fixtures::{HARNESS_BASE, harness, in_account};
use scimguard_tests::guard::Guard;
use scimguard_tests::holding_proxy::HoldingProxy;
use scimguard_tests::okta::Okta;
use scimguard_tests::process::Server;
use serde_json::Value;

/// The token of the operators' page, if the configuration asks for one.
pub(crate) const ADMIN_TOKEN: &str = "the-operators-own-token";

/// The guard's own credential at the application, if the configuration says so.
const BACKEND_TOKEN: &str = "the-guards-own";

/// A guard in front of the example application, with the secrets that a configuration may name.
pub(crate) fn in_front_of(application: &str, configuration: &str) -> anyhow::Result<Guard> {
    let guard = Guard::configure(application, &harness())?;
    guard.configure_also(configuration)?;
    guard.write_secret("backend.token", BACKEND_TOKEN)?;
    guard.write_secret("admin.token", ADMIN_TOKEN)?;
    Ok(guard)
}

/// The id of the only user whom a list has.
pub(crate) fn only_id(listed: &Answer) -> anyhow::Result<String> {
    let id = listed.body["Resources"][0]["id"].as_str();
    Ok(id.context("nobody is listed")?.to_owned())
}

/// An application whose responses can be held back, and a guard that dies meanwhile.
pub(crate) struct TestBed {
    _application: Server,
    pub(crate) held: HoldingProxy,
    pub(crate) guard: Guard,
    pub(crate) okta: Okta,
    pub(crate) administrator: Client,
}

impl TestBed {
    /// `configuration`: lines for the guard, tables last.
    pub(crate) async fn new(configuration: &str) -> anyhow::Result<Self> {
        let application = Server::example_application().await?;
        let held = HoldingProxy::in_front_of(&application.url).await?;
        let mut guard = in_front_of(&held.url, configuration)?;
        let backend = format!("{}{HARNESS_BASE}", application.url);
        let okta = guard.okta(HARNESS_BASE, &backend).await?;
        guard.start().await?;
        Ok(Self {
            _application: application,
            held,
            administrator: guard.administrator(),
            guard,
            okta,
        })
    }

    /// Okta sends a write, the backend does it, and the guard is killed before it knows.
    pub(crate) async fn killed_during(
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
        Ok(())
    }

    /// The same, and the guard starts again.
    pub(crate) async fn crash_during(
        &mut self,
        method: &'static str,
        path: &str,
        body: Value,
    ) -> anyhow::Result<()> {
        self.killed_during(method, path, body).await?;
        self.guard.start().await.map(drop)
    }

    /// An administrator's edit; no body is `null`.
    pub(crate) async fn edit(
        &self,
        method: &str,
        path: &str,
        body: Value,
    ) -> anyhow::Result<Answer> {
        let (path, body) = (in_account(path), (!body.is_null()).then_some(&body));
        self.administrator.send(method, &path, body).await
    }

    /// Passes if an administrator may not delete this user or group: for which rule.
    pub(crate) async fn delete_is_refused(&self, path: &str, rule: &str) -> anyhow::Result<()> {
        self.edit("DELETE", path, Value::Null).await?.refused(rule)
    }
}
