//! Gateways on a network: encrypted, and authenticated by certificates.

use super::super::authority::{Authority, Identity, connect};
use super::*;

/// The response to one message with these headers; `None`: the connection failed.
async fn post(
    guard: &Guard,
    authority: &Authority,
    identity: Option<&Identity>,
    headers: &str,
) -> Option<String> {
    let address = guard.facts.unwrap();
    let mut stream = connect(address, "facts.internal", authority, identity)
        .await
        .unwrap();
    let read = of_head(head("GET"), asks(vec![user("u1")]));
    let body = serde_json::to_string(&read).unwrap();
    let request = message("POST", FACTS, headers, &body);
    let mut answer = Vec::new();
    let exchange = async {
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await?;
        stream.read_to_end(&mut answer).await
    };
    // In TLS 1.3 a client learns of a refused certificate with the first answer.
    let done = tokio::time::timeout(LIMIT, exchange)
        .await
        .expect("in time");
    done.ok()?;
    Some(String::from_utf8(answer).unwrap())
}

/// A certificate for the service, and the configuration for it.
fn certified(folder: &std::path::Path, authority: &Authority) -> String {
    authority.certifies(folder, "facts", "facts.internal");
    std::fs::write(folder.join("ca.pem"), &authority.pem).unwrap();
    let place = folder.display();
    format!(
        "[facts]\nlisten = \"127.0.0.1:0\"\n[facts.tls]\ncertificate = \"{place}/facts.pem\"\n\
         key = \"{place}/facts.key\"\nclient_ca = \"{place}/ca.pem\"\n[[facts.gateway]]\n\
         name = \"west\"\ncertificate = \"west.internal\"\n{GATEWAYS}"
    )
}

#[tokio::test]
async fn a_handshake_that_stops_half_way_ends() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let keys = certified(folder.path(), &authority);
    let keys = format!("client_timeout = \"500ms\"\n{keys}");
    let backend = Backend::ok().await;
    let guard = Guard::configured(Script::new(), &backend, &keys).await;
    // Nothing, and the start of a ClientHello (RFC 8446 §4.1.2).
    for bytes in [&b""[..], b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"] {
        let mut stream = TcpStream::connect(guard.facts.unwrap()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        read_all(&mut stream).await;
    }
}

#[tokio::test]
async fn a_gateway_is_known_by_its_certificate_or_its_secret() {
    let (authority, another) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    let keys = certified(folder.path(), &authority);
    let backend = Backend::ok().await;
    let guard = Guard::configured(Script::new(), &backend, &keys).await;
    let good = format!("authorization: Bearer {EDGE}\r\n");
    let wrong = "authorization: Bearer wrong-wrong-wrong-wrong-wrong-wrong\r\n";
    let west = authority.vouches_for("west.internal");
    let other = authority.vouches_for("east.internal");
    let forged = another.vouches_for("west.internal");
    for (identity, headers, expected) in [
        (None, "", Some(401)),
        (None, wrong, Some(401)),
        (None, good.as_str(), Some(200)),
        (Some(&west), "", Some(200)),
        (Some(&west), wrong, Some(401)),
        (Some(&other), "", Some(401)),
        (Some(&other), good.as_str(), Some(200)),
        (Some(&forged), "", None),
        (Some(&forged), good.as_str(), None),
    ] {
        let answer = post(&guard, &authority, identity, headers).await;
        let status = answer.as_deref().map(code);
        assert_eq!(status, expected, "{headers}: {answer:?}");
    }
    let plain = guard.edge().raw(&message("GET", "/healthz", "", "")).await;
    assert!(!plain.contains("200"), "{plain}");
}
