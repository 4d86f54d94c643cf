//! TLS towards clients and operators: certificates that are replaced, and those that cannot be used.

use std::sync::atomic::{AtomicBool, Ordering};

use super::authority::{Authority, Identity, connect};
use super::public::told;
use super::*;

/// How often the certificate is replaced, and by how many clients connections are made meanwhile.
const REPLACED: usize = 100;
const CLIENTS: usize = 16;

const NAME: &str = "guard.internal";

/// The configuration of both addresses with the certificate `guard.pem`.
fn keys(folder: &std::path::Path, client_ca: &str) -> String {
    let place = folder.display();
    let files = format!("certificate = \"{place}/guard.pem\"\nkey = \"{place}/guard.key\"\n");
    format!("admin = \"127.0.0.1:0\"\n[tls]\n{files}{client_ca}[admin_tls]\n{files}")
}

/// The answer to a read, and the certificate of the connection; `None`: the connection failed.
async fn get(
    address: SocketAddr,
    authority: &Authority,
    identity: Option<&Identity>,
    path: &str,
) -> Option<(String, Vec<u8>)> {
    let exchange = async {
        let mut stream = connect(address, NAME, authority, identity).await?;
        let shown = stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        std::io::Result::Ok((String::from_utf8(answer).unwrap(), shown))
    };
    let done = tokio::time::timeout(LIMIT, exchange)
        .await
        .expect("in time");
    done.ok().filter(|(answer, _)| !answer.is_empty())
}

#[tokio::test]
async fn clients_and_operators_connect_over_tls() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    authority.certifies(folder.path(), "guard", NAME);
    let backend = Backend::ok().await;
    let guard = Guard::configured(told(), &backend, &keys(folder.path(), "")).await;
    let address = guard.address;
    let (answer, _) = get(address, &authority, None, &format!("{BASE}/Users"))
        .await
        .unwrap();
    assert!(
        answer.contains(&format!("x-told: https://{address}\r\n")),
        "{answer}"
    );
    let (answer, _) = get(guard.admin.unwrap(), &authority, None, "/healthz")
        .await
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    for plain in [guard.address, guard.admin.unwrap()] {
        let mut stream = TcpStream::connect(plain).await.unwrap();
        let request = b"GET /healthz HTTP/1.1\r\nhost: g\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let answer = read_all(&mut stream).await;
        assert!(!answer.contains("HTTP/1.1"), "{answer}");
    }
}

#[tokio::test]
async fn clients_need_a_certificate_where_a_ca_is_configured() {
    let (authority, another) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    authority.certifies(folder.path(), "guard", NAME);
    std::fs::write(folder.path().join("ca.pem"), &authority.pem).unwrap();
    let client_ca = format!("client_ca = \"{}/ca.pem\"\n", folder.path().display());
    let backend = Backend::ok().await;
    let guard = Guard::configured(told(), &backend, &keys(folder.path(), &client_ca)).await;
    let (own, forged) = (authority.vouches_for("okta"), another.vouches_for("okta"));
    for (identity, expected) in [(Some(&own), true), (Some(&forged), false), (None, false)] {
        let answer = get(guard.address, &authority, identity, BASE).await;
        assert_eq!(answer.is_some(), expected, "{answer:?}");
    }
}

#[tokio::test]
async fn certificates_are_replaced_without_a_failed_request() {
    let authority = Arc::new(Authority::new());
    let folder = tempfile::tempdir().unwrap();
    authority.certifies(folder.path(), "guard", NAME);
    let backend = Backend::ok().await;
    let guard = Guard::configured(told(), &backend, &keys(folder.path(), "")).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let address = guard.address;
    let client = |_| {
        let (authority, is_over) = (Arc::clone(&authority), Arc::clone(&is_over));
        tokio::spawn(async move {
            let mut answered = 0;
            while !is_over.load(Ordering::Relaxed) {
                let (answer, _) = get(address, &authority, None, BASE).await.unwrap();
                assert!(answer.starts_with("HTTP/1.1 418"), "{answer}");
                answered += 1;
            }
            answered
        })
    };
    let clients: Vec<JoinHandle<usize>> = (0..CLIENTS).map(client).collect();
    let shown = async || {
        let (_, certificate) = get(address, &authority, None, BASE).await.unwrap();
        certificate
    };
    for _ in 0..REPLACED {
        let identity = authority.certifies(folder.path(), "guard", NAME);
        guard.proxy.refresh();
        assert_eq!(shown().await, identity.certificate.der().to_vec());
    }
    // What cannot be used is not: the last certificate stays.
    let last = shown().await;
    let other = authority.vouches_for(NAME);
    for (file, text) in [
        ("guard.key", "no key".to_owned()),
        ("guard.pem", other.certificate.pem()),
        ("guard.pem", String::new()),
    ] {
        std::fs::write(folder.path().join(file), text).unwrap();
        guard.proxy.refresh();
        assert_eq!(shown().await, last, "{file}");
        assert_eq!(guard.proxy.stale(), ["tls", "admin_tls"]);
    }
    std::fs::remove_file(folder.path().join("guard.pem")).unwrap();
    guard.proxy.refresh();
    assert_eq!(shown().await, last);
    let metrics = guard.proxy.metrics_text().await.unwrap();
    assert!(
        metrics.contains("scimguard_stale{what=\"tls\"} 1"),
        "{metrics}"
    );
    authority.certifies(folder.path(), "guard", NAME);
    guard.proxy.refresh();
    assert!(guard.proxy.stale().is_empty());
    is_over.store(true, Ordering::Relaxed);
    for client in clients {
        assert!(client.await.unwrap() > 0);
    }
}

#[tokio::test]
async fn a_guard_does_not_start_with_files_that_cannot_be_used() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let write = |name: &str, text: &str| std::fs::write(place.join(name), text).unwrap();
    for (key, certificate, why) in [
        (None, None, "cannot read"),
        (Some("no key"), None, "cannot read the key"),
        (None, Some("no certificate"), "has no certificate"),
    ] {
        authority.certifies(place, "guard", NAME);
        match (key, certificate) {
            (None, None) => std::fs::remove_file(place.join("guard.key")).unwrap(),
            (key, certificate) => {
                key.iter().for_each(|text| write("guard.key", text));
                certificate.iter().for_each(|text| write("guard.pem", text));
            }
        }
        let files = toml::from_str(&format!(
            "certificate = \"{0}/guard.pem\"\nkey = \"{0}/guard.key\"\n",
            place.display()
        ))
        .unwrap();
        let read = crate::tls::Tls::read("tls", &files, crate::tls::Clients::Certified);
        let error = crate::causes::with_causes(read.err().unwrap().as_ref());
        assert!(
            error.starts_with("in tls: ") && error.contains(why),
            "{error}"
        );
        assert!(error.contains("guard."), "{error}");
    }
}
