//! The examples of plugin/envoy/examples: the resources are as their definitions say, and what the products
//! make of them works in a real Envoy, in front of an application and beside a facts service.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use scimguard_tests::client::Client;
use scimguard_tests::environment::{self, FILTER, NODE_MODULES, WEB_MODULES};
use scimguard_tests::envoy::Running;
use scimguard_tests::fixtures::{
    ACCOUNT, GATEWAY_SECRET, HARNESS_BASE, USER, facts_service, harness, in_account,
};
use scimguard_tests::guard::Guard;
use scimguard_tests::process::{self, Server};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::mesh::{self, Place};

/// The name of the facts service in the examples.
const FACTS: &str = "scimguard-facts.scimguard.svc.cluster.local";

/// How long Envoy may take to see a change.
const LIMIT: Duration = Duration::from_secs(20);

/// A file of resources.
#[derive(Deserialize)]
struct Resources {
    resources: Vec<Value>,
    /// What is wrong with them.
    faults: Vec<String>,
}

/// An application, and a facts service beside it, as an example expects them.
struct TestBed {
    application: Server,
    guard: Guard,
    token: String,
    /// Where Envoy runs.
    folder: TempDir,
    place: Place,
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .with_file_name("plugin/envoy/examples")
        .join(name)
}

async fn read(files: &[PathBuf]) -> anyhow::Result<BTreeMap<PathBuf, Resources>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/resources.mjs");
    let mut command = Command::new("node");
    command
        .arg(script)
        .args(files)
        .env(NODE_MODULES, environment::file(NODE_MODULES))
        .env(WEB_MODULES, environment::file(WEB_MODULES));
    Ok(serde_json::from_str(&process::output(&mut command).await?)?)
}

#[tokio::test]
async fn resources_are_as_their_definitions_say() -> anyhow::Result<()> {
    let folder = TempDir::with_prefix("scimguard-examples-")?;
    #[rustfmt::skip]
    let faulty = [
        ("envoy-gateway.yaml", "failOpen:", "failOpens:", "failOpens"),
        ("envoy-gateway.yaml", "type: HTTP\n", "type: FTP\n", "code/type"),
        ("envoy-gateway.yaml", "bufferLimit:", "buffer:", "\"buffer\""),
        ("envoy-gateway.yaml", "connectionLimit:", "connections:", "connections"),
        ("envoy-gateway.yaml", "limits: {memory", "limit: {memory", "limit"),
        ("envoy-gateway.yaml", "jsonPath:", "jsonpath:", "jsonpath"),
        ("envoy-gateway.yaml", "op: add", "op: put", "operation/op"),
        ("envoy-gateway.yaml", "volumeMounts:", "mounts:", "mounts"),
        ("envoy-gateway.yaml", "timeouts:", "timeout:", "\"timeout\""),
        ("istio.yaml", "retries:", "retry:", "\"retry\""),
        ("istio.yaml", "mode: STRICT", "mode: ON", "mtls/mode"),
        ("istio.yaml", "operation: MERGE", "operation: MIX", "patch/operation"),
        ("istio.yaml", "workloadSelector:", "selector:", "\"selector\""),
        ("istio.yaml", "kind: EnvoyFilter", "kind: Filter", "no kind Filter"),
    ];
    let mut files = vec![example("envoy-gateway.yaml"), example("istio.yaml")];
    let mut expected = BTreeMap::new();
    for (number, (name, right, wrong, told)) in faulty.into_iter().enumerate() {
        let text = fs::read_to_string(example(name))?;
        ensure!(text.contains(right), "{name} has no {right}");
        let file = folder.path().join(format!("{number}.yaml"));
        fs::write(&file, text.replacen(right, wrong, 1))?;
        expected.insert(file.clone(), told);
        files.push(file);
    }
    for (file, Resources { faults, .. }) in read(&files).await? {
        match expected.get(&file) {
            None => ensure!(faults.is_empty(), "{}: {faults:#?}", file.display()),
            Some(told) => ensure!(
                faults.iter().any(|fault| fault.contains(told)),
                "{told:?} is not told of: {faults:#?}"
            ),
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_plain_example_works() -> anyhow::Result<()> {
    let bed = TestBed::new(None).await?;
    let folder = bed.folder.path();
    fs::write(
        folder.join("gateway.secret"),
        format!("Bearer {GATEWAY_SECRET}"),
    )?;
    symlink(
        environment::file(FILTER),
        folder.join("scimguard-envoy.wasm"),
    )?;
    let mut text = fs::read_to_string(example("envoy.yaml"))?;
    let Place {
        application, facts, ..
    } = bed.place;
    for (written, real) in [
        (
            "0.0.0.0, port_value: 8080",
            "127.0.0.1, port_value: 0".to_owned(),
        ),
        ("port_value: 9901", "port_value: 0".to_owned()),
        (
            "port_value: 9000",
            format!("port_value: {}", application.port()),
        ),
        ("port_value: 8082", format!("port_value: {}", facts.port())),
    ] {
        ensure!(text.matches(written).count() == 1, "{written}");
        text = text.replace(written, &real);
    }
    bed.works(&text).await
}

#[tokio::test]
async fn what_envoy_gateway_makes_of_its_example_works() -> anyhow::Result<()> {
    let bed = TestBed::new(Some(FACTS)).await?;
    let resources = resources("envoy-gateway.yaml", &bed.place.secrets).await?;
    let document = mesh::envoy_gateway(&resources, &bed.place)?;
    bed.works(&document.to_string()).await
}

/// Kubernetes puts another version of a Secret in the place of the one before by a link.
#[tokio::test]
async fn a_secret_that_changes_is_read_again() -> anyhow::Result<()> {
    let bed = TestBed::new(None).await?;
    let secrets = &bed.place.secrets;
    let resources = resources("istio.yaml", secrets).await?;
    let file = secrets.join("gateway.yaml");
    let good = fs::read_to_string(&file)?;
    fs::remove_file(&file)?;
    let put = |version: &str, text: &str| -> anyhow::Result<()> {
        fs::create_dir(secrets.join(version))?;
        fs::write(secrets.join(version).join("gateway.yaml"), text)?;
        symlink(version, secrets.join("..new"))?;
        Ok(fs::rename(secrets.join("..new"), secrets.join("..data"))?)
    };
    put(
        "..1",
        &good.replace(GATEWAY_SECRET, "of-another-gateway-0123456789abcdef"),
    )?;
    symlink("..data/gateway.yaml", &file)?;
    let document = mesh::istio(&resources, &bed.place)?.to_string();
    let envoy = start(bed.folder.path(), &document).await?;
    let okta = okta(&envoy.url().await?, &bed.token);
    okta.get("/Users").await?.refused("facts.unavailable")?;
    put("..2", &good)?;
    let begun = Instant::now();
    while okta.get("/Users").await?.status != 200 {
        ensure!(begun.elapsed() < LIMIT, "{}", envoy.logged());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bed.application.stop().await
}

/// Envoy ends a request in its own words while the filter waits: the client gets all of them.
#[tokio::test]
async fn what_envoy_gives_up_while_the_filter_waits_is_refused_with_its_rule() -> anyhow::Result<()>
{
    let folder = TempDir::with_prefix("scimguard-examples-")?;
    fs::write(folder.path().join("ca.pem"), certificate(FACTS)?.0)?;
    let resources = resources("envoy-gateway.yaml", folder.path()).await?;
    // It takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let place = Place {
        application: silent.local_addr()?,
        facts: silent.local_addr()?,
        secrets: folder.path().to_owned(),
    };
    let mut document = mesh::envoy_gateway(&resources, &place)?;
    let manager = "/static_resources/listeners/0/filter_chains/0/filters/1/typed_config";
    let manager = document.pointer_mut(manager).context("no manager")?;
    manager["stream_idle_timeout"] = json!("1s");
    let here = TempDir::with_prefix("scimguard-examples-")?;
    let envoy = start(here.path(), &document.to_string()).await?;
    let okta = okta(&envoy.url().await?, "pat.ACC1.t1.s3cret");
    let answer = okta.post("/Users", &user()).await;
    answer
        .and_then(|answer| answer.status(503))
        .and_then(|answer| answer.refused("facts.unavailable"))
        .with_context(|| envoy.logged())?;
    Ok(())
}

#[tokio::test]
async fn what_istio_makes_of_its_example_works() -> anyhow::Result<()> {
    let bed = TestBed::new(None).await?;
    let resources = resources("istio.yaml", &bed.place.secrets).await?;
    let document = mesh::istio(&resources, &bed.place)?;
    bed.works(&document.to_string()).await
}

// === impl TestBed ===

impl TestBed {
    /// With a certificate for a name, the facts service speaks TLS.
    async fn new(certified: Option<&str>) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("scimguard-examples-")?;
        let secrets = folder.path().join("secrets");
        fs::create_dir(&secrets)?;
        let application = Server::example_application().await?;
        let mut guard = Guard::configure(&application.url, &harness())?;
        let facts = process::free_address()?;
        let mut tls = String::new();
        if let Some(name) = certified {
            let (authority, certificate, key) = certificate(name)?;
            fs::write(secrets.join("ca.pem"), authority)?;
            guard.write("facts.pem", &certificate)?;
            guard.write_secret("facts.key", &key)?;
            tls.push_str("[facts.tls]\ncertificate = \"facts.pem\"\nkey = \"facts.key\"\n");
        }
        guard.configure_also(&facts_service(facts, &tls))?;
        guard.write_secret("edge.secret", GATEWAY_SECRET)?;
        let token = guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;
        guard.start_as("facts").await?;
        let address = application.url.trim_start_matches("http://").parse()?;
        let place = Place {
            application: address,
            facts,
            secrets,
        };
        Ok(Self {
            application,
            guard,
            token,
            folder,
            place,
        })
    }

    /// A provider's requests go through, and an administrator's edit of what is the provider's does not.
    async fn works(self, configuration: &str) -> anyhow::Result<()> {
        let envoy = start(self.folder.path(), configuration).await?;
        let url = envoy.url().await?;
        for (part, at_most) in [
            ("envoy.resource_monitors.fixed_heap.pressure", 100),
            ("envoy.overload_actions.stop_accepting_requests.active", 0),
        ] {
            let limits = envoy.stats(&format!("overload.{part}")).await?;
            let value = limits.first().and_then(|it| it["value"].as_u64());
            ensure!(value.is_some_and(|it| it <= at_most), "{part}: {limits:?}");
        }
        let okta = okta(&url, &self.token);
        let administrator = Client::new(&url).with("content-type", "application/json");
        let pushed = async {
            let id = okta.post("/Users", &user()).await?.status(201)?.id()?;
            let group = json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
                "displayName": "web-team",
                "members": [{"value": id, "display": "ann@example.com"}],
            });
            let id = okta.post("/Groups", &group).await?.status(201)?.id()?;
            let renamed = json!({"identifier": id, "name": "ours", "users": []});
            let groups = in_account("/gateway/ng/api/user-groups");
            let edited = administrator.put(&groups, &renamed).await?;
            edited.refused("okta-only.group-rename")
        };
        let log = || format!("{}\n{}", envoy.logged(), self.guard.logged());
        pushed.await.with_context(log)?;
        self.application.stop().await
    }
}

/// What comes from files is as strict as what is in the configuration itself.
async fn start(folder: &Path, configuration: &str) -> anyhow::Result<Running> {
    let arguments = ["--concurrency", "1", "--reject-unknown-dynamic-fields"];
    Running::start(folder, configuration, &arguments).await
}

/// The resources of an example; the file that Envoy reads the secret from is written here.
async fn resources(name: &str, secrets: &Path) -> anyhow::Result<Vec<Value>> {
    let file = example(name);
    let read = read(std::slice::from_ref(&file)).await?.remove(&file);
    let resources = read.context("nothing was read")?.resources;
    let secret = mesh::resource(&resources, "Secret")?;
    let text = secret["stringData"]["gateway.yaml"].as_str();
    let text = text
        .context("no gateway.yaml")?
        .replace("SECRET", GATEWAY_SECRET);
    fs::write(secrets.join("gateway.yaml"), text)?;
    Ok(resources)
}

/// A provider, by way of Envoy.
fn okta(url: &str, token: &str) -> Client {
    Client::new(format!("{url}{HARNESS_BASE}"))
        .with("content-type", "application/scim+json")
        .with("authorization", format!("Bearer {token}"))
}

/// Larger than what Envoy Gateway lets a connection buffer by itself.
fn user() -> Value {
    json!({
        "schemas": [USER],
        "userName": "ann@example.com",
        "name": {"givenName": "Ann", "familyName": "Lee"},
        "emails": [{"primary": true, "value": "ann@example.com", "type": "work"}],
        "displayName": "Ann Lee",
        "title": "x".repeat(100 * 1024),
        "active": true,
    })
}

/// An authority, and a certificate of it with its key (PEM).
fn certificate(name: &str) -> anyhow::Result<(String, String, String)> {
    let key = KeyPair::generate()?;
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // Envoy takes a certificate whose issuer has its own name for one that signed itself.
    authority
        .distinguished_name
        .push(DnType::CommonName, "authority");
    let root = authority.self_signed(&key)?.pem();
    let issuer = Issuer::new(authority, key);
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new([name.to_owned()])?.signed_by(&key, &issuer)?;
    Ok((root, certificate.pem(), key.serialize_pem()))
}
