//! The example file is complete, and a fault names its line.

use super::*;

#[test]
fn the_example_is_complete_and_valid() {
    let config = Config::parse(EXAMPLE, Path::new("/etc/scimguard")).unwrap();
    assert_eq!(config.listen, "127.0.0.1:8080".parse().ok());
    assert_eq!(config.store, Path::new("/etc/scimguard/scimguard.db"));
    assert_eq!(config.backend_timeout, Duration::from_secs(30));
    assert_eq!(config.engine, EngineKind::Wasm);
    assert_eq!(config.unseen, Unseen::Native);
    // Every key is shown, set or commented out.
    let shown = EXAMPLE.replace("# ", "").replace('#', "");
    for key in [
        "listen",
        "backend",
        "admin",
        "admin_hosts",
        "pages",
        "decisions",
        "decisions_keep",
        "[admin_token]",
        "store",
        "policy",
        "component",
        "engine",
        "cache",
        "backend_timeout",
        "client_timeout",
        "lease_timeout",
        "unseen",
        "annotate",
        "settle_every",
        "settle_after",
        "trusted_proxies",
        "public_url",
        "[tls]",
        "[admin_tls]",
        "[limits]",
        "requests_per_second",
        "burst",
        "failures",
        "[connections]",
        "most",
        "per_address",
        "[backend_credential]",
        "file",
        "env",
        "header",
        "[[issuer]]",
        "issuer",
        "accounts",
        "timeout",
        "jwks_url",
        "jwks_refresh",
        "jwks_keep",
        "jwks_file",
        "introspection_url",
        "client_id",
        "client_secret_file",
        "client_secret_env",
        "introspection_cache",
        "introspection_negative_cache",
        "[permissions]",
        "url",
        "[permissions.credential]",
        "[facts]",
        "pass_timeout",
        "clear_text",
        "[facts.tls]",
        "certificate",
        "key",
        "client_ca",
        "[[facts.gateway]]",
        "name",
        "secret_file",
        "secret_env",
        "verbs",
        "requests",
    ] {
        assert!(
            shown.lines().any(|line| line.starts_with(key)),
            "the example does not show {key}"
        );
    }
}

#[test]
fn faults_name_the_line() {
    let base = "listen = \"127.0.0.1:0\"\nbackend = \"http://127.0.0.1:9\"\nstore = \"sqlite:x\"\n";
    let fault = |line: &str| {
        let error = Config::parse(&format!("{base}{line}\n"), Path::new("")).unwrap_err();
        crate::causes::with_causes(error.as_ref())
    };
    let unknown = fault("backnd = 1");
    assert!(
        unknown.contains("line 4") && unknown.contains("backnd"),
        "{unknown}"
    );
    assert!(fault("backend_timeout = \"soon\"").contains("line 4"));
    assert!(fault("backend_timeout = \"-3s\"").contains("line 4"));
    assert!(fault("unseen = \"closed\"").contains("line 4"));
    for same in ["x", "./x"] {
        let decisions = format!("decisions = \"sqlite:{same}\"");
        assert!(fault(&decisions).contains("same file"), "{same}");
    }
    assert!(fault("[limits]\nburst = 0").contains("line 5"));
    assert!(fault("[connections]\nmost = 0").contains("line 5"));
    assert!(fault("trusted_proxies = [\"ten\"]").contains("line 4"));
    assert!(fault("admin = \"0.0.0.0:1\"").contains("127.0.0.1:1"));
    assert!(fault("[admin_token]").contains("one of"));
    let files = "certificate = \"a.pem\"\nkey = \"a.key\"";
    assert!(fault(&format!("[admin_tls]\n{files}")).contains("no `admin` address"));
    assert!(fault("[tls]\ncertificate = \"a.pem\"").contains("line 4"));
    assert!(fault("decisions_keep = 0").contains("line 4"));
    assert!(fault("admin_hosts = [\"http://a\"]").contains("admin_hosts"));
    assert!(fault("[backend_credential]\nheader = \"x\"").contains("one of"));
    for (from, to) in [
        ("http://127.0.0.1:9", "ftp://127.0.0.1"),
        ("http://127.0.0.1:9", "http://127.0.0.1/base"),
        ("sqlite:x", "postgres://x"),
    ] {
        let text = base.replace(from, to);
        let error = Config::parse(&text, Path::new("")).unwrap_err().to_string();
        assert!(error.contains("line"), "{error}");
    }
}

#[test]
fn every_file_with_a_secret_is_listed() {
    let text = r#"
        backend = "http://127.0.0.1:9"
        store = "sqlite:x"
        admin = "127.0.0.1:8081"
        [admin_token]
        file = "admin.token"
        [backend_credential]
        file = "backend.token"
        [[issuer]]
        issuer = "https://as.example.com"
        introspection_url = "https://as.example.com/introspect"
        client_id = "scimguard"
        client_secret_file = "client.secret"
        [permissions]
        url = "https://app.internal/{account}/{principal}"
        [permissions.credential]
        file = "permissions.token"
        [facts]
        listen = "127.0.0.1:8082"
        [facts.tls]
        certificate = "facts.pem"
        key = "facts.key"
        [tls]
        certificate = "guard.pem"
        key = "guard.key"
        [admin_tls]
        certificate = "admin.pem"
        key = "admin.key"
        [[facts.gateway]]
        name = "edge"
        secret_file = "edge.secret"
        [[facts.gateway]]
        name = "west"
        secret_env = "WEST"
    "#;
    let config = Config::parse(text, Path::new("/etc")).unwrap();
    let names = [
        "admin.token",
        "backend.token",
        "permissions.token",
        "client.secret",
        "edge.secret",
        "guard.key",
        "admin.key",
        "facts.key",
    ];
    let files = names.map(|name| Path::new("/etc").join(name));
    assert_eq!(config.secret_files(), files);
}
