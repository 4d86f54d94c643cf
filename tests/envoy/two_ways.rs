//! A stock Envoy with the filter and a guard at once in front of one application, over one store.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::ensure;
use scimguard_tests::client::Client;
use scimguard_tests::envoy::{Envoy, TestBed, plugin};
use scimguard_tests::guard::Guard;
use scimguard_tests::held::Held;
use scimguard_tests::okta::{Okta, scim_client, user};
use scimguard_tests::process::{self, Server};
use serde_json::{Value, json};

pub(crate) const ACCOUNT: &str = "ACC1";
pub(crate) const BASE: &str = "/gateway/ng/api/scim/account/ACC1";
/// Longer than anything takes that is waited for, shorter than a test.
const LIMIT: Duration = Duration::from_secs(20);

const SECRET: &str = "0123456789abcdef0123456789abcdef-edge";

/// How the scene differs from the simplest one.
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
    _application: Server,
    /// In front of the application.
    pub(crate) held: Held,
    /// Between Envoy and the facts service, if that was wished.
    pub(crate) held_facts: Option<Held>,
    /// The guard, which does not run yet.
    pub(crate) guard: Guard,
    pub(crate) envoy: Envoy,
    /// Where clients reach Envoy.
    pub(crate) envoy_url: String,
    /// The application's SCIM end points.
    pub(crate) backend: Client,
    pub(crate) token: String,
}

impl TwoWays {
    pub(crate) async fn new(wish: Wish) -> anyhow::Result<Self> {
        let application = Server::example_application().await?;
        let held = Held::in_front_of(&application.url).await?;
        let guard = Guard::configure(&held.url, &policy())?;
        let facts = process::free_address()?;
        guard.configure_also(&format!(
            "{}[facts]\nlisten = \"{facts}\"\n{}[[facts.gateway]]\nname = \"envoy\"\n\
             secret_file = \"edge.secret\"\n{}[backend_credential]\nfile = \"backend.token\"\n",
            wish.keys, wish.facts, wish.gateway
        ))?;
        guard.write_secret("edge.secret", SECRET)?;
        guard.write_secret("backend.token", "the-guards-own")?;
        let token = guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;
        let held_facts = match wish.hold_facts {
            true => Some(Held::in_front_of(&format!("http://{facts}")).await?),
            false => None,
        };
        let scene = TestBed {
            application: address(&held.url)?,
            facts: match &held_facts {
                Some(held) => address(&held.url)?,
                None => facts,
            },
            secret: Some(SECRET.to_owned()),
            http2: false,
            workers: 2,
            buffers: None,
            forbidden: wish.forbidden,
        };
        let envoy = Envoy::start(&scene, &[filter(&policy())]).await?;
        Ok(Self {
            envoy_url: format!("http://{}", envoy.listeners[0]),
            backend: Client::new(format!("{}{BASE}", application.url)),
            _application: application,
            held,
            held_facts,
            guard,
            envoy,
            token,
        })
    }

    /// Okta, whose requests come by this address.
    pub(crate) fn okta(&self, url: &str) -> Okta {
        Okta {
            scim: scim_client(&format!("{url}{BASE}"), &self.token),
            backend: self.backend.clone(),
        }
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
                let answer = administrator(&url).send("DELETE", &path, None).await?;
                ensure!(answer.status >= 400, "{answer:?}");
                rules.extend(answer.rule);
            }
            Ok(rules == ["okta-only.user-delete", "okta-only.user-delete"])
        })
        .await
    }

    /// The id of a user whom the application has by itself.
    pub(crate) async fn application_user(&self, login: &str) -> anyhow::Result<String> {
        let path = format!("{BASE}/Users");
        let direct = scim_client(&self.held.url, &self.token);
        let answer = direct
            .send("POST", &path, Some(&user(login, "Nick", "Own")))
            .await?;
        answer.status(201)?.id()
    }

    /// Of both ways to the application, with Okta's first.
    pub(crate) fn ways(&self) -> [(String, String); 2] {
        let (guard, envoy) = (self.guard.url.clone(), self.envoy_url.clone());
        [(envoy.clone(), guard.clone()), (guard, envoy)]
    }
}

pub(crate) fn policy() -> Value {
    json!({"version": 1, "preset": "harness"})
}

/// The filter's configuration. It waits for the facts service a shorter time than a client does.
pub(crate) fn filter(policy: &Value) -> Value {
    let mut configuration = plugin(policy, false);
    configuration["facts"]["timeout_ms"] = json!(4000);
    configuration
}

/// An administrator, whose requests come by this address.
pub(crate) fn administrator(url: &str) -> Client {
    Client::new(url).with("content-type", "application/json")
}

/// A path of the management API, for the account.
pub(crate) fn in_account(path: &str) -> String {
    format!("{path}?accountIdentifier={ACCOUNT}")
}

/// Where an administrator finds a user.
pub(crate) fn user_path(id: &str) -> String {
    in_account(&format!("/gateway/ng/api/user/{id}"))
}

/// Where an administrator finds a group.
pub(crate) fn group_path(id: &str) -> String {
    in_account(&format!("/gateway/ng/api/user-groups/{id}"))
}

fn address(url: &str) -> anyhow::Result<SocketAddr> {
    Ok(url.trim_start_matches("http://").parse()?)
}
