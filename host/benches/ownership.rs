//! The cost of the record: a decision with its facts from the store, by the number of users and by
//! the size of the group; the speed of an initial import, and the size of the store afterwards.
//!
//! `cargo bench -p scimguard --profile host --bench ownership`; no plugin is needed.
#![expect(clippy::print_stdout, reason = "figures are its output")]

mod allocator;
mod decision;
mod filling;
mod granted;
mod sample;

use std::env;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use decision::Decision;
use sample::{NOW, quantile, time};
use scimguard::engine::Engine;
use scimguard_core::facts::{Fact, Group, Key, User};
use scimguard_core::record::{MembersRecord, Record};
use scimguard_core::{Body, Request, Verdict};
use scimguard_interface::Policy as _;
use scimguard_store::Store;
use serde_json::{Value, json};

const WARM_UP: usize = 100;
const SAMPLES: usize = 1000;

/// Numbers of recorded users.
const USERS: [usize; 3] = [1_000, 100_000, 1_000_000];

/// Sizes of groups, with as many users as the second of [`USERS`].
const MEMBERS: [usize; 4] = [100, 1_000, 10_000, 100_000];

/// Groups of the first of [`MEMBERS`] members, so that not every decision reads the same rows.
const GROUPS: usize = 100;

const ACCOUNT: &str = "ACC1";
const OKTA: &str = "sat.ACC1.okta.s3cret";
const ADMINISTRATOR: &str = "pat.ACC1.admin.s3cret";

fn main() -> anyhow::Result<()> {
    if !env::args().any(|argument| argument == "--bench") {
        // `cargo test --all-targets` only checks that it compiles.
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        decisions(folder.path()).await?;
        filling::figures(folder.path()).await
    })
}

async fn decisions(folder: &Path) -> anyhow::Result<()> {
    let store = Store::open(&folder.join("decisions.db")).await?;
    let engine = Engine::native("")?;
    tokens(&store).await?;
    for group in 0..GROUPS {
        let members = (group..group + MEMBERS[0]).collect();
        add_group(&store, &format!("g{group}"), members).await?;
    }
    println!(
        "{:44} {:>9} {:>9}",
        "a decision with its facts from the store", "median", "p99"
    );
    let mut there = 0;
    for users in USERS {
        add_users(&store, there..users).await?;
        there = users;
        println!("{users} users, groups of {} members", MEMBERS[0]);
        let several: Vec<String> = (0..GROUPS).map(|group| format!("g{group}")).collect();
        measure(&store, &engine, users, &several).await?;
        if users == USERS[1] {
            for members in &MEMBERS[1..] {
                let group = format!("all{members}");
                add_group(&store, &group, (0..*members).collect()).await?;
                println!("{users} users, a group of {members} members");
                measure(&store, &engine, users, &[group]).await?;
            }
        }
    }
    store.close().await;
    Ok(())
}

/// Each kind of request, with different users and groups each time.
async fn measure(
    store: &Store,
    engine: &Engine,
    users: usize,
    groups: &[String],
) -> anyhow::Result<()> {
    type Make = fn(usize, &str) -> Request;
    let kinds: [(&str, Make, Option<&str>); 3] = [
        ("  Okta adds a member", add_member, None),
        ("  Okta updates a user", update_user, None),
        (
            "  an administrator renames a pushed group",
            rename,
            Some("okta-only.group-rename"),
        ),
    ];
    for (name, make, rule) in kinds {
        let mut samples = Vec::with_capacity(SAMPLES);
        for round in 0..WARM_UP + SAMPLES {
            // Far apart, so that decisions do not read the same rows in a row.
            let user = round * 7_919 % users;
            let request = make(user, &groups[round % groups.len()]);
            let started = Instant::now();
            let refused = decide(store, engine, request).await?;
            let took = started.elapsed();
            anyhow::ensure!(refused.as_deref() == rule, "{name}: {refused:?}");
            if round >= WARM_UP {
                samples.push(took);
            }
        }
        println!("{name:44} {}", quantiles(&mut samples));
    }
    Ok(())
}

fn quantiles(samples: &mut [Duration]) -> String {
    samples.sort_unstable();
    format!(
        "{} {}",
        time(quantile(samples, 50)),
        time(quantile(samples, 99))
    )
}

/// Drives a decision like the proxy: answers all keys from one state of the record. Returns the
/// rule that refused.
async fn decide(store: &Store, engine: &Engine, whole: Request) -> anyhow::Result<Option<String>> {
    let mut decision = Decision::of(engine, &whole);
    let mut keys: Vec<Key> = Vec::new();
    for _ in 0..=engine.settings().rounds {
        match decision.call()? {
            Verdict::Forward(_) | Verdict::Proceed(_) => return Ok(None),
            Verdict::Reject(reject) => return Ok(Some(reject.rule)),
            Verdict::Need(need) => {
                let known = keys.len();
                keys.extend_from_slice(&need.keys);
                let answers = store.answer(&keys).await?;
                let facts = keys.iter().cloned().zip(answers).skip(known);
                decision.give(&need, facts.map(|(key, answer)| Fact { key, answer }));
            }
        }
    }
    anyhow::bail!("no decision")
}

fn request(method: &str, path: &str, token: &str, body: &Value) -> Request {
    let headers = [
        ("authorization", format!("Bearer {token}")),
        ("content-type", "application/scim+json".to_owned()),
    ];
    Request {
        method: method.to_owned(),
        path: format!("/gateway/ng/api/scim/account/{ACCOUNT}/{path}"),
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.into_bytes()))
            .to_vec(),
        body: Body::Bytes(body.to_string().into_bytes()),
        annotate: false,
    }
}

fn add_member(user: usize, group: &str) -> Request {
    let member = json!({"value": format!("u{user}"), "display": format!("user{user}@example.com")});
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "add", "path": "members", "value": [member]}]
    });
    request("PATCH", &format!("Groups/{group}"), OKTA, &body)
}

fn update_user(user: usize, _group: &str) -> Request {
    let name = format!("user{user}@example.com");
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": format!("u{user}"),
        "userName": name,
        "name": {"givenName": "Ann", "familyName": "Lee"},
        "emails": [{"primary": true, "value": name, "type": "work"}],
        "displayName": "Ann Lee",
        "externalId": format!("00u{user}"),
        "active": true
    });
    request("PUT", &format!("Users/u{user}"), OKTA, &body)
}

fn rename(_user: usize, group: &str) -> Request {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "displayName", "value": "ours"}]
    });
    request("PATCH", &format!("Groups/{group}"), ADMINISTRATOR, &body)
}

// === the record ===

async fn tokens(store: &Store) -> anyhow::Result<()> {
    for (text, provider) in [(OKTA, Some("okta")), (ADMINISTRATOR, None)] {
        let id = text.split('.').nth(2).context("no id")?;
        granted::token(store, text, id, provider).await?;
    }
    Ok(())
}

async fn add_users(store: &Store, numbers: std::ops::Range<usize>) -> anyhow::Result<()> {
    const BATCH: usize = 1000;
    let numbers: Vec<usize> = numbers.collect();
    for some in numbers.chunks(BATCH) {
        let users: Vec<Record> = some
            .iter()
            .map(|number| {
                Record::User(User {
                    account: ACCOUNT.to_owned(),
                    id: Some(format!("u{number}")),
                    user_name: format!("user{number}@example.com"),
                    display_name: Some("Ann Lee".to_owned()),
                    external_id: Some(format!("00u{number}")),
                    active: true,
                    managed_by: Some("okta".to_owned()),
                    since: Some(NOW),
                    ..User::default()
                })
            })
            .collect();
        store.apply(&users).await?;
    }
    Ok(())
}

async fn add_group(store: &Store, id: &str, members: Vec<usize>) -> anyhow::Result<()> {
    let group = Group {
        account: ACCOUNT.to_owned(),
        id: Some(id.to_owned()),
        display_name: Some(id.to_owned()),
        derived_id: Some(id.to_owned()),
        managed_by: Some("okta".to_owned()),
        since: Some(NOW),
        members_known: true,
        ..Group::default()
    };
    let members = MembersRecord {
        account: ACCOUNT.to_owned(),
        scope: String::new(),
        group: id.to_owned(),
        users: members.iter().map(|number| format!("u{number}")).collect(),
    };
    Ok(store
        .apply(&[Record::Group(group), Record::Members(members)])
        .await?)
}
