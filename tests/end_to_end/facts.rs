//! Two ways to one application: a gateway that runs the policy itself and asks the facts service, and
//! the guard in front. One store, one outcome.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use scimguard_tests::client::{Answer, Client};
use scimguard_tests::guard::Guard;
use scimguard_tests::process::{self, Server};
use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::provisioning::{
    administrator_is_refused, administrator_may, in_account, whole_sequence,
};
use crate::{ACCOUNT, HARNESS_BASE, harness};
use scimguard_tests::held::Held;
use scimguard_tests::okta::{Okta, patch, scim_client, user};

const SECRET: &str = "0123456789abcdef0123456789abcdef-edge";

/// Longer than it takes, shorter than a test.
const LIMIT: Duration = Duration::from_secs(20);

/// An application, a guard with a facts service, and a gateway.
struct TestBed {
    application: Server,
    held: Held,
    guard: Guard,
    gateway: Gateway,
    token: String,
    backend: Client,
}

impl TestBed {
    /// `keys` stand at the top of the guard's configuration, `tables` at its end.
    async fn new(keys: &str, facts: &str, tables: &str) -> anyhow::Result<Self> {
        let application = Server::example_application().await?;
        let held = Held::in_front_of(&application.url).await?;
        let guard = Guard::configure(&held.url, &harness())?;
        let listen = process::free_address()?;
        guard.configure_also(&format!(
            "{keys}[facts]\nlisten = \"{listen}\"\n{facts}[[facts.gateway]]\nname = \"edge\"\n\
             secret_file = \"edge.secret\"\n{tables}"
        ))?;
        guard.write_secret("edge.secret", SECRET)?;
        guard.write_secret("backend.token", "the-guards-own")?;
        let token = guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;
        let facts = format!("http://{listen}");
        let gateway = Gateway::start(&harness(), &facts, SECRET, &held.url).await?;
        Ok(Self {
            backend: Client::new(format!("{}{HARNESS_BASE}", application.url)),
            application,
            held,
            guard,
            gateway,
            token,
        })
    }

    /// Okta, whose requests come by this address.
    fn okta(&self, url: &str) -> Okta {
        Okta {
            scim: scim_client(&format!("{url}{HARNESS_BASE}"), &self.token),
            backend: self.backend.clone(),
        }
    }

    /// Of the two ways to the application, with Okta's first.
    fn ways(&self) -> [(String, String); 2] {
        let (guard, gateway) = (self.guard.url.clone(), self.gateway.url.clone());
        [(gateway.clone(), guard.clone()), (guard, gateway)]
    }

    /// Whether somebody else's write is under way is told within this time.
    async fn until<T>(
        &self,
        what: &str,
        mut told: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        let begun = Instant::now();
        loop {
            if let Some(told) = told().await? {
                return Ok(told);
            }
            ensure!(begun.elapsed() < LIMIT, "{what}: {}", self.guard.logged());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn administrator(url: &str) -> Client {
    Client::new(url).with("content-type", "application/json")
}

#[tokio::test]
async fn okta_provisions_through_a_gateway_and_administrators_cannot_undo_it_either_way()
-> anyhow::Result<()> {
    let mut scene = TestBed::new("", "", "").await?;
    let okta = scene.okta(&scene.gateway.url);
    // The guard, and so the facts service, is killed in between.
    let provisioned = whole_sequence(&okta, &mut scene.guard, Some("user.deactivated")).await?;
    ensure!(
        provisioned.group == "web_team",
        "the id comes from the name"
    );
    for login in ["ann", "bob", "eve"] {
        let id = okta.find_user(login).await?.unwrap_or_default();
        let stored = okta.stored(&format!("/Users/{id}")).await?;
        ensure!(
            stored["locale"].is_null() && stored["password"].is_null(),
            "not synced: {stored}"
        );
    }
    for url in [&scene.guard.url, &scene.gateway.url] {
        administrator_is_refused(&administrator(url), &provisioned).await?;
    }
    administrator_may(&administrator(&scene.gateway.url), &okta, &provisioned).await?;

    let decisions = scene.guard.decisions()?;
    let refused = decisions
        .iter()
        .find(|line| line["gateway"] == "edge" && line["rule"] == "okta-only.group-rename");
    let refused = refused.context("the gateway's decision is in the log")?;
    ensure!(
        refused["decision"] == "reject"
            && refused["status"] == 403
            && refused["account"] == ACCOUNT,
        "{refused}"
    );
    let metrics = scene.guard.metrics()?;
    for count in [
        "scimguard_facts_requests_total{gateway=\"edge\",verb=\"read\",status=\"200\"}",
        "scimguard_facts_requests_total{gateway=\"edge\",verb=\"record\",status=\"204\"}",
        "scimguard_facts_seconds_count",
    ] {
        ensure!(metrics.contains(count), "{count}: {metrics}");
    }
    Ok(())
}

/// What one way answers and leaves at the application, the other does too: byte for byte, but for the
/// ids that the application gives.
#[tokio::test]
async fn the_same_requests_have_the_same_outcome_either_way() -> anyhow::Result<()> {
    let mut told = Vec::new();
    for through_the_gateway in [false, true] {
        let mut scene = TestBed::new("", "", "").await?;
        scene.guard.start().await?;
        let url = match through_the_gateway {
            false => scene.guard.url.clone(),
            true => scene.gateway.url.clone(),
        };
        let mut outcome = story(&scene.okta(&url), &url).await?;
        for path in ["/Users", "/Groups"] {
            let mut body = scene.backend.get(path).await?.status(200)?.body;
            without_times(&mut body);
            // In the order of ids, which chance gives.
            let stored = body["Resources"].as_array().cloned().unwrap_or_default();
            let mut stored: Vec<String> = stored
                .into_iter()
                .map(|resource| format!("{} {resource}", resource["displayName"]))
                .collect();
            stored.sort();
            outcome.extend(stored);
        }
        // What the application and the test gave are not the same twice.
        let users = scene.backend.get("/Users").await?.body;
        for text in &mut outcome {
            for address in [&url, &scene.held.url, &scene.application.url] {
                *text = text.replace(address, "URL");
            }
            for user in users["Resources"].as_array().into_iter().flatten() {
                let (id, name) = (user["id"].as_str(), user["userName"].as_str());
                *text = text.replace(id.context("an id")?, name.context("a name")?);
            }
        }
        told.push(outcome);
    }
    for (guard, gateway) in told[0].iter().zip(&told[1]) {
        ensure!(guard == gateway, "guard: {guard}\ngateway: {gateway}");
    }
    ensure!(told[0].len() == told[1].len());
    Ok(())
}

/// Requests of every kind, and what came back.
async fn story(okta: &Okta, url: &str) -> anyhow::Result<Vec<String>> {
    let ann = okta.create_user("ann", "Ann", "Lee").await?;
    let group = okta.push_group("web-team", &[&ann]).await?;
    let administrator = administrator(url);
    let wrong = scim_client(
        &format!("{url}{HARNESS_BASE}"),
        "pat.ACC1.tok9.not-the-secret-of-anything",
    );
    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "b1", "data": user("bob", "Bob", "Ray")},
            {"method": "POST", "path": "/Users", "bulkId": "b2", "data": {"schemas": []}},
            {"method": "PATCH", "path": format!("/Groups/{group}"), "data": patch(json!([
                {"op": "add", "path": "members", "value": [{"value": "bulkId:b1"}]}]))},
        ],
    });
    let none = json!([{"op": "replace", "value": {"locale": "en-US"}}]);
    let members = json!([{"op": "replace", "path": "members", "value": [{"value": ann}]}]);
    let mut answers = vec![
        okta.scim.send("POST", "/Bulk", Some(&bulk)).await?,
        okta.patch(&format!("/Users/{ann}"), none).await?,
        okta.patch(&format!("/Groups/{group}"), members).await?,
        okta.patch(&format!("/Groups/{group}"), json!([])).await?,
        okta.scim.get("/Users?filter=userName").await?,
        okta.scim.get("/Nowhere").await?,
        okta.scim
            .send("POST", "/Users", Some(&user("ann", "Ann", "Lee")))
            .await?,
        wrong.get("/Users").await?,
    ];
    let renamed = json!({"identifier": group, "name": "ours", "users": [ann]});
    for (method, path, body) in [
        (
            "PUT",
            "/gateway/ng/api/user-groups".to_owned(),
            Some(renamed),
        ),
        (
            "DELETE",
            format!("/gateway/ng/api/user-groups/{group}"),
            None,
        ),
        ("DELETE", "/gateway/ng/api/user-groups//x".to_owned(), None),
        ("GET", format!("/gateway/ng/api/user-groups/{group}"), None),
    ] {
        let path = in_account(&path);
        let answer = administrator.send(method, &path, body.as_ref()).await?;
        answers.push(answer);
    }
    Ok(answers.iter().map(shown).collect())
}

fn shown(answer: &Answer) -> String {
    let told = [
        "content-type",
        "scimguard-rule",
        "retry-after",
        "www-authenticate",
        "location",
        "allow",
        "cache-control",
    ];
    let headers: Vec<_> = told.iter().map(|name| answer.headers.get(*name)).collect();
    let mut body = answer.body.clone();
    without_times(&mut body);
    format!("{}: {} {headers:?} {body}", answer.request, answer.status)
}

fn without_times(body: &mut Value) {
    match body {
        Value::Object(members) => {
            members.retain(|name, _| name != "created" && name != "lastModified");
            members.values_mut().for_each(without_times);
        }
        Value::Array(values) => values.iter_mut().for_each(without_times),
        _ => {}
    }
}

#[tokio::test]
async fn a_write_waits_for_the_other_way_and_then_sees_what_it_did() -> anyhow::Result<()> {
    let mut scene = TestBed::new("lease_timeout = \"300ms\"\n", "", "").await?;
    scene.guard.start().await?;
    for (position, (okta_s, other)) in scene.ways().into_iter().enumerate() {
        let okta = scene.okta(&okta_s);
        let administrator = administrator(&other);
        let name = format!("team-{position}");
        let ann = okta
            .create_user(&format!("ann{position}"), "Ann", "Lee")
            .await?;
        let native = json!({"identifier": name.replace('-', "_"), "name": name, "users": []});
        let groups = in_account("/gateway/ng/api/user-groups");
        scene.held.hold();
        let (scim, body) = (
            okta.scim.clone(),
            json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
                "displayName": name,
                "members": [{"value": ann}],
            }),
        );
        let push = tokio::spawn(async move { scim.send("POST", "/Groups", Some(&body)).await });
        scene.held.until_held().await?;
        // The application has the group, and nobody knows.
        administrator
            .send("POST", &groups, Some(&native))
            .await?
            .refused("facts.unavailable")?;
        scene.held.release();
        let group = push.await??.status(201)?.id()?;
        let delete = in_account(&format!("/gateway/ng/api/user-groups/{group}"));
        administrator
            .send("DELETE", &delete, None)
            .await?
            .refused("okta-only.group-delete")?;
        okta.has_members(&group, &[&ann]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_token_that_is_revoked_is_refused_either_way() -> anyhow::Result<()> {
    let mut scene = TestBed::new("", "", "").await?;
    scene.guard.start().await?;
    let okta: Vec<Okta> = scene
        .ways()
        .iter()
        .map(|(url, _)| scene.okta(url))
        .collect();
    for okta in &okta {
        okta.test_connection().await?;
    }
    let listed = scene.guard.told(&["token", "list"]).await?;
    let id = listed[0]["id"].as_str().unwrap_or_default().to_owned();
    scene
        .guard
        .command(&["token", "revoke"], &["--account", ACCOUNT, "--id", &id])
        .await?;
    for okta in &okta {
        okta.scim.get("/Users").await?.refused("token.revoked")?;
    }
    Ok(())
}

/// The gateway is gone between the application's answer and the record.
#[tokio::test]
async fn what_a_gateway_left_open_is_closed_to_administrators_and_settled() -> anyhow::Result<()> {
    let mut scene = TestBed::new(
        "settle_every = \"500ms\"\nsettle_after = \"1s\"\n",
        "pass_timeout = \"2s\"\n",
        "[backend_credential]\nfile = \"backend.token\"\n",
    )
    .await?;
    scene.guard.start().await?;
    let okta = scene.okta(&scene.gateway.url);
    scene.held.hold();
    let create = user("ann", "Ann", "Lee");
    let scim = okta.scim.clone();
    let request = tokio::spawn(async move { scim.send("POST", "/Users", Some(&create)).await });
    scene.held.until_held().await?;
    request.abort();
    scene.held.release();

    let listed = scene.backend.get("/Users").await?.status(200)?;
    let ann = listed.body["Resources"][0]["id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let path = in_account(&format!("/gateway/ng/api/user/{ann}"));
    let administrator = administrator(&scene.guard.url);
    administrator
        .send("DELETE", &path, None)
        .await?
        .refused("facts.unavailable")?;
    let settled = scene
        .until("ann is settled", async || {
            let answer = administrator.send("DELETE", &path, None).await?;
            ensure!(answer.status >= 400, "{answer:?}");
            Ok(answer.rule.filter(|rule| rule != "facts.unavailable"))
        })
        .await?;
    ensure!(settled == "okta-only.user-delete", "{settled}");
    let metrics = scene.guard.metrics()?;
    ensure!(
        metrics.contains("scimguard_facts_expired_total{gateway=\"edge\"} 1"),
        "{metrics}"
    );
    Ok(())
}

/// No request is forwarded that nobody has decided, and none hangs.
#[tokio::test]
async fn a_facts_service_that_is_killed_under_load_lets_nothing_through() -> anyhow::Result<()> {
    let mut scene = TestBed::new("lease_timeout = \"2s\"\n", "", "").await?;
    // The service alone: there is no other way to the application.
    scene.guard.start_as("facts").await?;
    ensure!(
        Client::new(&scene.guard.url).get("/").await.is_err(),
        "nobody listens for clients"
    );
    let okta = scene.okta(&scene.gateway.url);
    let mut provisioned = Vec::new();
    for position in 0..4 {
        provisioned.push(
            okta.create_user(&format!("user{position}"), "Ann", "Lee")
                .await?,
        );
    }
    let over = Arc::new(AtomicBool::new(false));
    let load = provisioned.iter().map(|id| {
        let (administrator, id) = (administrator(&scene.gateway.url), id.clone());
        let over = Arc::clone(&over);
        tokio::spawn(async move {
            let path = in_account(&format!("/gateway/ng/api/user/{id}"));
            let mut rules = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let answer = administrator.send("DELETE", &path, None).await?;
                rules.push(
                    answer
                        .rule
                        .with_context(|| format!("forwarded: {:?}", answer.status))?,
                );
            }
            anyhow::Ok(rules)
        })
    });
    let load: Vec<_> = load.collect();
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        scene.guard.kill().await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        scene.guard.start_as("facts").await?;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    over.store(true, Ordering::Relaxed);
    for requests in load {
        let rules = requests.await??;
        let count = |rule: &str| rules.iter().filter(|it| *it == rule).count();
        let (decided, undecided) = (count("okta-only.user-delete"), count("facts.unavailable"));
        ensure!(
            decided > 0 && undecided > 0 && decided + undecided == rules.len(),
            "{rules:?}"
        );
    }
    for id in &provisioned {
        scene
            .backend
            .get(&format!("/Users/{id}"))
            .await?
            .status(200)?;
    }
    scene.guard.terminate().await?;
    Ok(())
}

#[tokio::test]
async fn a_secret_is_replaced_while_the_service_runs() -> anyhow::Result<()> {
    let mut scene = TestBed::new("", "", "").await?;
    scene.guard.start().await?;
    let okta = scene.okta(&scene.gateway.url);
    okta.test_connection().await?;
    let next = "fedcba9876543210fedcba9876543210-edge";
    scene
        .guard
        .write_secret("edge.secret", &format!("{next}\n{SECRET}\n"))?;
    scene
        .until("the secret is replaced", async || {
            let log = scene.guard.logged();
            Ok(log
                .contains("the secret of a gateway was replaced")
                .then_some(()))
        })
        .await?;
    okta.test_connection().await?;
    scene.guard.write_secret("edge.secret", next)?;
    scene
        .until("the old secret has ended", async || {
            let answer = okta.scim.get("/Users").await?;
            Ok((answer.rule.as_deref() == Some("facts.unavailable")).then_some(()))
        })
        .await
}
