//! A disk that is full, can only be read, or fails, while Okta and administrators work: what was
//! answered is on record, what cannot be recorded is refused, and the guard is back with the disk.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use scimguard_tests::client::{Answer, Client};
use scimguard_tests::disk::Disk;
use scimguard_tests::fixtures::{ACCOUNT, HARNESS_BASE, harness, user_path};
use scimguard_tests::guard::Guard;
use scimguard_tests::okta::{Okta, user};
use scimguard_tests::process::{self, Server, TIME_LIMIT};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::test_bed::ADMIN_TOKEN;

/// Clients that push at the same time.
const CLIENTS: usize = 6;

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
        let backend = format!("{}{HARNESS_BASE}", application.url);
        let okta = guard.okta(HARNESS_BASE, &backend).await?;
        Ok(Self {
            _application: application,
            administrator: guard.administrator(),
            guard,
            okta,
            disk,
        })
    }

    async fn push(&self, login: &str) -> anyhow::Result<Answer> {
        let user = user(login, "Given", "Family");
        self.okta.scim.post("/Users", &user).await
    }

    /// A push is refused, and the guard says that it is not ready.
    async fn cannot_record(&self, login: &str) -> anyhow::Result<()> {
        self.push(login).await?.refused("facts.unavailable")?;
        self.ready().await?.status(503).map(drop)
    }

    async fn doctor(&self) -> anyhow::Result<String> {
        let report = process::run(&mut self.guard.program("doctor")).await?;
        Ok(String::from_utf8_lossy(&report.stdout).into_owned())
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
        self.ready().await?.status(200).map(drop)
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
            let line = format!("owners --account {ACCOUNT} --user {login}");
            let told = self.guard.told(&line).await?;
            ensure!(told["managed_by"] == "okta", "{login}: {told}");
        }
        let id = users[0]["id"].as_str().context("no id")?;
        let deleted = self.administrator.delete(&user_path(id)).await?;
        deleted.refused("okta-only.user-delete")
    }

    /// Each failure is logged when it begins and ends, and not with each request.
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

    /// Runs every command that writes. Returns those that failed; each must say why.
    async fn refused_commands(&self, words: &str) -> anyhow::Result<Vec<&'static str>> {
        let mut refused = Vec::new();
        for line in COMMANDS {
            let output = process::run(&mut self.guard.program(line)).await?;
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
            process::output(&mut self.guard.program(line)).await?;
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
    let mut bed = TestBed::configure().await?;
    bed.guard.token(ACCOUNT, "svc-idle", None).await?;
    let create =
        "token create --account ACC1 --principal svc-idle --operator --expires 2d --id idle";
    bed.guard.command(create).await?;
    bed.guard.start().await?;
    bed.push("first").await?.status(201)?;

    // Under load: each client pushes its own users, and repeats what was refused.
    let mut clients = JoinSet::new();
    let (scim, deadline) = (bed.okta.scim.clone(), Instant::now() + TIME_LIMIT);
    for client in 0..CLIENTS {
        let scim = scim.clone();
        clients.spawn(async move {
            let mut refused = 0;
            for number in 0..15 {
                let user = user(&format!("load-{client}-{number}"), "Given", "Family");
                while !matches!(scim.post("/Users", &user).await?.status, 201 | 409) {
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
        bed.disk.fill()?;
        sleep(Duration::from_millis(300)).await;
        bed.disk.free()?;
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }

    bed.disk.fill()?;
    bed.until_refused("full").await?;
    // A connection that was closed may have given some of the space back.
    bed.disk.fill()?;
    bed.ready().await?.status(503)?;
    let report = bed.doctor().await?;
    ensure!(report.contains("no space is left on its disk"), "{report}");
    ensure!(report.contains("it runs and is not ready"), "{report}");
    // What is small may still fit into the space that the write-ahead log has taken before.
    let full = "no space is left on its disk";
    let refused = bed.refused_commands(full).await?;
    bed.disk.free()?;
    bed.until_back("after").await?;
    bed.commands_work(&refused).await?;
    let enable = "principal enable --account ACC1 --id svc-idle";
    ensure!(bed.guard.command(enable).await?.is_empty());

    let newest = bed.newest_decision().await?;
    bed.push("later").await?.status(201)?;
    let begun = Instant::now();
    while bed.newest_decision().await? <= newest {
        ensure!(begun.elapsed() < TIME_LIMIT, "nothing is recorded");
        sleep(Duration::from_millis(100)).await;
    }
    bed.nobody_is_lost().await?;
    bed.said_once_a_change().await?;
    // Each request, refused or not, is a decision on record.
    let decisions = bed.guard.decisions()?;
    let log: BTreeSet<String> = decisions.iter().map(Value::to_string).collect();
    ensure!(log.len() > CLIENTS * 15);
    Ok(())
}

#[tokio::test]
async fn a_disk_that_can_only_be_read_is_over_when_it_can_be_written() -> anyhow::Result<()> {
    let mut bed = TestBed::configure().await?;
    bed.guard.start().await?;
    bed.push("first").await?.status(201)?;
    bed.disk.fill()?;
    bed.until_refused("full").await?;
    bed.disk.close_to_writers()?;
    bed.disk.free()?;
    for number in 0..3 {
        bed.cannot_record(&format!("closed-{number}")).await?;
    }
    let report = bed.doctor().await?;
    ensure!(report.contains("PROBLEM  store"), "{report}");
    let refused = bed.refused_commands("Read-only file system").await?;
    ensure!(refused == COMMANDS, "only these: {refused:?}");
    bed.disk.open_to_writers()?;
    bed.until_back("after").await?;
    bed.nobody_is_lost().await?;
    bed.said_once_a_change().await
}

#[tokio::test]
async fn a_disk_that_fails_is_over_when_it_works() -> anyhow::Result<()> {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let mut bed = TestBed::configure().await?;
    bed.guard.start_without_file_size_signal().await?;
    bed.push("first").await?.status(201)?;
    let id = bed.guard.id().context("it does not run")?;
    let id = Pid::from_raw(i32::try_from(id)?).context("no id")?;
    let limit = |current| Rlimit {
        current,
        maximum: None,
    };
    // EFBIG is no lack of space to SQLite: an I/O error like any other.
    prlimit(Some(id), Resource::Fsize, limit(Some(0)))?;
    for number in 0..5 {
        bed.cannot_record(&format!("failing-{number}")).await?;
    }
    prlimit(Some(id), Resource::Fsize, limit(None))?;
    bed.until_back("after").await?;
    bed.nobody_is_lost().await
}

#[tokio::test]
async fn a_store_that_was_replaced_is_not_used() -> anyhow::Result<()> {
    let mut bed = TestBed::configure().await?;
    bed.guard.start().await?;
    bed.push("first").await?.status(201)?;
    let [store, aside] = ["scimguard.db", "aside.db"].map(|name| bed.disk.path().join(name));
    fs::rename(&store, &aside)?;
    for copied in [false, true] {
        if copied {
            fs::copy(&aside, &store)?;
        }
        bed.cannot_record("second").await?;
        let group = json!({"displayName": "other"});
        let written = bed.okta.scim.post("/Groups", &group).await?;
        written.refused("facts.unavailable")?;
    }
    fs::rename(&aside, &store)?;
    bed.until_back("second").await?;
    bed.nobody_is_lost().await?;
    bed.said_once_a_change().await
}
