//! Two ways to one application: a gateway that runs the policy itself and asks the facts service, and
//! the guard in front. One store, one outcome.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use scimguard_tests::client::{Answer, Client};
use scimguard_tests::deployment::{Deployment, administrator};
use scimguard_tests::fixtures::{
    ACCOUNT, BULK, GATEWAY_SECRET, GROUP, HARNESS_BASE, OWN_CREDENTIAL, group_path, harness,
    in_account, user_path,
};
use scimguard_tests::okta::{Okta, patch, scim_client, user};
use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::provisioning::{administrator_is_refused, administrator_may, harness_sequence};
use crate::test_bed::only_id;

/// The application, a guard with a facts service, and a gateway.
struct TestBed {
    shared: Deployment,
    gateway: Gateway,
}

impl TestBed {
    /// `keys` stand at the top of the guard's configuration.
    async fn new(keys: &str) -> anyhow::Result<Self> {
        Self::with(Deployment::new(keys, "", "").await?).await
    }

    async fn with(shared: Deployment) -> anyhow::Result<Self> {
        let url = format!("http://{}", shared.facts);
        let gateway = Gateway::start(&harness(), &url, GATEWAY_SECRET, &shared.held.url).await?;
        Ok(Self { shared, gateway })
    }

    fn ways(&self) -> [(String, String); 2] {
        self.shared.ways(&self.gateway.url)
    }
}

impl Deref for TestBed {
    type Target = Deployment;

    fn deref(&self) -> &Deployment {
        &self.shared
    }
}

impl DerefMut for TestBed {
    fn deref_mut(&mut self) -> &mut Deployment {
        &mut self.shared
    }
}

#[tokio::test]
async fn okta_provisions_through_a_gateway_and_administrators_cannot_undo_it_either_way()
-> anyhow::Result<()> {
    let mut bed = TestBed::new("").await?;
    let okta = bed.okta(&bed.gateway.url);
    // The guard, and so the facts service, is killed in between.
    let provisioned = harness_sequence(&okta, &mut bed.guard).await?;
    for url in [&bed.guard.url, &bed.gateway.url] {
        administrator_is_refused(&administrator(url), &provisioned).await?;
    }
    administrator_may(&administrator(&bed.gateway.url), &okta, &provisioned).await?;

    let decisions = bed.guard.decisions()?;
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
    let metrics = bed.guard.metrics()?;
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
        let mut bed = TestBed::new("").await?;
        bed.guard.start().await?;
        let url = match through_the_gateway {
            false => bed.guard.url.clone(),
            true => bed.gateway.url.clone(),
        };
        let mut outcome = story(&bed.okta(&url), &url).await?;
        for path in ["/Users", "/Groups"] {
            let mut body = bed.backend.get(path).await?.status(200)?.body;
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
        let users = bed.backend.get("/Users").await?.body;
        for text in &mut outcome {
            for address in [&url, &bed.held.url, &bed.application.url] {
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
    let made_up = "pat.ACC1.tok9.not-the-secret-of-anything";
    let wrong = scim_client(&format!("{url}{HARNESS_BASE}"), made_up);
    let bulk = json!({
        "schemas": [BULK],
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
        okta.scim.post("/Bulk", &bulk).await?,
        okta.patch(&format!("/Users/{ann}"), none).await?,
        okta.patch(&format!("/Groups/{group}"), members).await?,
        okta.patch(&format!("/Groups/{group}"), json!([])).await?,
        okta.scim.get("/Users?filter=userName").await?,
        okta.scim.get("/Nowhere").await?,
        okta.scim.post("/Users", &user("ann", "Ann", "Lee")).await?,
        wrong.get("/Users").await?,
    ];
    let renamed = json!({"identifier": group, "name": "ours", "users": [ann]});
    for (method, path, body) in [
        (
            "PUT",
            in_account("/gateway/ng/api/user-groups"),
            Some(renamed),
        ),
        ("DELETE", group_path(&group), None),
        ("DELETE", group_path("/x"), None),
        ("GET", group_path(&group), None),
    ] {
        let answer = administrator.send(method, &path, body.as_ref());
        answers.push(answer.await?);
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
    let mut bed = TestBed::new("lease_timeout = \"300ms\"\n").await?;
    bed.guard.start().await?;
    for (position, (okta_s, other)) in bed.ways().into_iter().enumerate() {
        let okta = bed.okta(&okta_s);
        let administrator = administrator(&other);
        let name = format!("team-{position}");
        let login = format!("ann{position}");
        let ann = okta.create_user(&login, "Ann", "Lee").await?;
        let native = json!({"identifier": name.replace('-', "_"), "name": name, "users": []});
        let groups = in_account("/gateway/ng/api/user-groups");
        bed.held.hold();
        let members = json!([{"value": ann}]);
        let body = json!({"schemas": [GROUP], "displayName": name, "members": members});
        let scim = okta.scim.clone();
        let push = tokio::spawn(async move { scim.post("/Groups", &body).await });
        bed.held.until_held().await?;
        // The application has the group, and nobody knows.
        let created = administrator.post(&groups, &native).await?;
        created.refused("facts.unavailable")?;
        bed.held.release();
        let group = push.await??.status(201)?.id()?;
        let deleted = administrator.delete(&group_path(&group)).await?;
        deleted.refused("okta-only.group-delete")?;
        okta.has_members(&group, &[&ann]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_token_that_is_revoked_is_refused_either_way() -> anyhow::Result<()> {
    let mut bed = TestBed::new("").await?;
    bed.guard.start().await?;
    let okta = bed.ways().map(|(url, _)| bed.okta(&url));
    for okta in &okta {
        okta.test_connection().await?;
    }
    bed.guard.revoke_token().await?;
    for okta in &okta {
        okta.scim.get("/Users").await?.refused("token.revoked")?;
    }
    Ok(())
}

/// The gateway is gone between the application's answer and the record.
#[tokio::test]
async fn what_a_gateway_left_open_is_closed_to_administrators_and_settled() -> anyhow::Result<()> {
    let keys = "settle_every = \"500ms\"\nsettle_after = \"1s\"\n";
    let shared = Deployment::new(keys, "pass_timeout = \"2s\"\n", OWN_CREDENTIAL).await?;
    let mut bed = TestBed::with(shared).await?;
    bed.guard.start().await?;
    let okta = bed.okta(&bed.gateway.url);
    bed.held.hold();
    let create = user("ann", "Ann", "Lee");
    let scim = okta.scim.clone();
    let request = tokio::spawn(async move { scim.post("/Users", &create).await });
    bed.held.until_held().await?;
    request.abort();
    bed.held.release();

    let listed = bed.backend.get("/Users").await?.status(200)?;
    let path = user_path(&only_id(&listed)?);
    let administrator = administrator(&bed.guard.url);
    let deleted = administrator.delete(&path).await?;
    deleted.refused("facts.unavailable")?;
    let settled = bed
        .guard
        .until("ann is settled", async || {
            let answer = administrator.delete(&path).await?;
            ensure!(answer.status >= 400, "{answer:?}");
            Ok(answer.rule.filter(|rule| rule != "facts.unavailable"))
        })
        .await?;
    ensure!(settled == "okta-only.user-delete", "{settled}");
    let metrics = bed.guard.metrics()?;
    ensure!(
        metrics.contains("scimguard_facts_expired_total{gateway=\"edge\"} 1"),
        "{metrics}"
    );
    Ok(())
}

/// No request is forwarded that nobody has decided, and none hangs.
#[tokio::test]
async fn a_facts_service_that_is_killed_under_load_lets_nothing_through() -> anyhow::Result<()> {
    let mut bed = TestBed::new("lease_timeout = \"2s\"\n").await?;
    // The service alone: there is no other way to the application.
    bed.guard.start_as("facts").await?;
    ensure!(
        Client::new(&bed.guard.url).get("/").await.is_err(),
        "nobody listens for clients"
    );
    let okta = bed.okta(&bed.gateway.url);
    let mut provisioned = Vec::new();
    for position in 0..4 {
        let login = format!("user{position}");
        provisioned.push(okta.create_user(&login, "Ann", "Lee").await?);
    }
    let over = Arc::new(AtomicBool::new(false));
    let load = provisioned.iter().map(|id| {
        let (administrator, id) = (administrator(&bed.gateway.url), id.clone());
        let over = Arc::clone(&over);
        tokio::spawn(async move {
            let path = user_path(&id);
            let mut rules = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let answer = administrator.delete(&path).await?;
                let forwarded = || format!("forwarded: {:?}", answer.status);
                rules.push(answer.rule.with_context(forwarded)?);
            }
            anyhow::Ok(rules)
        })
    });
    let load: Vec<_> = load.collect();
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        bed.guard.kill().await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        bed.guard.start_as("facts").await?;
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
        okta.stored(&format!("/Users/{id}")).await?;
    }
    bed.guard.terminate().await?;
    Ok(())
}

#[tokio::test]
async fn a_secret_is_replaced_while_the_service_runs() -> anyhow::Result<()> {
    let mut bed = TestBed::new("").await?;
    bed.guard.start().await?;
    let okta = bed.okta(&bed.gateway.url);
    okta.test_connection().await?;
    let next = "fedcba9876543210fedcba9876543210-edge";
    bed.guard
        .write_secret("edge.secret", &format!("{next}\n{GATEWAY_SECRET}\n"))?;
    let replaced = "it was read again and replaced";
    let logged = async || Ok(bed.guard.logged().contains(replaced).then_some(()));
    bed.guard.until(replaced, logged).await?;
    okta.test_connection().await?;
    bed.guard.write_secret("edge.secret", next)?;
    bed.guard
        .until("the old secret has ended", async || {
            let answer = okta.scim.get("/Users").await?;
            Ok((answer.rule.as_deref() == Some("facts.unavailable")).then_some(()))
        })
        .await
}
