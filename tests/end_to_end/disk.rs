//! A disk that is full, can only be read, or fails, while Okta and administrators work: what was
//! answered is on record, what cannot be recorded is refused, and the guard is back with the disk.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use scimguard_tests::client::{Answer, Client};
use scimguard_tests::disk::Disk;
use scimguard_tests::guard::Guard;
use scimguard_tests::okta::{Okta, scim_client, user};
use scimguard_tests::process::{self, Server, TIME_LIMIT};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::provisioning::in_account;
use crate::{ACCOUNT, HARNESS_BASE, harness};

/// Those who push at the same time.
const CLIENTS: usize = 6;

const ADMIN_TOKEN: &str = "the-operators-own-token";

const LOGS: [&str; 2] = ["the store does not work", "the decision log does not work"];

/// An application, and a guard that has store and decision log on a small disk.
struct TestBed {
    _application: Server,
    guard: Guard,
    okta: Okta,
    administrator: Client,
    disk: Disk,
}

impl TestBed {
    async fn configure() -> anyhow::Result<Self> {
        let disk = Disk::mount(32_000)?;
        let application = Server::example_application().await?;
        let store = disk.path().join("scimguard.db");
        let guard = Guard::with_store(&application.url, &harness(), &store)?;
        let decisions = disk.path().join("decisions.db");
        guard.configure_also(&format!(
            "decisions = \"sqlite:{}\"\n[admin_token]\nfile = \"admin.token\"\n\
             [backend_credential]\nfile = \"backend.token\"\n",
            decisions.display()
        ))?;
        guard.write_secret("admin.token", ADMIN_TOKEN)?;
        guard.write_secret("backend.token", "the-guards-own")?;
        let token = guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;
        let okta = Okta {
            scim: scim_client(&format!("{}{HARNESS_BASE}", guard.url), &token),
            backend: Client::new(format!("{}{HARNESS_BASE}", application.url)),
        };
        let administrator = Client::new(&guard.url).with("content-type", "application/json");
        Ok(Self {
            _application: application,
            guard,
            okta,
            administrator,
            disk,
        })
    }

    async fn push(&self, login: &str) -> anyhow::Result<Answer> {
        let user = user(login, "Given", "Family");
        self.okta.scim.send("POST", "/Users", Some(&user)).await
    }

    /// Pushes until the guard cannot record it.
    async fn until_refused(&self, prefix: &str) -> anyhow::Result<()> {
        for number in 0..1000 {
            let answer = self.push(&format!("{prefix}-{number}")).await?;
            if answer.status != 201 {
                ensure!(answer.status == 503, "{answer:?}");
                return answer.refused("facts.unavailable");
            }
        }
        bail!("the disk takes everything")
    }

    /// Pushes one user until the guard does it, and nothing else is in the way any more.
    async fn until_back(&self, login: &str) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let answer = self.push(login).await?;
            if [201, 409].contains(&answer.status) {
                break;
            }
            ensure!(answer.status == 503, "{answer:?}");
            ensure!(begun.elapsed() < TIME_LIMIT, "not back: {answer:?}");
            sleep(Duration::from_millis(200)).await;
        }
        let ready = self.ready().await?;
        ensure!(ready.status == 200, "{ready:?}");
        Ok(())
    }

    async fn ready(&self) -> anyhow::Result<Answer> {
        Client::new(self.guard.admin_url()).get("/readyz").await
    }

    /// What is in the decision log now.
    async fn newest_decision(&self) -> anyhow::Result<i64> {
        let operators = Client::new(self.guard.admin_url())
            .with("authorization", format!("Bearer {ADMIN_TOKEN}"));
        let page = operators.get("/api/decisions").await?.status(200)?;
        page.body["latest"].as_i64().context("no `latest`")
    }

    /// Everybody whom the application has is Okta's, and an administrator cannot delete them.
    async fn nobody_is_lost(&self) -> anyhow::Result<()> {
        let all = self.okta.stored("/Users?count=10000").await?;
        let users = all["Resources"].as_array().context("no users")?;
        ensure!(!users.is_empty());
        for user in users {
            let login = user["userName"].as_str().context("no user name")?;
            let named = ["owners", "--account", ACCOUNT, "--user", login];
            let told = self.guard.told(&named).await?;
            ensure!(told["managed_by"] == "okta", "{login}: {told}");
        }
        let id = users[0]["id"].as_str().context("no id")?;
        let path = in_account(&format!("/gateway/ng/api/user/{id}"));
        self.administrator
            .send("DELETE", &path, None)
            .await?
            .refused("okta-only.user-delete")
    }

    /// Each thing is said when it changes, and not with each request.
    async fn said_once_a_change(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        for failing in LOGS {
            let works = failing.replace("does not work", "works again");
            loop {
                let log = self.guard.logged();
                ensure!(log.contains(LOGS[0]), "{log}");
                let (failed, worked) = (log.matches(failing).count(), log.matches(&works).count());
                if failed == worked {
                    break;
                }
                ensure!(
                    begun.elapsed() < TIME_LIMIT,
                    "{failed} times {failing:?}, {worked} times {works:?}:\n{log}"
                );
                sleep(Duration::from_millis(100)).await;
            }
        }
        Ok(())
    }

    /// Every command that writes says why it cannot, if it cannot; those are given.
    async fn refused_commands(&self, words: &str) -> anyhow::Result<Vec<&'static str>> {
        let mut refused = Vec::new();
        for line in COMMANDS {
            let arguments: Vec<&str> = line.split(' ').collect();
            let output = process::run(&mut self.guard.program(&arguments)).await?;
            if output.status.success() {
                continue;
            }
            let said = String::from_utf8_lossy(&output.stderr);
            ensure!(
                output.status.code() == Some(2) && said.contains(words),
                "{line}: {:?}\n{said}",
                output.status
            );
            refused.push(line);
        }
        Ok(refused)
    }

    async fn commands_work(&self, lines: &[&str]) -> anyhow::Result<()> {
        for line in lines {
            let arguments: Vec<&str> = line.split(' ').collect();
            process::output(&mut self.guard.program(&arguments)).await?;
        }
        Ok(())
    }
}

const COMMANDS: [&str; 6] = [
    "principal create --account ACC1 --id svc-new --kind service-account --permissions all",
    "principal disable --account ACC1 --id svc-idle",
    "token create --account ACC1 --principal svc-idle --operator --expires 1d --id new",
    "token rotate --account ACC1 --id idle --expires 1d --new-id newer",
    "owners set --account ACC1 --user first@example.com --managed-by okta --reason test",
    "import --account ACC1",
];

#[tokio::test]
async fn a_full_disk_loses_nothing_and_is_over_with_the_space() -> anyhow::Result<()> {
    let mut scene = TestBed::configure().await?;
    let idle = ["--account", ACCOUNT, "--id", "svc-idle"];
    scene.guard.token(ACCOUNT, "svc-idle", None).await?;
    let token = [
        "--account",
        ACCOUNT,
        "--principal",
        "svc-idle",
        "--operator",
    ];
    let create = ["token", "create", "--expires", "2d", "--id", "idle"];
    scene.guard.command(&create, &token).await?;
    scene.guard.start().await?;
    scene.push("first").await?.status(201)?;

    // Under load: everybody pushes their own, and repeats what was refused.
    let mut clients = JoinSet::new();
    let (scim, deadline) = (scene.okta.scim.clone(), Instant::now() + TIME_LIMIT);
    for client in 0..CLIENTS {
        let scim = scim.clone();
        clients.spawn(async move {
            let mut refused = 0;
            for number in 0..15 {
                let user = user(&format!("load-{client}-{number}"), "Given", "Family");
                while !matches!(
                    scim.send("POST", "/Users", Some(&user)).await?.status,
                    201 | 409
                ) {
                    refused += 1;
                    ensure!(Instant::now() < deadline, "still refused: {user}");
                    sleep(Duration::from_millis(50)).await;
                }
            }
            Ok(refused)
        });
    }
    for _ in 0..3 {
        sleep(Duration::from_millis(100)).await;
        scene.disk.fill()?;
        sleep(Duration::from_millis(300)).await;
        scene.disk.free()?;
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }

    scene.disk.fill()?;
    scene.until_refused("full").await?;
    // A connection that was closed may have given some of the space back.
    scene.disk.fill()?;
    let ready = scene.ready().await?;
    ensure!(ready.status == 503, "{ready:?}");
    let report = process::run(&mut scene.guard.program(&["doctor"])).await?;
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    ensure!(report.contains("no space is left on its disk"), "{report}");
    ensure!(report.contains("it runs and is not ready"), "{report}");
    // What is small may still fit into the space that the write-ahead log has taken before.
    let refused = scene
        .refused_commands("no space is left on its disk")
        .await?;
    scene.disk.free()?;
    scene.until_back("after").await?;
    scene.commands_work(&refused).await?;
    let principal = scene.guard.command(&["principal", "enable"], &idle).await?;
    ensure!(principal.is_empty());

    let newest = scene.newest_decision().await?;
    scene.push("later").await?.status(201)?;
    let begun = Instant::now();
    while scene.newest_decision().await? <= newest {
        ensure!(begun.elapsed() < TIME_LIMIT, "nothing is recorded");
        sleep(Duration::from_millis(100)).await;
    }
    scene.nobody_is_lost().await?;
    scene.said_once_a_change().await?;
    // Each request, refused or not, is a decision on record.
    let log: BTreeSet<String> = scene
        .guard
        .decisions()?
        .iter()
        .map(Value::to_string)
        .collect();
    ensure!(log.len() > CLIENTS * 15);
    Ok(())
}

#[tokio::test]
async fn a_disk_that_can_only_be_read_is_over_when_it_can_be_written() -> anyhow::Result<()> {
    let mut scene = TestBed::configure().await?;
    scene.guard.start().await?;
    scene.push("first").await?.status(201)?;
    scene.disk.fill()?;
    scene.until_refused("full").await?;
    scene.disk.close_to_writers()?;
    scene.disk.free()?;
    for number in 0..3 {
        let refused = scene.push(&format!("closed-{number}")).await?;
        refused.refused("facts.unavailable")?;
        ensure!(scene.ready().await?.status == 503);
    }
    let report = process::run(&mut scene.guard.program(&["doctor"])).await?;
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    ensure!(report.contains("PROBLEM  store"), "{report}");
    let refused = scene.refused_commands("Read-only file system").await?;
    ensure!(refused == COMMANDS, "only these: {refused:?}");
    scene.disk.open_to_writers()?;
    scene.until_back("after").await?;
    scene.nobody_is_lost().await?;
    scene.said_once_a_change().await
}

#[tokio::test]
async fn a_disk_that_fails_is_over_when_it_works() -> anyhow::Result<()> {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let mut scene = TestBed::configure().await?;
    scene.guard.start_without_file_size_signal().await?;
    scene.push("first").await?.status(201)?;
    let id = scene.guard.id().context("it does not run")?;
    let id = Pid::from_raw(i32::try_from(id)?).context("no id")?;
    let limit = |current| Rlimit {
        current,
        maximum: None,
    };
    // EFBIG is no lack of space to SQLite: an I/O error like any other.
    prlimit(Some(id), Resource::Fsize, limit(Some(0)))?;
    for number in 0..5 {
        let refused = scene.push(&format!("failing-{number}")).await?;
        refused.refused("facts.unavailable")?;
        ensure!(scene.ready().await?.status == 503);
    }
    prlimit(Some(id), Resource::Fsize, limit(None))?;
    scene.until_back("after").await?;
    scene.nobody_is_lost().await
}

#[tokio::test]
async fn a_store_that_was_replaced_is_not_used() -> anyhow::Result<()> {
    let mut scene = TestBed::configure().await?;
    scene.guard.start().await?;
    scene.push("first").await?.status(201)?;
    let (store, aside) = (
        scene.disk.path().join("scimguard.db"),
        scene.disk.path().join("aside.db"),
    );
    fs::rename(&store, &aside)?;
    let copied = [false, true];
    for copied in copied {
        if copied {
            fs::copy(&aside, &store)?;
        }
        let refused = scene.push("second").await?;
        refused.refused("facts.unavailable")?;
        ensure!(scene.ready().await?.status == 503);
        let group = json!({"displayName": "other"});
        let written = scene
            .okta
            .scim
            .send("POST", "/Groups", Some(&group))
            .await?;
        written.refused("facts.unavailable")?;
    }
    fs::rename(&aside, &store)?;
    scene.until_back("second").await?;
    scene.nobody_is_lost().await?;
    scene.said_once_a_change().await
}
