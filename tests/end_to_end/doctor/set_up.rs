//! What is wrong with a set-up: the application, issuers and permissions, the facts service.

use anyhow::{Context as _, ensure};
use scimguard_tests::fixtures::{ACCOUNT, GATEWAY_SECRET, HARNESS_BASE, facts_service, harness};
use scimguard_tests::guard::Guard;
use scimguard_tests::process;
use scimguard_tests::served::Served;
use serde_json::{Value, json};

use super::Report;
use crate::listed::Listed;
use crate::recorder::Recorder;

#[tokio::test]
async fn a_set_up_is_looked_through() -> anyhow::Result<()> {
    let application = Recorder::start().await?;
    let mut guard = Guard::configure(&application.url, &harness())?;
    let report = Report::of(&guard, "").await?;
    report.ended(1)?;
    report.says(&[
        ("problem", "store", "does not exist yet"),
        ("note", "guard", "nothing answers"),
        ("fine", "application", "can be reached"),
    ])?;

    guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;
    for line in [
        "token create --account ACC1 --principal svc-okta --id soon --expires 3d --operator",
        "principal create --account ACC1 --id svc-second --kind service-account --permissions all",
        "token create --account ACC1 --principal svc-second --id ending --expires 3d --provider okta",
        "principal permissions --account ACC1 --id svc-okta --set core_user_view",
    ] {
        guard.command(line).await?;
    }
    guard.start().await?;
    let report = Report::of(&guard, "").await?;
    report.ended(1)?;
    #[rustfmt::skip]
    report.says(&[
        ("fine", "guard", "it runs and is ready"),
        ("problem", "initial import", ACCOUNT),
        ("problem", "tokens", "ending of account ACC1 expires in "),
        ("note", "tokens", "soon of account ACC1, an operator's, expires in "),
        ("problem", "principals", "svc-okta of account ACC1 lacks core_user_invite"),
        ("note", "tokens", "soon of account ACC1 is an operator's"),
        ("note", "tokens", "is okta's"),
        ("fine", "store", "can be read and written"),
    ])?;

    for empty in ["", " \n", "\u{feff}"] {
        guard.write("policy.json", empty)?;
        let report = Report::of(&guard, "").await?;
        report.ended(1)?;
        report.says(&[("problem", "policy", "is empty")])?;
    }
    guard.write("policy.json", r#"{"version": 1, "prest": "harness"}"#)?;
    let report = Report::of(&guard, "").await?;
    report.says(&[("problem", "policy", "/prest")])?;
    guard.configure_also("backnd = 1\n")?;
    let report = Report::of(&guard, "").await?;
    report.says(&[("problem", "configuration", "backnd")])
}

/// An application that answers everything alike.
async fn answering(status: u16, kind: &'static str, body: &'static str) -> anyhow::Result<Served> {
    let status = axum::http::StatusCode::from_u16(status)?;
    let answer = move || async move { (status, [("content-type", kind)], body) };
    Served::start(axum::Router::new().fallback(answer)).await
}

#[tokio::test]
async fn an_application_without_scim_at_that_path_is_a_problem() -> anyhow::Result<()> {
    const HTML: &str = "<!doctype html><title>Sign in</title>";
    const SCIM: &str = r#"{"schemas":[],"totalResults":0,"Resources":[]}"#;
    #[rustfmt::skip]
    let applications = [
        (200, "application/scim+json", SCIM, None),
        (404, "text/html", HTML, Some("404 Not Found, text/html")),
        (404, "application/json", "{}", Some("no SCIM at this path")),
        (200, "text/html", HTML, Some("200 OK, text/html")),
        (200, "application/json", r#"{"ok":true}"#, Some("expected a SCIM list")),
        (302, "text/html", "", Some("302 Found")),
        (500, "application/json", "{}", Some("500 Internal")),
    ];
    for (status, kind, body, words) in applications {
        let application = answering(status, kind, body).await?;
        let mut guard = Guard::configure(&application.url, &harness())?;
        let token = guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;
        guard.start().await?;
        let set_up = Report::of(&guard, "").await?;
        let place = format!("--url {} --account {ACCOUNT}", guard.url);
        let tried = Report::on(&guard, &token, &place).await?;
        let Some(words) = words else {
            set_up.says(&[("fine", "application", "a SCIM list")])?;
            tried.ended(0)?;
            continue;
        };
        let asked = |url: &str, path: &str| format!("GET {url}{HARNESS_BASE}/{path}");
        set_up.says(&[
            ("problem", "application", words),
            ("problem", "application", &asked(&application.url, "Users")),
        ])?;
        tried.ended(1)?;
        tried.says(&[("problem", "application", &asked(&guard.url, ""))])?;
        if (status, kind) == (200, "text/html") {
            let answered = format!("\"answer\":\"{}", asked(&application.url, ""));
            let look = async || {
                let log = guard.logged();
                Ok((log.contains(&answered) && log.contains(words)).then_some(()))
            };
            guard.until("the log has the answer", look).await?;
        }
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
    let all = |keyed: &str, introspected: &str, permitted: &str| {
        [keys(keyed), asked("", introspected), permissions(permitted)]
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
        guard.tokens().await?;
        let output = process::run(&mut guard.program("doctor --json")).await?;
        for printed in [&output.stdout, &output.stderr] {
            ensure!(!String::from_utf8_lossy(printed).contains("cl13nt-s3cret"));
        }
        Report::read(&output)
    };

    let lines = all("/keys", "/introspect", "/permissions");
    let report = examined(&named, &lines).await?;
    let problem = report.findings.iter().find(|it| it["verdict"] == "problem");
    ensure!(problem.is_none(), "{:#?}", report.findings);
    report.says(&[
        ("fine", "issuers", "can verify: 1; not used: 2"),
        ("note", "issuers", "key \"for-encryption\": it is of a kind"),
        ("note", "issuers", "key number 3: it is of a kind"),
        ("fine", "issuers", "rejects a made-up token"),
        ("fine", "permissions", "does not know"),
        ("note", "tokens", "all come from issuers"),
    ])?;

    let lines = all("/unfit", "/everybody", "/permissions/everybody");
    #[rustfmt::skip]
    examined(&named, &lines).await?.says(&[
        ("problem", "issuers", "no key that can verify"),
        ("problem", "issuers", "key number 1: it is a shared secret"),
        ("problem", "issuers", "key \"short\": its modulus has 17 bits"),
        ("problem", "issuers", "key \"one\": its "),
        ("problem", "issuers", "key \"small\": its point has a small order"),
        ("problem", "issuers", "key \"off\": its point is not on its curve"),
        ("problem", "issuers", "accepts a made-up token"),
        ("problem", "permissions", "for a made-up principal"),
    ])?;

    let lines = all("/gone", "/gone", "/gone");
    examined(&named, &lines).await?.says(&[
        ("problem", "issuers", "/gone answered 401"),
        ("problem", "issuers", "as.example.com: "),
        ("problem", "permissions", "answered 401"),
    ])?;

    // The policy and the configuration disagree.
    let lines = [asked("accounts = [\"ACC9\"]\n", "/introspect")];
    let unnamed = "as.example.com for ACC9, but the policy does not";
    examined(&[signing], &lines).await?.says(&[
        ("problem", "issuers", "the configuration does not have it"),
        ("problem", "issuers", unnamed),
    ])?;
    let mut wrong_kind = introspecting;
    wrong_kind["issuer"] = json!(SIGNING);
    let report = examined(&[wrong_kind], &[keys("/keys")]).await?;
    report.says(&[("problem", "issuers", "but `jwks_url` in the configuration")])?;

    let file = "[permissions]\nfile = \"gone.json\"\n".to_owned();
    examined(&[], &[file]).await?.says(&[
        ("problem", "permissions", "gone.json"),
        ("problem", "tokens", "no good token"),
    ])
}

#[tokio::test]
async fn the_facts_service_of_a_set_up_is_looked_at() -> anyhow::Result<()> {
    let application = Recorder::start().await?;
    let examined = async |tls: &str, gateways: &str, secrets: &[&str], start: bool| {
        let mut guard = Guard::configure(&application.url, &harness())?;
        for (secret, name) in secrets.iter().zip(["edge", "west"]) {
            guard.write_secret(&format!("{name}.secret"), secret)?;
        }
        for (name, year) in [("long", 2100), ("over", 2001)] {
            let (own, key) = certificate(year)?;
            guard.write(&format!("{name}.pem"), &own)?;
            guard.write_secret(&format!("{name}.key"), &key)?;
        }
        let edge = facts_service(process::free_address()?, tls);
        guard.configure_also(&format!("{edge}{gateways}"))?;
        // It makes the store.
        guard.tokens().await?;
        if start {
            guard.start().await?;
        }
        Report::of(&guard, "").await
    };
    let west = "[[facts.gateway]]\nname = \"west\"\nsecret_file = \"west.secret\"\n";
    let tls = |certificate: &str, key: &str| {
        format!("[facts.tls]\ncertificate = \"{certificate}.pem\"\nkey = \"{key}.key\"\n")
    };

    let good = [GATEWAY_SECRET];
    examined("", "", &good, true).await?.says(&[
        ("fine", "facts", "edge has a secret that can be read"),
        ("fine", "facts", "it answers at 127.0.0.1"),
    ])?;
    let report = examined(&tls("long", "long"), "", &good, true).await?;
    report.says(&[
        ("fine", "certificates", "long.pem expires in "),
        ("fine", "facts", "accepts connections"),
    ])?;

    let (over, mixed) = (tls("over", "over"), tls("long", "over"));
    let twice = [GATEWAY_SECRET; 2];
    for (tls, gateways, secrets, about, words) in [
        ("", "", &["short"][..], "facts", "fewer than 32 characters"),
        ("", west, &good, "facts", "west.secret"),
        ("", west, &twice, "facts", "has the secret of another"),
        (&over, "", &good, "certificates", "over.pem expired "),
        (&mixed, "", &good, "certificates", "long.pem"),
    ] {
        let report = examined(tls, gateways, secrets, false).await?;
        report.ended(1).context(words)?;
        report.says(&[
            ("problem", about, words),
            ("note", "facts", "nothing answers at 127.0.0.1"),
        ])?;
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
