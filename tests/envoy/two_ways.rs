//! A stock Envoy with the filter and a guard at once in front of one application, over one store.

use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use anyhow::ensure;
use scimguard_tests::deployment::{Deployment, administrator};
use scimguard_tests::envoy::{Envoy, TestBed, plugin};
use scimguard_tests::fixtures::{HARNESS_BASE, OWN_CREDENTIAL, harness, user_path};
use scimguard_tests::holding_proxy::HoldingProxy;
use scimguard_tests::okta::{scim_client, user};
use serde_json::{Value, json};

/// Longer than anything takes that is waited for, shorter than a test.
const LIMIT: Duration = Duration::from_secs(20);

/// How the bed differs from the simplest one.
#[derive(Default)]
pub(crate) struct Wish {
    /// At the top of the guard's configuration.
    pub(crate) keys: &'static str,
    /// In its `[facts]`.
    pub(crate) facts: &'static str,
    /// In the table of its gateway.
    pub(crate) gateway: &'static str,
    /// The facts service's answers can be held, too.
    pub(crate) hold_facts: bool,
    /// A function of Envoy that the filter may not call.
    pub(crate) forbidden: Option<&'static str>,
    /// Envoy has one worker, not two.
    pub(crate) one_worker: bool,
}

impl Wish {
    /// What is left open is given up and settled within seconds.
    pub(crate) fn impatient() -> Self {
        Self {
            keys: "lease_timeout = \"500ms\"\nsettle_every = \"500ms\"\nsettle_after = \"1s\"\n",
            facts: "pass_timeout = \"2s\"\n",
            ..Self::default()
        }
    }
}

/// What stands where. Envoy ends with it.
pub(crate) struct TwoWays {
    shared: Deployment,
    /// Between Envoy and the facts service, if that was wished.
    pub(crate) held_facts: Option<HoldingProxy>,
    pub(crate) envoy: Envoy,
    /// Where clients reach Envoy.
    pub(crate) envoy_url: String,
}

impl Deref for TwoWays {
    type Target = Deployment;

    fn deref(&self) -> &Deployment {
        &self.shared
    }
}

impl DerefMut for TwoWays {
    fn deref_mut(&mut self) -> &mut Deployment {
        &mut self.shared
    }
}

impl TwoWays {
    pub(crate) async fn new(wish: Wish) -> anyhow::Result<Self> {
        let rest = format!("{}{OWN_CREDENTIAL}", wish.gateway);
        let shared = Deployment::new(wish.keys, wish.facts, &rest).await?;
        let facts = shared.facts;
        let held_facts = match wish.hold_facts {
            true => Some(HoldingProxy::in_front_of(&format!("http://{facts}")).await?),
            false => None,
        };
        let facts = match &held_facts {
            Some(held) => address(&held.url)?,
            None => facts,
        };
        let bed = TestBed {
            workers: if wish.one_worker { 1 } else { 2 },
            forbidden: wish.forbidden,
            ..TestBed::new(address(&shared.held.url)?, facts)
        };
        let envoy = Envoy::start(&bed, &[filter(&harness())]).await?;
        Ok(Self {
            envoy_url: format!("http://{}", envoy.listeners[0]),
            shared,
            held_facts,
            envoy,
        })
    }

    /// Waits until something is so.
    pub(crate) async fn until(
        &self,
        what: &str,
        mut is: impl AsyncFnMut() -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !is().await? {
            ensure!(
                begun.elapsed() < LIMIT,
                "not within {LIMIT:?}: {what}: {}\n{}",
                self.envoy.logged(),
                self.guard.logged()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Waits until a user whose creation was unclear is the provider's, whichever way an administrator
    /// comes. Nobody but the provider may touch the user meanwhile.
    pub(crate) async fn until_settled(&self, user: &str) -> anyhow::Result<()> {
        let path = user_path(user);
        self.until("the user is settled", async || {
            let mut rules = Vec::new();
            for (url, _) in self.ways() {
                let answer = administrator(&url).delete(&path).await?;
                ensure!(answer.status >= 400, "{answer:?}");
                rules.extend(answer.rule);
            }
            Ok(rules == ["okta-only.user-delete", "okta-only.user-delete"])
        })
        .await
    }

    /// The id of a user whom the application has by itself.
    pub(crate) async fn application_user(&self, login: &str) -> anyhow::Result<String> {
        let path = format!("{HARNESS_BASE}/Users");
        let direct = scim_client(&self.held.url, &self.token);
        let nick = user(login, "Nick", "Own");
        direct.post(&path, &nick).await?.status(201)?.id()
    }

    pub(crate) fn ways(&self) -> [(String, String); 2] {
        self.shared.ways(&self.envoy_url)
    }
}

/// The filter's configuration. It waits for the facts service a shorter time than a client does.
pub(crate) fn filter(policy: &Value) -> Value {
    let mut configuration = plugin(policy, false);
    configuration["facts"]["timeout_ms"] = json!(4000);
    configuration
}

fn address(url: &str) -> anyhow::Result<SocketAddr> {
    Ok(url.trim_start_matches("http://").parse()?)
}
