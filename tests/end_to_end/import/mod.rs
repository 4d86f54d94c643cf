//! The first fill: what an application has before the guard comes is recorded once, however often the
//! import is killed, and whatever the application answers.

mod untrusted;

use std::process::Stdio;

use anyhow::{Context as _, ensure};
use scimguard_tests::client::Client;
use scimguard_tests::fixtures::{
    ACCOUNT, GENERIC_BASE, GROUP, HARNESS_BASE, SCIM2_MOUNT, USER, generic, harness, user_path,
};
use scimguard_tests::guard::Guard;
use scimguard_tests::okta::{patch, user};
use scimguard_tests::process::{self, Server};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::listed::Listed;
use crate::test_bed::{TestBed, only_id};

const USERS: usize = 150;
const GROUPS: usize = 60;
/// Each group's.
const MEMBERS: usize = 5;

/// A guard without the plugin, which takes a while to compile: who decides does not matter here.
fn native(backend: &str, policy: &Value) -> anyhow::Result<Guard> {
    let guard = Guard::configure(backend, policy)?;
    guard.configure_also("engine = \"native\"\n")?;
    Ok(guard)
}

fn import(guard: &Guard, more: &[&str]) -> Command {
    let mut command = guard.program(&format!("import --account {ACCOUNT} --json"));
    command.arg("--no-credential").args(more);
    command
}

/// Runs an import to its end and returns what came of it.
async fn imported(guard: &Guard, more: &[&str]) -> anyhow::Result<Value> {
    let printed = process::output(&mut import(guard, more)).await?;
    serde_json::from_str(&printed).context(printed)
}

/// Runs an import that fails, and returns its complaint.
async fn fails(guard: &Guard, more: &[&str]) -> anyhow::Result<String> {
    let output = process::run(&mut import(guard, more)).await?;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.code() == Some(2) && output.stdout.is_empty(),
        "{complaint}"
    );
    Ok(complaint)
}

/// Sends SIGINT to an import at work, and returns its complaint.
async fn interrupted(guard: &Guard, more: &[&str], listed: &Listed) -> anyhow::Result<String> {
    let before = listed.count();
    let running = import(guard, more)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    listed.until(before + 2).await?;
    let id = running.id().context("it has ended already")?.to_string();
    process::output(Command::new("kill").args(["-INT", &id])).await?;
    let output = running.wait_with_output().await?;
    ensure!(output.status.code() == Some(2), "{output:?}");
    Ok(String::from_utf8(output.stderr)?)
}

/// Numbers of recorded and known users and groups, and of memberships.
fn tally(outcome: &Value) -> [u64; 5] {
    let (users, groups) = (&outcome["users"], &outcome["groups"]);
    let (recorded, known) = ("recorded", "known");
    let counts = [
        &users[recorded],
        &users[known],
        &groups[recorded],
        &groups[known],
        &outcome["members"],
    ];
    counts.map(|count| count.as_u64().unwrap_or(u64::MAX))
}

fn a_user(number: usize) -> Value {
    let name = format!("user{number}@example.com");
    json!({"schemas": [USER], "id": format!("u{number}"), "userName": name})
}

fn users(count: usize) -> Vec<Value> {
    (0..count).map(a_user).collect()
}

#[tokio::test]
async fn an_import_that_is_killed_goes_on_and_counts_everything_once() -> anyhow::Result<()> {
    let server = Server::scim2().await?;
    let application = Client::new(format!("{}{SCIM2_MOUNT}", server.url))
        .with("content-type", "application/scim+json");
    let (user, group) = fill(&application).await?;
    let listed = Listed::in_front_of(&server.url).await?;
    let mut guard = native(&listed.url, &generic(SCIM2_MOUNT))?;

    let arguments = ["--managed-by", "okta", "--page", "10"];
    let complaint = interrupted(&guard, &arguments, &listed).await?;
    ensure!(
        complaint.contains("interrupted; run the same command again"),
        "{complaint}"
    );
    // In the users, and in the groups.
    for requests in [2, 5, 9, 12, 30] {
        let before = listed.count();
        let mut running = import(&guard, &arguments).kill_on_drop(true).spawn()?;
        listed.until(before + requests).await?;
        running.kill().await?;
    }
    let outcome = imported(&guard, &arguments).await?;
    let members = u64::try_from(GROUPS * MEMBERS)?;
    let (all_users, all_groups) = (u64::try_from(USERS)?, u64::try_from(GROUPS)?);
    ensure!(
        tally(&outcome) == [all_users, 0, all_groups, 0, members],
        "{outcome}"
    );
    ensure!(outcome["first_fill"] == true, "{outcome}");

    let again = imported(&guard, &[]).await?;
    ensure!(tally(&again) == [0, all_users, 0, all_groups, 0], "{again}");

    // What it recorded is what the guard decides by.
    let token = guard.token(ACCOUNT, "svc-script", None).await?;
    guard.start().await?;
    let script = guard.scim(GENERIC_BASE, &token);
    let edits = [
        (format!("/Groups/{group}"), "okta-only.group-rename"),
        (format!("/Users/{user}"), "okta-only.user-profile"),
    ];
    for (path, rule) in edits {
        let rename = json!([{"op": "replace", "path": "displayName", "value": "ours"}]);
        script.patch(&path, &patch(rename)).await?.refused(rule)?;
    }
    Ok(())
}

/// Users and groups in a real server; returns a member and its group.
async fn fill(application: &Client) -> anyhow::Result<(String, String)> {
    let mut ids = Vec::new();
    for number in 0..USERS {
        let user = a_user(number);
        let answer = application.post("/Users", &user).await?;
        ids.push(answer.status(201)?.id()?);
    }
    let mut last = None;
    for number in 0..GROUPS {
        let members: Vec<_> = (0..MEMBERS)
            .map(|member| json!({"value": ids[(number + member) % USERS]}))
            .collect();
        let name = format!("group {number}");
        let group = json!({"schemas": [GROUP], "displayName": name, "members": members});
        let answer = application.post("/Groups", &group).await?;
        last = Some((ids[number].clone(), answer.status(201)?.id()?));
    }
    last.context("no groups")
}

#[tokio::test]
async fn a_large_group_is_read_whole() -> anyhow::Result<()> {
    const MANY: usize = 20_000;
    let all = users(MANY);
    let listed = Listed::by(move |asked| match asked.path.as_str() {
        "/Users" => asked.page(&all),
        "/Groups" => asked.page(&[json!({"id": "g1", "displayName": "all"})]),
        _ => {
            let member = |n| json!({"value": format!("u{n}"), "type": "User"});
            let members: Vec<Value> = (0..MANY).map(member).collect();
            let group = json!({"id": "g1", "displayName": "all", "members": members});
            (200, group)
        }
    })
    .await?;
    let guard = native(&listed.url, &generic("/"))?;
    let outcome = imported(&guard, &["--page", "1000"]).await?;
    let many = u64::try_from(MANY)?;
    ensure!(tally(&outcome) == [many, 0, 1, 0, many], "{outcome}");
    Ok(())
}

/// An empty group may be a group whose members the application does not tell: only one that tells some
/// group's members is believed.
#[tokio::test]
async fn silence_about_members_is_not_taken_for_none() -> anyhow::Result<()> {
    let listed = Listed::by(|asked| match asked.path.as_str() {
        "/Users" => asked.page(&users(1)),
        "/Groups" => asked.page(&["g1", "g2", "g3"].map(|id| json!({"id": id, "members": []}))),
        "/Groups/g2" => (200, json!({"id": "g2", "members": [{"value": "u0"}]})),
        group => (200, json!({"id": group.trim_start_matches("/Groups/")})),
    })
    .await?;
    let guard = native(&listed.url, &generic("/"))?;
    let outcome = imported(&guard, &[]).await?;
    ensure!(tally(&outcome) == [1, 0, 3, 0, 1], "{outcome}");
    let reads = || -> Vec<String> {
        let paths = listed.seen().into_iter().map(|(path, _)| path);
        paths.filter(|path| path.starts_with("/Groups/")).collect()
    };
    let first = ["/Groups/g1", "/Groups/g2", "/Groups/g3"];
    ensure!(reads() == first, "{:?}", reads());
    imported(&guard, &[]).await?;
    ensure!(reads()[first.len()..] == ["/Groups/g1"], "{:?}", reads());
    Ok(())
}

#[tokio::test]
async fn the_guards_own_credential_is_asked_with() -> anyhow::Result<()> {
    let listed = Listed::by(|asked| asked.page(&[])).await?;
    let guard = native(&listed.url, &generic("/"))?;
    let complaint = process::run(&mut guard.program("import --account ACC1")).await?;
    let complaint = String::from_utf8_lossy(&complaint.stderr).into_owned();
    ensure!(
        complaint.contains("backend_credential") && complaint.contains("--no-credential"),
        "{complaint}"
    );
    ensure!(listed.count() == 0, "it asked all the same");

    guard.configure_also("[backend_credential]\nenv = \"GUARDS_OWN\"\n")?;
    let mut import = guard.program("import --account ACC1");
    process::output(import.env("GUARDS_OWN", "s3cret")).await?;
    for (path, credential) in listed.seen() {
        ensure!(
            credential.as_deref() == Some("Bearer s3cret"),
            "{path}: {credential:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn an_import_of_a_part_is_no_first_fill() -> anyhow::Result<()> {
    let listed = Listed::by(
        |asked| match (asked.path.as_str(), asked.query.get("filter")) {
            ("/Users", None) => asked.page(&users(4)),
            ("/Users", Some(filter)) if filter == "externalId pr" => asked.page(&users(2)),
            ("/Groups", None) => (503, json!({"detail": "too busy\u{1b}[31m"})),
            _ => (400, Value::Null),
        },
    )
    .await?;
    let guard = native(&listed.url, &generic("/"))?;
    let filter = "--filter=externalId pr";
    let okta = ["--managed-by", "okta", filter, "--only", "users"];
    let outcome = imported(&guard, &okta).await?;
    ensure!(tally(&outcome) == [2, 0, 0, 0, 0], "{outcome}");
    ensure!(outcome["first_fill"] == false, "{outcome}");

    let complaint = fails(&guard, &[]).await?;
    ensure!(
        complaint.contains("503") && complaint.contains("too busy\\u{1b}[31m"),
        "{complaint}"
    );
    ensure!(
        complaint.contains("run the same command again"),
        "{complaint}"
    );
    // It goes on with the groups, and another one has to be told so.
    let complaint = fails(&guard, &okta).await?;
    ensure!(
        complaint.contains("--restart") && complaint.contains("without --managed-by"),
        "{complaint}"
    );
    let before = listed.count();
    fails(&guard, &[]).await?;
    let asked = listed.seen().split_off(before);
    let asked: Vec<&str> = asked.iter().map(|(path, _)| path.as_str()).collect();
    ensure!(
        asked == ["/ServiceProviderConfig", "/Groups"],
        "it began anew: {asked:?}"
    );
    let complaint = fails(&guard, &["--restart", "--filter", "x"]).await?;
    ensure!(
        complaint.contains("refuses to be read with this filter")
            && complaint.contains("/Users?startIndex=1")
            && !complaint.contains("run the same command again"),
        "{complaint}"
    );
    let outcome = imported(&guard, &["--restart", "--only", "users"]).await?;
    ensure!(tally(&outcome) == [0, 4, 0, 0, 0], "{outcome}");
    Ok(())
}

#[tokio::test]
async fn what_okta_was_creating_when_the_guard_died_is_oktas() -> anyhow::Result<()> {
    let mut bed = TestBed::new("engine = \"native\"\n").await?;
    let ann = user("ann", "Ann", "Lee");
    bed.killed_during("POST", "/Users", ann).await?;
    let outcome = imported(&bed.guard, &[]).await?;
    ensure!(outcome["users"]["settled"] == 1, "{outcome}");
    bed.guard.start().await?;
    let ann = only_id(&bed.okta.backend.get("/Users").await?.status(200)?)?;
    let path = format!("/gateway/ng/api/user/{ann}");
    bed.delete_is_refused(&path, "okta-only.user-delete").await
}

#[tokio::test]
async fn until_the_first_fill_unseen_users_can_be_closed() -> anyhow::Result<()> {
    let application = Server::example_application().await?;
    let scim = format!("{}{HARNESS_BASE}", application.url);
    let backend = Client::new(scim).with("content-type", "application/scim+json");
    let robert = user("bob", "Bob", "Ray");
    let bob = backend.post("/Users", &robert).await?.status(201)?.id()?;
    let mut guard = native(&application.url, &harness())?;
    guard.configure_also("unseen = \"refuse\"\n")?;
    guard.start().await?;
    let administrator = guard.administrator();
    let path = user_path(&bob);
    let edit = json!({"uuid": bob, "name": "Bobby", "email": "bob@example.com"});

    let answer = administrator.put(&path, &edit).await?;
    answer.refused("facts.unavailable")?;
    let outcome = imported(&guard, &[]).await?;
    ensure!(tally(&outcome)[0] == 1, "{outcome}");
    administrator.put(&path, &edit).await?.done()?;
    Ok(())
}
