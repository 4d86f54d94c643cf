//! Tokens of an OpenID provider: signed ones, which the guard checks with the provider's keys, and
//! opaque ones, which it asks the provider about. Whose rights they have, a document or a service
//! tells.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use http_body_util::BodyExt as _;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use scimguard_tests::client::Client;
use scimguard_tests::fixtures::{ACCOUNT, HARNESS_BASE, PERMISSIONS, harness};
use scimguard_tests::guard::Guard;
use scimguard_tests::okta::{Okta, scim_client};
use scimguard_tests::process::{Server, free_address};
use scimguard_tests::served::{Served, forward};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::listed::Listed;
use crate::recorder::USERS;

/// How long a change may take to be seen.
const LIMIT: Duration = Duration::from_secs(20);

/// What the tokens are for.
const AUDIENCE: &str = "https://guard.example.com";

/// The secret of the provider's clients: it has what a form has to encode.
const CLIENT_SECRET: &str = "n0t:4 l0g+%";

/// A provider that can be stopped and started again, with other keys.
struct Provider {
    address: SocketAddr,
    server: Option<Server>,
}

impl Provider {
    async fn start() -> anyhow::Result<Self> {
        let mut provider = Self {
            address: free_address()?,
            server: None,
        };
        provider.restart().await?;
        Ok(provider)
    }

    async fn restart(&mut self) -> anyhow::Result<()> {
        self.stop().await?;
        self.server = Some(Server::openid(self.address, CLIENT_SECRET).await?);
        Ok(())
    }

    async fn stop(&mut self) -> anyhow::Result<()> {
        match self.server.take() {
            Some(server) => server.stop().await,
            None => Ok(()),
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A token of the client `svc-okta`, for a resource of this audience.
    async fn token(&self, audience: &str, how: &str) -> anyhow::Result<String> {
        let resource = format!("{audience}/?{how}");
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", "scim"),
            ("resource", &resource),
        ];
        let answer = self.post("/token", &form).await?;
        let token = answer["access_token"].as_str();
        Ok(token.with_context(|| answer.to_string())?.to_owned())
    }

    async fn revoke(&self, token: &str) -> anyhow::Result<()> {
        self.post("/token/revocation", &[("token", token)])
            .await
            .map(drop)
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> anyhow::Result<Value> {
        let credentials = [("client_id", "svc-okta"), ("client_secret", CLIENT_SECRET)];
        let form: Vec<String> = form
            .iter()
            .chain(&credentials)
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
            .collect();
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form.join("&")))?;
        let url = self.url();
        let answer = tokio::time::timeout(LIMIT, forward(&url, request)).await??;
        ensure!(answer.status().is_success(), "{path}: {}", answer.status());
        let bytes = answer.into_body().collect().await?.to_bytes();
        Ok(serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }
}

/// The preset's policy, with the provider as the issuer of Okta's tokens.
fn policy(provider: &Provider, kind: &str) -> Value {
    let mut policy = harness();
    policy["tokens"] = json!({"issuers": [{
        "issuer": provider.url(),
        "kind": kind,
        "audience": [AUDIENCE],
        "account": ACCOUNT,
        "provider": "okta",
        "clock_skew_seconds": 0,
        "claims": {"principal": "/client_id"},
    }]});
    policy
}

fn document(active: bool, permissions: &[&str]) -> String {
    json!({ACCOUNT: {"svc-okta": {"active": active, "permissions": permissions}}}).to_string()
}

/// Reads until the guard refuses, and returns by which rule.
async fn until_refused(client: &Client) -> anyhow::Result<String> {
    let until = Instant::now() + LIMIT;
    while Instant::now() < until {
        if let Some(rule) = client.get(USERS).await?.rule {
            return Ok(rule);
        }
        sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("nothing was refused")
}

/// Reads until the guard allows it.
async fn until_let_in(client: &Client) -> anyhow::Result<()> {
    let until = Instant::now() + LIMIT;
    while client.get(USERS).await?.status != 200 {
        ensure!(Instant::now() < until, "nothing was let in");
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// A client with a token from elsewhere, which the guard must not show.
fn with(guard: &Guard, token: &str) -> Client {
    guard.keep_secret(token);
    guard.scim(HARNESS_BASE, token)
}

/// The same for the other account.
fn elsewhere(guard: &Guard, token: &str) -> Client {
    guard.scim(&HARNESS_BASE.replace(ACCOUNT, "ACC2"), token)
}

/// A provider with this token works.
async fn okta_works(guard: &Guard, token: &str, application: &Server) -> anyhow::Result<()> {
    let okta = Okta {
        scim: with(guard, token),
        backend: Client::new(format!("{}{HARNESS_BASE}", application.url)),
    };
    okta.test_connection().await?;
    okta.create_user("ann", "Ann", "Lee").await.map(drop)
}

#[tokio::test]
async fn signed_tokens_are_checked_with_the_providers_keys_wherever_the_provider_is()
-> anyhow::Result<()> {
    let application = Server::example_application().await?;
    let mut provider = Provider::start().await?;
    let mut guard = Guard::configure(&application.url, &policy(&provider, "jwt"))?;
    guard.write("permissions.json", &document(true, &PERMISSIONS))?;
    guard.configure_also(&format!(
        "[[issuer]]\nissuer = {0:?}\naccounts = [{ACCOUNT:?}]\njwks_url = \"{0}/jwks\"\n\
         [permissions]\nfile = \"permissions.json\"\n",
        provider.url()
    ))?;
    guard.start().await?;
    let with = |token: &str| with(&guard, token);
    let read = async |token: &str| with(token).get(USERS).await;

    for algorithm in ["RS256", "PS256", "ES256", "EdDSA"] {
        let how = format!("alg={algorithm}");
        let token = provider.token(AUDIENCE, &how).await?;
        read(&token).await?.status(200)?;
    }
    let token = provider.token(AUDIENCE, "alg=ES256").await?;
    okta_works(&guard, &token, &application).await?;

    // Tokens with another signature, for another audience, or expired.
    let (message, signature) = token.rsplit_once('.').context("no signature")?;
    let other = provider.token(AUDIENCE, "alg=ES256").await?;
    let other_signature = other.rsplit('.').next().unwrap_or_default();
    ensure!(signature != other_signature, "{signature}");
    let foreign = "https://other.example.com";
    let foreign = provider.token(foreign, "alg=ES256").await?;
    for wrong in [format!("{message}.{other_signature}"), foreign] {
        read(&wrong).await?.refused("token.unknown")?;
    }
    let short = provider.token(AUDIENCE, "alg=ES256&ttl=1").await?;
    sleep(Duration::from_millis(1100)).await;
    read(&short).await?.refused("token.expired")?;
    // The issuer does not vouch for the other account.
    let other_account = elsewhere(&guard, &token).get("/Users").await?;
    other_account.refused("token.unknown")?;

    // The guard's own token can name a principal of the document.
    let create = "token create --operator --expires 1d --account ACC1 --principal svc-okta";
    let own = guard.command(create).await?;
    read(&own).await?.status(200)?;

    // The provider has new keys, which the guard has never seen.
    provider.restart().await?;
    let rotated = provider.token(AUDIENCE, "alg=ES256").await?;
    read(&rotated).await?.status(200)?;
    read(&token).await?.refused("token.unknown")?;

    // The provider is gone: its keys are known.
    provider.stop().await?;
    read(&rotated).await?.status(200)?;

    // The rights are those of now.
    let lacking = &PERMISSIONS[..4];
    for (text, rule) in [
        (document(true, lacking), "token.insufficient-permission"),
        (document(false, &PERMISSIONS), "token.inactive-principal"),
        ("{".to_owned(), "facts.unavailable"),
    ] {
        guard.write("permissions.json", &document(true, &PERMISSIONS))?;
        until_let_in(&with(&rotated)).await?;
        guard.write("permissions.json", &text)?;
        ensure!(until_refused(&with(&rotated)).await? == rule, "{rule}");
    }
    guard.kill().await
}

#[tokio::test]
async fn the_provider_is_asked_about_opaque_tokens_and_nothing_passes_while_it_is_silent()
-> anyhow::Result<()> {
    let application = Server::example_application().await?;
    let mut provider = Provider::start().await?;
    let permissions = Arc::new(Mutex::new((200, json!(PERMISSIONS))));
    let told = Arc::clone(&permissions);
    let service =
        Listed::by(move |_| told.lock().unwrap_or_else(PoisonError::into_inner).clone()).await?;
    let mut guard = Guard::configure(&application.url, &policy(&provider, "introspection"))?;
    guard.write_secret("client.secret", CLIENT_SECRET)?;
    guard.write_secret("service.token", "t3ll-me")?;
    guard.configure_also(&format!(
        "[[issuer]]\nissuer = {0:?}\nintrospection_url = \"{0}/token/introspection\"\n\
         client_id = \"scimguard\"\nclient_secret_file = \"client.secret\"\n\
         introspection_cache = \"1s\"\nintrospection_negative_cache = \"1s\"\n\
         [permissions]\nurl = \"{1}/accounts/{{account}}/principals/{{principal}}\"\ncache = \"1s\"\n\
         [permissions.credential]\nfile = \"service.token\"\n",
        provider.url(),
        service.url
    ))?;
    guard.start().await?;
    let with = |token: &str| with(&guard, token);

    let token = provider.token(AUDIENCE, "").await?;
    okta_works(&guard, &token, &application).await?;
    let asked = service.seen();
    let (path, credential) = asked.first().context("the service was not asked")?;
    ensure!(path == "/accounts/ACC1/principals/svc-okta", "{path}");
    ensure!(credential.as_deref() == Some("Bearer t3ll-me"));
    let foreign = provider.token("https://other.example.com", "").await?;
    for unknown in [foreign.as_str(), "made-up"] {
        let read = guard.scim(HARNESS_BASE, unknown).get("/Users").await?;
        read.refused("token.unknown")?;
    }
    // The issuer vouches for everybody's tokens, and this one is not for that account.
    let other_account = elsewhere(&guard, &token).get("/Users").await?;
    other_account.refused("token.wrong-account")?;

    let tell = |status, body| {
        *permissions.lock().unwrap_or_else(PoisonError::into_inner) = (status, body);
    };
    let lacking = json!(PERMISSIONS[1..]);
    for (status, body, rule) in [
        (404, Value::Null, "token.inactive-principal"),
        (200, lacking, "token.insufficient-permission"),
        (500, Value::Null, "facts.unavailable"),
    ] {
        tell(status, body);
        ensure!(until_refused(&with(&token)).await? == rule, "{rule}");
        tell(200, json!(PERMISSIONS));
        until_let_in(&with(&token)).await?;
    }

    provider.revoke(&token).await?;
    ensure!(until_refused(&with(&token)).await? == "token.unknown");

    let second = provider.token(AUDIENCE, "").await?;
    until_let_in(&with(&second)).await?;
    provider.stop().await?;
    ensure!(until_refused(&with(&second)).await? == "facts.unavailable");
    let silent = with(&second).get("/Users").await?.status(503)?;
    ensure!(
        silent.headers.contains_key(header::RETRY_AFTER),
        "{silent:?}"
    );
    guard.kill().await
}

/// A slow issuer of opaque tokens, which knows one.
async fn slow_issuer(token: &'static str, claims: Value) -> anyhow::Result<Served> {
    let answer = async move |form: String| {
        sleep(Duration::from_millis(300)).await;
        match form.contains(&format!("token={token}&")) {
            true => claims.to_string(),
            false => json!({"active": false}).to_string(),
        }
    };
    let routes = axum::Router::new().route("/introspect", axum::routing::post(answer));
    Served::start(routes).await
}

#[tokio::test]
async fn a_token_in_use_is_answered_beside_clients_that_make_tokens_up_and_a_bound_one_is_refused()
-> anyhow::Result<()> {
    const KNOWN: &str = "okta-s-token-in-use";
    let application = Server::example_application().await?;
    let claims = json!({"active": true, "sub": "svc-okta", "exp": 4_102_444_800_u64});
    let issuer = slow_issuer(KNOWN, claims).await?;
    let bound = json!({"active": true, "sub": "svc-okta", "cnf": {"x5t#S256": "x"}});
    let bound = slow_issuer("bound-token", bound).await?;
    let mut policy = harness();
    policy["tokens"]["issuers"] = ["as", "bound"]
        .map(|name| {
            let issuer = format!("https://{name}.example.com");
            json!({"issuer": issuer, "kind": "introspection", "account": ACCOUNT, "provider": "okta"})
        })
        .into();
    let mut guard = Guard::configure(&application.url, &policy)?;
    guard.write("permissions.json", &document(true, &PERMISSIONS))?;
    guard.write_secret("client.secret", CLIENT_SECRET)?;
    let table = |name: &str, url: &str| {
        format!(
            "[[issuer]]\nissuer = \"https://{name}.example.com\"\nintrospection_url = \"{url}/introspect\"\n\
             client_id = \"scimguard\"\nclient_secret_file = \"client.secret\"\n\
             introspection_cache = \"100ms\"\n"
        )
    };
    guard.configure_also(&format!(
        "{}{}[permissions]\nfile = \"permissions.json\"\n",
        table("as", &issuer.url),
        table("bound", &bound.url)
    ))?;
    guard.start().await?;
    let base = format!("{}{HARNESS_BASE}", guard.url);
    let bound = guard.scim(HARNESS_BASE, "bound-token");
    bound.get("/Users").await?.refused("token.unknown")?;
    let okta = with(&guard, KNOWN);
    let read = async || okta.get(USERS).await?.status(200);
    read().await?;

    let over = Arc::new(AtomicBool::new(false));
    let mut attackers = tokio::task::JoinSet::new();
    for attacker in 0..100 {
        let (base, over) = (base.clone(), Arc::clone(&over));
        attackers.spawn(async move {
            let mut rules = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let token = format!("made-up-{attacker}-{}", rules.len());
                let answer = scim_client(&base, &token).get("/Users").await?;
                let rule = answer.rule.clone().unwrap_or_default();
                if answer.status == 503 || answer.status == 429 {
                    ensure!(
                        answer.headers.contains_key(header::RETRY_AFTER),
                        "{answer:?}"
                    );
                }
                rules.push(rule);
            }
            anyhow::Ok(rules)
        });
    }
    // The issuer's answer has expired at each request.
    for _ in 0..10 {
        read().await?;
        sleep(Duration::from_millis(150)).await;
    }
    over.store(true, Ordering::Relaxed);
    let mut seen = BTreeSet::new();
    while let Some(rules) = attackers.join_next().await {
        seen.extend(rules??);
    }
    for rule in &seen {
        let expected = ["token.unknown", "rate.limited", "facts.unavailable"];
        ensure!(expected.contains(&rule.as_str()), "{seen:?}");
    }
    ensure!(seen.contains("rate.limited"), "{seen:?}");
    guard.kill().await
}
