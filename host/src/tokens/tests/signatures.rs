//! Which key may have signed which token.

use serde_json::{Value, json};

use super::signer::{Signer, base64url, set};
use crate::tokens::jwks::KeySet;
use crate::tokens::jwt::{Unverified, verify};

/// Spaces and the order of members are as the issuer wrote them.
const PAYLOAD: &str = r#"{"sub": "svc-okta",  "aud":["a"], "exp": 1, "n": 1.50}"#;

fn keys(keys: &[Value]) -> KeySet {
    KeySet::parse(set(keys).as_bytes()).unwrap()
}

fn with(mut jwk: Value, member: &str, value: impl Into<Value>) -> Value {
    jwk[member] = value.into();
    jwk
}

#[test]
fn every_algorithm_with_a_public_key_verifies_and_the_payload_is_as_signed() {
    let (rsa, p256) = (Signer::rsa("r"), Signer::p256("p"));
    let (p384, ed) = (Signer::p384("q"), Signer::ed25519("e"));
    let set = keys(&[rsa.jwk(), p256.jwk(), p384.jwk(), ed.jwk()]);
    let rsa_algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
    let signed = rsa_algorithms.map(|algorithm| rsa.token(algorithm, PAYLOAD));
    let others = [
        p256.token("ES256", PAYLOAD),
        p384.token("ES384", PAYLOAD),
        ed.token("EdDSA", PAYLOAD),
    ];
    for token in signed.iter().chain(&others) {
        assert_eq!(verify(token, &set).as_deref(), Ok(PAYLOAD), "{token}");
        let (message, signature) = token.rsplit_once('.').unwrap();
        let other = base64url(PAYLOAD.replace("okta", "evil"));
        let header = message.split_once('.').unwrap().0;
        for forged in [
            format!("{header}.{other}.{signature}"),
            format!("{message}."),
            format!("{message}.{signature}A"),
            format!("{message}.{signature}="),
            format!("{message}.{}", &signature[..signature.len() - 2]),
        ] {
            assert_eq!(verify(&forged, &set), Err(Unverified::Refused), "{forged}");
        }
    }
}

#[test]
fn the_key_decides_what_it_verifies() {
    let (rsa, p256, p384) = (Signer::rsa("k"), Signer::p256("k"), Signer::p384("k"));
    let good = rsa.token("RS256", PAYLOAD);
    #[rustfmt::skip]
    let cases = [
        ("for encryption", with(rsa.jwk(), "use", "enc")),
        ("for wrapping keys", with(rsa.jwk(), "key_ops", json!(["wrapKey"]))),
        ("for another algorithm", with(rsa.jwk(), "alg", "RS512")),
        ("for an encryption algorithm", with(rsa.jwk(), "alg", "RSA-OAEP")),
        ("a curve", p256.jwk()),
        ("a shared secret", json!({"kty": "oct", "kid": "k", "k": base64url(b"secret")})),
        ("without a modulus", json!({"kty": "RSA", "kid": "k", "e": "AQAB"})),
    ];
    for (what, jwk) in cases {
        let verified = verify(&good, &keys(&[jwk]));
        assert!(verified.is_err(), "a key {what} verified");
    }
    for jwk in [
        with(rsa.jwk(), "use", "sig"),
        with(rsa.jwk(), "alg", "RS256"),
        with(rsa.jwk(), "key_ops", json!(["verify"])),
    ] {
        verify(&good, &keys(&[jwk])).unwrap();
    }
    // ES256 is P-256 and nothing else (RFC 7518 §3.4).
    let crossed = p384.token("ES256", PAYLOAD);
    assert_eq!(
        verify(&crossed, &keys(&[p384.jwk()])),
        Err(Unverified::Refused)
    );
}

#[test]
fn a_header_cannot_choose_how_it_is_believed() {
    let (rsa, own) = (Signer::rsa("k"), Signer::rsa("k"));
    let set = keys(&[rsa.jwk()]);
    let header = |more: Value| {
        let mut header = json!({"alg": "RS256", "kid": "k"});
        header
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        header
    };
    #[rustfmt::skip]
    let cases = [
        ("a key of its own", own.sign(&header(json!({"jwk": own.jwk()})), PAYLOAD)),
        ("a key's address", own.sign(&header(json!({"jku": "https://evil.example"})), PAYLOAD)),
        ("an extension", rsa.sign(&header(json!({"crit": ["exp"]})), PAYLOAD)),
        ("an unencoded payload",
            rsa.sign(&header(json!({"b64": false, "crit": ["b64"]})), PAYLOAD)),
        ("no algorithm", rsa.sign(&json!({"alg": "none", "kid": "k"}), PAYLOAD)),
        ("a shared secret", rsa.sign(&json!({"alg": "HS256", "kid": "k"}), PAYLOAD)),
        ("compression", rsa.sign(&header(json!({"zip": "DEF"})), PAYLOAD)),
    ];
    for (what, token) in cases {
        assert_eq!(verify(&token, &set), Err(Unverified::Refused), "{what}");
    }
    // The public key used as the secret of an HMAC.
    let hs256 = base64url(json!({"alg": "HS256", "kid": "k"}).to_string());
    let unsigned = format!("{hs256}.{}.{}", base64url(PAYLOAD), base64url([0; 32]));
    assert_eq!(verify(&unsigned, &set), Err(Unverified::Refused));
    for text in ["", "a", "..", "a.b.c", "a.b.c.d"] {
        assert_eq!(verify(text, &set), Err(Unverified::Refused));
    }
    let twice = base64url(r#"{"alg":"none","alg":"RS256","kid":"k"}"#);
    let good = rsa.token("RS256", PAYLOAD);
    let rest = good.split_once('.').unwrap().1;
    assert_eq!(
        verify(&format!("{twice}.{rest}"), &set),
        Err(Unverified::Refused)
    );
}

#[test]
fn a_token_is_tried_with_the_key_it_names_or_with_each_that_fits() {
    let (one, two) = (Signer::p256("one"), Signer::p256("two"));
    let set = keys(&[one.jwk(), two.jwk()]);
    let naming = |kid: &str| two.sign(&json!({"alg": "ES256", "kid": kid}), PAYLOAD);
    verify(&naming("two"), &set).unwrap();
    assert_eq!(verify(&naming("one"), &set), Err(Unverified::Refused));
    assert_eq!(verify(&naming("three"), &set), Err(Unverified::UnknownKey));
    let nameless = two.sign(&json!({"alg": "ES256"}), PAYLOAD);
    verify(&nameless, &set).unwrap();
    assert_eq!(
        verify(&nameless, &keys(&[one.jwk()])),
        Err(Unverified::UnknownKey)
    );
}

#[test]
fn keys_of_kinds_to_come_do_not_spoil_the_set() {
    let known = Signer::p256("known");
    let set = keys(&[
        json!({"kty": "AKP", "kid": "pq", "alg": "ML-DSA-44", "pub": "AA"}),
        json!({"kty": "OKP", "kid": "x", "crv": "X25519", "x": "AA"}),
        json!({"kty": "EC", "kid": "k", "crv": "secp256k1", "x": "AA", "y": "AA"}),
        json!("not a key"),
        known.jwk(),
    ]);
    assert_eq!(set.len(), 1);
    assert!(KeySet::parse(b"{}").is_err() && KeySet::parse(b"<html>").is_err());
    let many = vec![known.jwk(); 51];
    assert!(KeySet::parse(super::signer::set(&many).as_bytes()).is_err());
}
