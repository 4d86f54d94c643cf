//! `scimguard doctor`: what is wrong with a token at a running guard, and with a set-up, in words.

mod set_up;

use std::process::Output;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use scimguard_tests::environment::{self, PROGRAM};
use scimguard_tests::fixtures::{ACCOUNT, HARNESS_BASE, harness};
use scimguard_tests::guard::Guard;
use scimguard_tests::process;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::recorder::Recorder;

/// What the doctor found, and the code that it ended with.
struct Report {
    code: Option<i32>,
    findings: Vec<Value>,
}

impl Report {
    fn read(output: &Output) -> anyhow::Result<Self> {
        let printed: Value = serde_json::from_slice(&output.stdout)
            .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
        Ok(Self {
            code: output.status.code(),
            findings: printed["findings"].as_array().cloned().unwrap_or_default(),
        })
    }

    /// The report on the set-up of a guard; `more`: what follows on the command line.
    async fn of(guard: &Guard, more: &str) -> anyhow::Result<Self> {
        let mut command = guard.program(&format!("doctor --json {more}"));
        Self::read(&process::run(&mut command).await?)
    }

    /// The report on a token, whose set-up nobody can read; `place` says where it is tried.
    async fn on(guard: &Guard, token: &str, place: &str) -> anyhow::Result<Self> {
        let file = guard.write_secret("tried.token", token)?;
        let mut command = Command::new(environment::file(PROGRAM));
        command.args(["doctor", "--json", "--token-file"]).arg(file);
        Self::read(&process::run(command.args(place.split(' '))).await?)
    }

    /// The rules of all problems.
    fn rules(&self) -> Vec<&str> {
        self.findings
            .iter()
            .filter_map(|finding| finding["rule"].as_str())
            .collect()
    }

    /// The doctor ended with this code.
    fn ended(&self, code: i32) -> anyhow::Result<()> {
        ensure!(
            self.code == Some(code),
            "{:?}: {:#?}",
            self.code,
            self.findings
        );
        Ok(())
    }

    /// Each of these is among the findings: the verdict, what it is about, and words of its detail.
    fn says(&self, findings: &[(&str, &str, &str)]) -> anyhow::Result<()> {
        for (verdict, about, words) in findings {
            let detail = |it: &Value| it["detail"].as_str().is_some_and(|it| it.contains(words));
            let said =
                |it: &Value| it["verdict"] == *verdict && it["about"] == *about && detail(it);
            ensure!(
                self.findings.iter().any(said),
                "no {verdict} about {about} with {words:?}: {:#?}",
                self.findings
            );
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_token_is_tried_at_a_running_guard() -> anyhow::Result<()> {
    let (application, mut guard, good) = Recorder::guarded("").await?;
    let foreign = guard.token("ACC2", "svc-okta", Some("okta")).await?;
    let poor = guard.token(ACCOUNT, "svc-poor", Some("okta")).await?;
    guard
        .command("principal permissions --account ACC1 --id svc-poor --set core_user_view")
        .await?;
    let made = async |id: &str, expires: &str| {
        let create = "token create --account ACC1 --principal svc-okta --provider okta";
        let line = format!("{create} --id {id} --expires {expires}");
        guard.command(&line).await
    };
    let (short, revoked) = (made("short", "1s").await?, made("revoked", "1d").await?);
    guard
        .command("token revoke --account ACC1 --id revoked")
        .await?;
    guard.start().await?;
    tokio::time::sleep(Duration::from_millis(1100)).await;

    let url = guard.url.clone();
    let at = |url: &str| format!("--url {url} --account {ACCOUNT}");
    let report = Report::on(&guard, &good, &at(&url)).await?;
    report.ended(0)?;
    report.says(&[("fine", "token", "/Users")])?;
    // As it is entered in Okta.
    let connector = format!("--url {url}{HARNESS_BASE}");
    Report::on(&guard, &good, &connector).await?.ended(0)?;

    #[rustfmt::skip]
    let wrong = [
        (foreign.as_str(), "token.wrong-account", "account"),
        (&poor, "token.insufficient-permission", "core_usergroup_manage"),
        (&short, "token.expired", "expired"),
        (&revoked, "token.revoked", "revoked"),
        ("sat.ACC1.nobody.guess", "token.unknown", "not known"),
        ("two words", "token.malformed", "exactly one"),
    ];
    for (token, rule, words) in wrong {
        let report = Report::on(&guard, token, &at(&url)).await?;
        report.ended(1).context(rule)?;
        ensure!(report.rules() == [rule], "{:#?}", report.findings);
        report.says(&[("problem", "token", words)])?;
    }

    // An operator who can read the store is told more.
    let more = format!("--token {short} {}", at(&url));
    Report::of(&guard, &more).await?.says(&[
        ("note", "token", "it expired less than a minute ago"),
        ("note", "token", "it is the token short of account ACC1"),
    ])?;

    let nobody = format!("http://{}", process::free_address()?);
    for (url, words) in [
        (&nobody, "does not answer"),
        (&application.url, "not as a guard does"),
    ] {
        let report = Report::on(&guard, &good, &at(url)).await?;
        report.ended(1)?;
        report.says(&[("problem", "guard", words)])?;
    }
    let sent = application.credentials();
    ensure!(
        sent.iter().all(|it| !it.contains(&short)),
        "a server that is no guard was sent the token"
    );

    let mut misused = Command::new(environment::file(PROGRAM));
    let misused = process::run(misused.args(["doctor", "--token", "x"])).await?;
    ensure!(misused.status.code() == Some(2), "{misused:?}");
    Ok(())
}

#[tokio::test]
async fn whose_a_token_is_is_asked_for_and_told() -> anyhow::Result<()> {
    let application = Recorder::start().await?;
    let mut policy = harness();
    policy["accounts"] = json!({"ACC2": {"provider": "entra"}});
    let mut guard = Guard::configure(&application.url, &policy)?;
    // The native engine has no policy to compile first.
    guard.configure_also("engine = \"native\"\n")?;
    let operators = guard.token(ACCOUNT, "svc-script", None).await?;
    let report = Report::of(&guard, "").await?;
    report.says(&[("problem", "tokens", "account ACC1 has no token of okta")])?;

    let create = "token create --account ACC1 --principal svc-script --expires 1d";
    for (whose, words) in [
        ("", "--provider"),
        (
            "--provider otka",
            "the policy knows entra, okta; did you mean \"okta\"?",
        ),
        ("--provider okta --operator", "cannot be used with"),
    ] {
        let mut command = guard.program(&format!("{create} {whose}"));
        let output = process::run(&mut command).await?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code() == Some(2), "{whose:?}: {output:?}");
        ensure!(said.contains(words) && output.stdout.is_empty(), "{said}");
    }
    let mut command = guard.program(&format!("{create} --provider entra"));
    let output = process::run(&mut command).await?;
    ensure!(output.status.success(), "{output:?}");
    ensure!(String::from_utf8_lossy(&output.stderr).contains("okta is the provider"));
    let entras = String::from_utf8(output.stdout)?.trim().to_owned();
    guard.keep_secret(&entras);
    let oktas = guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;

    guard.start().await?;
    let others = "it is entra's, and the provider of account ACC1 is okta";
    for (token, verdict, words) in [
        (&operators, "problem", "of no identity provider"),
        (&entras, "problem", others),
        (&oktas, "fine", "it is okta's"),
    ] {
        let more = format!("--token {token} --url {} --account {ACCOUNT}", guard.url);
        let report = Report::of(&guard, &more).await?;
        report.says(&[(verdict, "token", words)])?;
        ensure!((report.code == Some(0)) == (verdict == "fine"));
    }
    Ok(())
}
