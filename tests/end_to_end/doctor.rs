//! `scimguard doctor`: what is wrong with a token at a running guard, and with a set-up, in words.

use std::process::Output;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use scimguard_tests::environment::{self, PROGRAM};
use scimguard_tests::guard::Guard;
use scimguard_tests::process;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::listed::Listed;
use crate::recorder::Recorder;
use crate::{ACCOUNT, HARNESS_BASE, harness};

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

    /// The rules of all problems.
    fn rules(&self) -> Vec<&str> {
        self.findings
            .iter()
            .filter_map(|finding| finding["rule"].as_str())
            .collect()
    }

    fn says(&self, verdict: &str, about: &str, words: &str) -> anyhow::Result<()> {
        let said = self.findings.iter().any(|finding| {
            finding["verdict"] == verdict
                && finding["about"] == about
                && finding["detail"]
                    .as_str()
                    .is_some_and(|detail| detail.contains(words))
        });
        ensure!(
            said,
            "no {verdict} about {about} with {words:?}: {:#?}",
            self.findings
        );
        Ok(())
    }
}

/// Tries a token; `rest` says where.
async fn tried(guard: &Guard, token: &str, rest: &[&str]) -> anyhow::Result<Report> {
    let file = guard.write_secret("tried.token", token)?;
    let mut command = Command::new(environment::file(PROGRAM));
    command
        .args(["doctor", "--json", "--token-file"])
        .arg(file)
        .args(rest);
    Report::read(&process::run(&mut command).await?)
}

#[tokio::test]
async fn a_token_is_tried_at_a_running_guard() -> anyhow::Result<()> {
    let application = Recorder::start().await?;
    let mut guard = Guard::configure(&application.url, &harness())?;
    let good = guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;
    let foreign = guard.token("ACC2", "svc-okta", Some("okta")).await?;
    let poor = guard.token(ACCOUNT, "svc-poor", Some("okta")).await?;
    let poor_principal = [
        "--account",
        ACCOUNT,
        "--id",
        "svc-poor",
        "--set",
        "core_user_view",
    ];
    guard
        .command(&["principal", "permissions"], &poor_principal)
        .await?;
    let create = [
        "token",
        "create",
        "--account",
        ACCOUNT,
        "--principal",
        "svc-okta",
    ];
    let made = async |id: &str, expires: &str| {
        let printed = guard
            .command(
                &create,
                &["--id", id, "--expires", expires, "--provider", "okta"],
            )
            .await?;
        anyhow::Ok(printed.trim().to_owned())
    };
    let short = made("short", "1s").await?;
    let revoked = made("revoked", "1d").await?;
    guard
        .command(
            &["token", "revoke"],
            &["--account", ACCOUNT, "--id", "revoked"],
        )
        .await?;
    guard.start().await?;
    tokio::time::sleep(Duration::from_millis(1100)).await;

    let url = guard.url.clone();
    let at = ["--url", &url, "--account", ACCOUNT];
    let report = tried(&guard, &good, &at).await?;
    ensure!(report.code == Some(0), "{:#?}", report.findings);
    report.says("fine", "token", "/Users")?;
    // As it is entered in Okta.
    let connector = format!("{url}{HARNESS_BASE}");
    let report = tried(&guard, &good, &["--url", &connector]).await?;
    ensure!(report.code == Some(0), "{:#?}", report.findings);

    for (token, rule, words) in [
        (foreign.as_str(), "token.wrong-account", "account"),
        (
            &poor,
            "token.insufficient-permission",
            "core_usergroup_manage",
        ),
        (&short, "token.expired", "expired"),
        (&revoked, "token.revoked", "revoked"),
        ("sat.ACC1.nobody.guess", "token.unknown", "not known"),
        ("two words", "token.malformed", "exactly one"),
    ] {
        let report = tried(&guard, token, &at).await?;
        ensure!(report.code == Some(1), "{rule}: {:?}", report.code);
        ensure!(report.rules() == [rule], "{:#?}", report.findings);
        report.says("problem", "token", words)?;
    }

    // Who may read the store is told more.
    let mut command = guard.program(&["doctor", "--json", "--token", &short]);
    let report = Report::read(&process::run(command.args(at)).await?)?;
    report.says("note", "token", "it expired less than a minute ago")?;
    report.says("note", "token", "it is the token short of account ACC1")?;

    let nobody = format!("http://{}", process::free_address()?);
    let report = tried(&guard, &good, &["--url", &nobody, "--account", ACCOUNT]).await?;
    ensure!(report.code == Some(1));
    report.says("problem", "guard", "does not answer")?;
    let report = tried(
        &guard,
        &good,
        &["--url", &application.url, "--account", ACCOUNT],
    )
    .await?;
    ensure!(report.code == Some(1));
    report.says("problem", "guard", "not as a guard does")?;
    ensure!(
        application
            .credentials()
            .iter()
            .all(|it| !it.contains(&short)),
        "a server that is no guard was sent the token"
    );

    let asked_wrongly = Command::new(environment::file(PROGRAM))
        .args(["doctor", "--token", "x"])
        .output()
        .await?;
    ensure!(asked_wrongly.status.code() == Some(2), "{asked_wrongly:?}");
    Ok(())
}

#[tokio::test]
async fn a_set_up_is_looked_through() -> anyhow::Result<()> {
    let application = Recorder::start().await?;
    let mut guard = Guard::configure(&application.url, &harness())?;
    let examined = async |guard: &Guard| {
        Report::read(&process::run(&mut guard.program(&["doctor", "--json"])).await?)
    };
    let report = examined(&guard).await?;
    ensure!(report.code == Some(1));
    report.says("problem", "store", "does not exist yet")?;
    report.says("note", "guard", "nothing answers")?;
    report.says("fine", "application", "can be reached")?;

    guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;
    let create = [
        "token",
        "create",
        "--account",
        ACCOUNT,
        "--principal",
        "svc-okta",
    ];
    guard
        .command(&create, &["--id", "soon", "--expires", "3d", "--operator"])
        .await?;
    let without = [
        "--account",
        ACCOUNT,
        "--id",
        "svc-okta",
        "--set",
        "core_user_view",
    ];
    guard
        .command(&["principal", "permissions"], &without)
        .await?;
    guard.start().await?;
    let report = examined(&guard).await?;
    ensure!(report.code == Some(1));
    report.says("fine", "guard", "it runs and is ready")?;
    report.says("problem", "initial import", ACCOUNT)?;
    report.says(
        "problem",
        "tokens",
        "soon of account ACC1 expires in 2 days",
    )?;
    report.says(
        "problem",
        "principals",
        "svc-okta of account ACC1 lacks core_user_invite",
    )?;

    report.says("note", "tokens", "soon of account ACC1 is an operator's")?;
    report.says("note", "tokens", "is okta's")?;
    report.says("fine", "store", "can be read and written")?;

    for empty in ["", " \n", "\u{feff}"] {
        guard.write("policy.json", empty)?;
        let report = examined(&guard).await?;
        ensure!(report.code == Some(1));
        report.says("problem", "policy", "is empty")?;
    }
    guard.write("policy.json", r#"{"version": 1, "prest": "harness"}"#)?;
    let report = examined(&guard).await?;
    report.says("problem", "policy", "/prest")?;
    guard.configure_also("backnd = 1\n")?;
    let report = examined(&guard).await?;
    report.says("problem", "configuration", "backnd")?;
    Ok(())
}

/// An application that answers everything alike.
async fn answering(
    status: u16,
    kind: &'static str,
    body: &'static str,
) -> anyhow::Result<(String, AbortOnDrop)> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let status = axum::http::StatusCode::from_u16(status)?;
    let answer = move || async move { (status, [("content-type", kind)], body) };
    let routes = axum::Router::new().fallback(answer);
    let server = tokio::spawn(async move {
        // Serving ends with the test, whose failure says more.
        let _ = axum::serve(listener, routes).await;
    });
    Ok((url, AbortOnDrop(server)))
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[tokio::test]
async fn an_application_without_scim_at_that_path_is_a_problem() -> anyhow::Result<()> {
    const HTML: &str = "<!doctype html><title>Sign in</title>";
    const SCIM: &str = r#"{"schemas":[],"totalResults":0,"Resources":[]}"#;
    for (status, kind, body, words) in [
        (200, "application/scim+json", SCIM, None),
        (404, "text/html", HTML, Some("404 Not Found, text/html")),
        (404, "application/json", "{}", Some("no SCIM at this path")),
        (200, "text/html", HTML, Some("200 OK, text/html")),
        (
            200,
            "application/json",
            r#"{"ok":true}"#,
            Some("expected a SCIM list"),
        ),
        (302, "text/html", "", Some("302 Found")),
        (500, "application/json", "{}", Some("500 Internal")),
    ] {
        let (application, _server) = answering(status, kind, body).await?;
        let mut guard = Guard::configure(&application, &harness())?;
        let token = guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;
        guard.start().await?;
        let output = process::run(&mut guard.program(&["doctor", "--json"])).await?;
        let set_up = Report::read(&output)?;
        let url = guard.url.clone();
        let tried = tried(&guard, &token, &["--url", &url, "--account", ACCOUNT]).await?;
        match words {
            Some(words) => {
                set_up.says("problem", "application", words)?;
                set_up.says(
                    "problem",
                    "application",
                    &format!("GET {application}{HARNESS_BASE}/Users"),
                )?;
                ensure!(tried.code == Some(1), "{status}: {:#?}", tried.findings);
                tried.says(
                    "problem",
                    "application",
                    &format!("GET {url}{HARNESS_BASE}/"),
                )?;
            }
            None => {
                set_up.says("fine", "application", "a SCIM list")?;
                ensure!(tried.code == Some(0), "{:#?}", tried.findings);
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn whose_a_token_is_is_asked_for_and_told() -> anyhow::Result<()> {
    let application = Recorder::start().await?;
    let mut policy = harness();
    policy["accounts"] = json!({"ACC2": {"provider": "entra"}});
    let mut guard = Guard::configure(&application.url, &policy)?;
    // Nobody is to wait for a policy of its own to be compiled.
    guard.configure_also("engine = \"native\"\n")?;
    let operators = guard.token(ACCOUNT, "svc-script", None).await?;
    let output = process::run(&mut guard.program(&["doctor", "--json"])).await?;
    Report::read(&output)?.says("problem", "tokens", "account ACC1 has no token of okta")?;

    let create = [
        "token",
        "create",
        "--account",
        ACCOUNT,
        "--principal",
        "svc-script",
    ];
    let until = ["--expires", "1d"];
    for (whose, words) in [
        (&[][..], "--provider"),
        (&["--provider", "otka"], "the policy knows entra, okta"),
        (&["--provider", "okta", "--operator"], "cannot be used with"),
    ] {
        let mut command = guard.program(&create);
        let output = process::run(command.args(until).args(whose)).await?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code() == Some(2), "{whose:?}: {output:?}");
        ensure!(said.contains(words) && output.stdout.is_empty(), "{said}");
    }
    let mut command = guard.program(&create);
    let output = process::run(command.args(until).args(["--provider", "entra"])).await?;
    ensure!(output.status.success(), "{output:?}");
    ensure!(String::from_utf8_lossy(&output.stderr).contains("okta is the provider"));
    let entras = String::from_utf8(output.stdout)?.trim().to_owned();
    guard.keep_secret(&entras);
    let oktas = guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;

    guard.start().await?;
    let url = guard.url.clone();
    for (token, verdict, words) in [
        (&operators, "problem", "of no identity provider"),
        (
            &entras,
            "problem",
            "it is entra's, and the provider of account ACC1 is okta",
        ),
        (&oktas, "fine", "it is okta's"),
    ] {
        let mut command = guard.program(&["doctor", "--json", "--token", token]);
        let output = process::run(command.args(["--url", &url, "--account", ACCOUNT])).await?;
        let report = Report::read(&output)?;
        report.says(verdict, "token", words)?;
        ensure!((report.code == Some(0)) == (verdict == "fine"));
    }
    Ok(())
}

#[tokio::test]
async fn issuers_and_permissions_of_a_set_up_are_tried() -> anyhow::Result<()> {
    const SIGNING: &str = "https://id.example.com";
    const ASKED: &str = "https://as.example.com";
    let application = Recorder::start().await?;
    // Of the three keys two are for something else.
    let server = Listed::by(|asked| match asked.path.as_str() {
        "/keys" => (
            200,
            json!({"keys": [
                {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
                {"kty": "OKP", "crv": "X25519", "kid": "for-encryption", "x": "CQ"},
                {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"},
            ]}),
        ),
        "/unfit" => (
            200,
            json!({"keys": [
                {"kty": "oct", "k": "c2hhcmVk"},
                {"kty": "RSA", "kid": "short", "n": "AQAB", "e": "AQAB"},
                {"kty": "RSA", "kid": "one", "n": "1".repeat(342), "e": "AQ"},
                {"kty": "OKP", "crv": "Ed25519", "kid": "small", "x": format!("AQ{}", "A".repeat(41))},
                {"kty": "EC", "crv": "P-256", "kid": "off", "x": "A".repeat(43), "y": "A".repeat(43)},
            ]}),
        ),
        "/introspect" => (200, json!({"active": false})),
        "/everybody" => (200, json!({"active": true})),
        "/permissions/everybody/scimguard-doctor/scimguard-doctor" => (200, json!([])),
        "/permissions/scimguard-doctor/scimguard-doctor" => (404, json!({})),
        _ => (401, json!({})),
    })
    .await?;
    let at = |path: &str| format!("{}{path}", server.url);
    let keys = |path: &str| {
        format!(
            "[[issuer]]\nissuer = {SIGNING:?}\njwks_url = {:?}\n",
            at(path)
        )
    };
    let asked = |accounts: &str, path: &str| {
        format!(
            "[[issuer]]\nissuer = {ASKED:?}\n{accounts}introspection_url = {:?}\n\
             client_id = \"scimguard\"\nclient_secret_file = \"client.secret\"\n",
            at(path)
        )
    };
    let permissions = |path: &str| {
        format!(
            "[permissions]\nurl = \"{}/{{account}}/{{principal}}\"\n",
            at(path)
        )
    };
    let signing = json!({"issuer": SIGNING, "audience": ["guard"], "account": ACCOUNT});
    let introspecting = json!({"issuer": ASKED, "kind": "introspection", "account": ACCOUNT});
    let named = [signing.clone(), introspecting.clone()];

    let examined = async |issuers: &[Value], lines: &[String]| {
        let mut policy = harness();
        policy["tokens"] = json!({"issuers": issuers});
        let guard = Guard::configure(&application.url, &policy)?;
        guard.write_secret("client.secret", "cl13nt-s3cret")?;
        guard.configure_also(&lines.concat())?;
        // It makes the store.
        let none = ["token", "list"];
        guard.told(&none).await?;
        let output = process::run(&mut guard.program(&["doctor", "--json"])).await?;
        for printed in [&output.stdout, &output.stderr] {
            ensure!(!String::from_utf8_lossy(printed).contains("cl13nt-s3cret"));
        }
        Report::read(&output)
    };

    let lines = [
        keys("/keys"),
        asked("", "/introspect"),
        permissions("/permissions"),
    ];
    let report = examined(&named, &lines).await?;
    let problems = report
        .findings
        .iter()
        .filter(|it| it["verdict"] == "problem");
    ensure!(problems.count() == 0, "{:#?}", report.findings);
    report.says("fine", "issuers", "can verify: 1; not used: 2")?;
    report.says("note", "issuers", "key \"for-encryption\": it is of a kind")?;
    report.says("note", "issuers", "key number 3: it is of a kind")?;
    report.says("fine", "issuers", "rejects a made-up token")?;
    report.says("fine", "permissions", "does not know")?;
    report.says("note", "tokens", "all come from issuers")?;

    let lines = [
        keys("/unfit"),
        asked("", "/everybody"),
        permissions("/permissions/everybody"),
    ];
    let report = examined(&named, &lines).await?;
    report.says("problem", "issuers", "no key that can verify")?;
    for fault in [
        "key number 1: it is a shared secret",
        "key \"short\": its modulus has 17 bits",
        "key \"one\": its ",
        "key \"small\": its point has a small order",
        "key \"off\": its point is not on its curve",
    ] {
        report.says("problem", "issuers", fault)?;
    }
    report.says("problem", "issuers", "accepts a made-up token")?;
    report.says("problem", "permissions", "for a made-up principal")?;

    let lines = [keys("/gone"), asked("", "/gone"), permissions("/gone")];
    let report = examined(&named, &lines).await?;
    report.says("problem", "issuers", "/gone answered 401")?;
    report.says("problem", "issuers", "as.example.com: ")?;
    report.says("problem", "permissions", "answered 401")?;

    // The policy and the configuration are not of one mind.
    let lines = [asked("accounts = [\"ACC9\"]\n", "/introspect")];
    let report = examined(&[signing], &lines).await?;
    report.says("problem", "issuers", "the configuration does not have it")?;
    report.says(
        "problem",
        "issuers",
        "as.example.com for ACC9, but the policy does not",
    )?;
    let mut wrong_kind = introspecting;
    wrong_kind["issuer"] = json!(SIGNING);
    let report = examined(&[wrong_kind], &[keys("/keys")]).await?;
    report.says("problem", "issuers", "but `jwks_url` in the configuration")?;

    let file = "[permissions]\nfile = \"gone.json\"\n".to_owned();
    let report = examined(&[], &[file]).await?;
    report.says("problem", "permissions", "gone.json")?;
    report.says("problem", "tokens", "no good token")?;
    Ok(())
}

#[tokio::test]
async fn the_facts_service_of_a_set_up_is_looked_at() -> anyhow::Result<()> {
    const GOOD: &str = "0123456789abcdef0123456789abcdef-edge";
    let application = Recorder::start().await?;
    let examined = async |more: &str, secrets: &[&str], start: bool| {
        let mut guard = Guard::configure(&application.url, &harness())?;
        for (secret, name) in secrets.iter().zip(["edge", "west"]) {
            guard.write_secret(&format!("{name}.secret"), secret)?;
        }
        let (own, key) = certificate(2100)?;
        guard.write("long.pem", &own)?;
        guard.write_secret("long.key", &key)?;
        let (own, key) = certificate(2001)?;
        guard.write("over.pem", &own)?;
        guard.write_secret("over.key", &key)?;
        let facts = process::free_address()?;
        guard.configure_also(&format!("[facts]\nlisten = \"{facts}\"\n{more}"))?;
        // It makes the store.
        guard.told(&["token", "list"]).await?;
        if start {
            guard.start().await?;
        }
        let output = process::run(&mut guard.program(&["doctor", "--json"])).await?;
        Report::read(&output)
    };
    let gateway = |name: &str| {
        format!("[[facts.gateway]]\nname = \"{name}\"\nsecret_file = \"{name}.secret\"\n")
    };
    let tls =
        |name: &str| format!("[facts.tls]\ncertificate = \"{name}.pem\"\nkey = \"{name}.key\"\n");

    let edge = gateway("edge");
    let report = examined(&edge, &[GOOD], true).await?;
    report.says("fine", "facts", "edge has a secret that can be read")?;
    report.says("fine", "facts", "it answers at 127.0.0.1")?;
    let encrypted = format!("{}{edge}", tls("long"));
    let report = examined(&encrypted, &[GOOD], true).await?;
    report.says("fine", "facts", "long.pem expires in ")?;
    report.says("fine", "facts", "accepts connections")?;

    let two = format!("{edge}{}", gateway("west"));
    let over = format!("{}{edge}", tls("over"));
    let mixed = format!("[facts.tls]\ncertificate = \"long.pem\"\nkey = \"over.key\"\n{edge}");
    for (lines, secrets, words) in [
        (&edge, &["short"][..], "fewer than 32 characters"),
        (&two, &[GOOD], "west.secret"),
        (&two, &[GOOD, GOOD], "has the secret of another"),
        (&over, &[GOOD], "over.pem expired "),
        (&mixed, &[GOOD], "long.pem"),
    ] {
        let report = examined(lines, secrets, false).await?;
        ensure!(report.code == Some(1), "{words}");
        report.says("problem", "facts", words)?;
        report.says("note", "facts", "nothing answers at 127.0.0.1")?;
    }
    Ok(())
}

/// A certificate that ends with the beginning of a year, with its key (PEM).
fn certificate(year: i32) -> anyhow::Result<(String, String)> {
    let key = rcgen::KeyPair::generate()?;
    let mut parameters = rcgen::CertificateParams::new(["facts.internal".to_owned()])?;
    parameters.not_after = rcgen::date_time_ymd(year, 1, 1);
    Ok((parameters.self_signed(&key)?.pem(), key.serialize_pem()))
}
