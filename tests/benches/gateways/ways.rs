//! The ways to the application, each with all that it needs: gateways with a policy and without.

use std::net::SocketAddr;

use anyhow::Context as _;
use scimguard_tests::client::Client;
use scimguard_tests::environment::{self, EMPTY_FILTER};
use scimguard_tests::envoy::{self, Envoy, Filter, TestBed};
use scimguard_tests::fixtures::{ACCOUNT, GATEWAY_SECRET, facts_service, harness};
use scimguard_tests::guard::Guard;
use scimguard_tests::okta::{scim_client, user};
use scimguard_tests::process;
use serde_json::{Value, json};

use crate::application::{GROUP, SCIM};
use crate::loads::{CLIENTS, deletion};
use crate::nginx::Nginx;
use crate::usage;

const OTHER_ACCOUNT: &str = "ACC2";

/// The limit of an account would be the figure.
const NO_LIMITS: &str = "[limits]\nrequests_per_second = 1000000\nburst = 1000000\n";

/// A way to the application.
pub(crate) struct Way {
    pub(crate) name: &'static str,
    pub(crate) to: SocketAddr,
    /// Okta's, where somebody looks at it.
    pub(crate) token: String,
    /// The same of another account.
    pub(crate) other: String,
    /// Whether there is a policy on it.
    pub(crate) judges: bool,
    /// The processes of the gateway; then, if it has one, that of its facts service.
    pub(crate) parts: Vec<Vec<u32>>,
}

/// Everything that runs, until it is dropped.
pub(crate) struct Ways {
    pub(crate) all: Vec<Way>,
    _envoys: [Envoy; 3],
    _nginx: Nginx,
    pub(crate) facts: Facts,
    _guard: Guard,
}

impl Ways {
    /// Starts all gateways, with Okta's users and groups on record.
    pub(crate) async fn start(application: SocketAddr, workers: usize) -> anyhow::Result<Self> {
        let facts = Facts::start(application).await?;
        let (guard, address, token, other) = serving(application).await?;
        let nginx = Nginx::start(application, workers).await?;
        let bed = bed(application, &facts, workers);
        let envoys = [
            Envoy::start_with(&bed, &[Filter::None]).await?,
            Envoy::start_with(&bed, &[empty()]).await?,
            Envoy::start_with(&bed, &[policy()]).await?,
        ];
        let plain = |name, to, process: Option<u32>| {
            let parts = process.map(usage::family).transpose()?;
            anyhow::Ok(Way {
                name,
                to,
                token: token.clone(),
                other: other.clone(),
                judges: false,
                parts: parts.into_iter().collect(),
            })
        };
        let [bare, with_empty, with_policy] = &envoys;
        let all = vec![
            plain("the application itself", application, None)?,
            plain("nginx", nginx.address, Some(nginx.id()))?,
            plain("Envoy", bare.listeners[0], bare.id())?,
            plain(
                "Envoy, empty filter",
                with_empty.listeners[0],
                with_empty.id(),
            )?,
            Way {
                token: facts.token.clone(),
                other: facts.other.clone(),
                judges: true,
                parts: vec![
                    vec![with_policy.id().context("Envoy has ended")?],
                    vec![facts.guard.id().context("the facts service has ended")?],
                ],
                ..plain(
                    "Envoy, scimguard and its facts service",
                    with_policy.listeners[0],
                    None,
                )?
            },
            Way {
                judges: true,
                ..plain("`scimguard serve`", address, guard.id())?
            },
        ];
        for way in all.iter().filter(|way| way.judges) {
            provision(way).await.context(way.name)?;
        }
        Ok(Self {
            all,
            _envoys: envoys,
            _nginx: nginx,
            facts,
            _guard: guard,
        })
    }
}

/// A facts service with a store of its own.
pub(crate) struct Facts {
    guard: Guard,
    listen: SocketAddr,
    pub(crate) token: String,
    other: String,
}

impl Facts {
    pub(crate) async fn start(application: SocketAddr) -> anyhow::Result<Self> {
        let mut guard = Guard::configure(&format!("http://{application}"), &harness())?;
        let listen = process::free_address()?;
        guard.configure_also(&format!("{}{NO_LIMITS}", facts_service(listen, "")))?;
        guard.write_secret("edge.secret", GATEWAY_SECRET)?;
        let token = guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;
        let other = guard.token(OTHER_ACCOUNT, "svc-okta", Some("okta")).await?;
        guard.start_as("facts").await?;
        Ok(Self {
            guard,
            listen,
            token,
            other,
        })
    }
}

async fn serving(application: SocketAddr) -> anyhow::Result<(Guard, SocketAddr, String, String)> {
    let mut guard = Guard::configure(&format!("http://{application}"), &harness())?;
    guard.configure_also(NO_LIMITS)?;
    let token = guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;
    let other = guard.token(OTHER_ACCOUNT, "svc-okta", Some("okta")).await?;
    guard.start().await?;
    let address = guard.url.trim_start_matches("http://").parse()?;
    Ok((guard, address, token, other))
}

/// What an Envoy stands in front of.
pub(crate) fn bed(application: SocketAddr, facts: &Facts, workers: usize) -> TestBed {
    TestBed {
        workers,
        ..TestBed::new(application, facts.listen)
    }
}

/// The filter that lets everything pass.
pub(crate) fn empty() -> Filter {
    Filter::Wasm {
        file: environment::file(EMPTY_FILTER),
        plugin: Value::Null,
    }
}

/// The policy's.
pub(crate) fn policy() -> Filter {
    Filter::scimguard(&envoy::plugin(&harness(), false))
}

/// Okta creates the users and groups of all clients; and the policy is seen to be there.
async fn provision(way: &Way) -> anyhow::Result<()> {
    let gateway = format!("http://{}", way.to);
    let okta = scim_client(&format!("{gateway}{SCIM}"), &way.token);
    for n in 0..CLIENTS {
        let user = user(&format!("u{n}"), "Ann", "Lee");
        okta.post("/Users", &user).await?.status(201)?;
        let group = json!({"schemas": [GROUP], "displayName": format!("g{n}"), "members": []});
        let pushed = okta.post("/Groups", &group).await?;
        pushed.status(201)?;
        let administrator = Client::new(&gateway);
        let refused = administrator.delete(&deletion(n)).await?;
        refused.refused("okta-only.group-delete")?;
    }
    let nobody = Client::new(&gateway);
    let refused = nobody.get(&format!("{SCIM}/Users/u0")).await?;
    refused.refused("token.missing")
}
