//! Which public keys are sound, and the faults reported for the others.

use serde_json::{Value, json};

use super::signer::{Signer, base64url, set};
use crate::tokens::jwks::KeySet;
use crate::tokens::jwt::{Unverified, verify};

fn with(mut jwk: Value, member: &str, value: impl Into<Value>) -> Value {
    jwk[member] = value.into();
    jwk
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// The encodings of the points of Ed25519 whose order divides 8, and those that are not canonical
/// (Chalkias, Garillot, Nikolaenko: Taming the many EdDSAs, table 1).
const SMALL_ORDER: [&str; 14] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

fn okp(curve: &str, point: &[u8]) -> Value {
    json!({"kty": "OKP", "kid": "k", "crv": curve, "x": base64url(point)})
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> Value {
    json!({"kty": "RSA", "kid": "k", "n": base64url(modulus), "e": base64url(exponent)})
}

/// A number of this length without small divisors, which suffices here.
fn modulus(length: usize) -> Vec<u8> {
    let divides = |number: &[u8], divisor: u32| {
        let rest = number.iter();
        rest.fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % divisor) == 0
    };
    let mut number = vec![0xa5; length];
    for end in (1..=u16::MAX).step_by(2) {
        let [high, low] = end.to_be_bytes();
        number[length - 2] = high;
        number[length - 1] = low;
        if !(2..=752).any(|divisor| divides(&number, divisor)) {
            return number;
        }
    }
    panic!("there is no such number");
}

/// The fault of the only key of a set.
#[track_caller]
fn unusable(jwk: Value) -> (String, bool) {
    let keys = KeySet::parse(set(&[jwk]).as_bytes()).unwrap();
    assert_eq!(keys.len(), 0, "{keys:?}");
    let [key] = keys.left_out() else {
        panic!("{keys:?}");
    };
    (key.to_string(), key.is_fault())
}

#[track_caller]
fn usable(jwk: Value) {
    let keys = KeySet::parse(set(&[jwk]).as_bytes()).unwrap();
    assert_eq!((keys.len(), keys.left_out().len()), (1, 0), "{keys:?}");
}

#[test]
fn each_key_that_is_not_sound_is_left_out_with_the_reason() {
    let (p256, p384) = (Signer::p256("k").jwk(), Signer::p384("k").jwk());
    let (ed, good_rsa) = (Signer::ed25519("k").jwk(), Signer::rsa("k").jwk());
    let n = modulus(256);
    let even = {
        let mut even = n.clone();
        *even.last_mut().unwrap() -= 1;
        even
    };
    #[rustfmt::skip]
    let cases = [
        (rsa(&n, &[1]), "its exponent is 1"),
        (rsa(&n, &[0, 0, 1]), "its exponent is 1"),
        (rsa(&n, &[]), "its exponent is 0"),
        (rsa(&n, &[0]), "its exponent is 0"),
        (rsa(&n, &[2]), "its exponent is even"),
        (rsa(&n, &[1, 0, 0]), "its exponent is even"),
        (rsa(&n, &[1, 0, 0, 0, 1]), "its exponent has more than 32 bits"),
        (rsa(&n, &n), "its exponent has more than 32 bits"),
        (rsa(&even, &[1, 0, 1]), "its modulus can be divided by 2"),
        (rsa(&[&[0x80][..], &[0; 255][..]].concat(), &[1, 0, 1]),
            "its modulus can be divided by 2"),
        (rsa(&[0xff; 256], &[1, 0, 1]), "its modulus can be divided by 3"),
        (rsa(&modulus(255), &[1, 0, 1]), "its modulus has 2040 bits, fewer than 2048"),
        (rsa(&modulus(128), &[1, 0, 1]), "its modulus has 1024 bits, fewer than 2048"),
        (rsa(&[&[0; 300][..], &modulus(128)].concat(), &[1, 0, 1]), "its modulus has 1024 bits"),
        (rsa(&[], &[1, 0, 1]), "its modulus has 0 bits"),
        (rsa(&modulus(1025), &[1, 0, 1]), "its modulus has 8200 bits, more than 8192"),
        (rsa(&modulus(8192), &[1, 0, 1]), "more than 8192"),
        (with(good_rsa.clone(), "n", "****"), "its modulus is not base64url"),
        (with(good_rsa.clone(), "e", "AQAB=="), "its exponent is not base64url"),
        (with(good_rsa.clone(), "d", "AQAB"), "it includes its private part"),
        (with(ed.clone(), "d", "AQAB"), "it includes its private part"),
        (with(p256.clone(), "d", Value::Null), "it includes its private part"),
        (json!({"kty": "oct", "kid": "k", "k": "AQAB"}), "it is a shared secret"),
        (with(good_rsa.clone(), "k", "AQAB"), "it is a shared secret"),
        (with(p256.clone(), "x", p256["y"].clone()), "its point is not on its curve"),
        (with(p384.clone(), "y", p384["x"].clone()), "its point is not on its curve"),
        (with(p256.clone(), "x", base64url([0; 32])), "its point is not on its curve"),
        (with(with(p256.clone(), "x", base64url([0; 32])), "y", base64url([0; 32])),
            "its point is not on its curve"),
        (with(p256.clone(), "y", base64url([0; 31])), "its coordinates are not 32 bytes"),
        (with(p256.clone(), "crv", "P-384"), "its coordinates are not 48 bytes"),
        (with(ed.clone(), "x", base64url([0; 31])), "its point is not 32 bytes"),
        (okp("Ed25519", &[2; 32]), "its point is not on its curve"),
        (with(p256.clone(), "alg", "ES384"), "its `alg` does not fit its kind"),
        (with(ed.clone(), "alg", "ES256"), "its `alg` does not fit its kind"),
        (with(good_rsa.clone(), "alg", "ES256"), "its `alg` does not fit its kind"),
        (with(good_rsa.clone(), "alg", "HS256"), "its `alg` does not fit its kind"),
        (json!("k"), "not a JSON object"),
        (json!([]), "not a JSON object"),
    ];
    for (jwk, why) in cases {
        let shown = jwk.to_string();
        let (said, is_fault) = unusable(jwk);
        assert!(said.contains(why) && is_fault, "{said}: {shown}");
    }
    #[rustfmt::skip]
    let cases = [
        (with(good_rsa.clone(), "use", "enc"), "not for signatures"),
        (with(good_rsa.clone(), "use", "SIG"), "not for signatures"),
        (with(p256.clone(), "key_ops", json!([])), "not for verifying"),
        (with(p256.clone(), "key_ops", json!(["sign", "encrypt"])), "not for verifying"),
        (with(good_rsa.clone(), "alg", "RSA-OAEP"), "not a known signature algorithm"),
        (okp("X25519", &[9; 32]), "its curve is not Ed25519"),
        (with(p256.clone(), "crv", "P-521"), "its curve is not P-256 or P-384"),
        (with(p256.clone(), "crv", "secp256k1"), "not known"),
        (json!({"kty": "AKP", "kid": "k", "alg": "ML-DSA-44", "pub": "AA"}), "not known"),
    ];
    for (jwk, why) in cases {
        let shown = jwk.to_string();
        let (said, is_fault) = unusable(jwk);
        let said_so = said.contains(why) || said.contains("not known") || said.contains("curve");
        assert!(said_so && !is_fault, "{said}: {shown}");
    }
    for jwk in [p256, p384, ed, good_rsa] {
        usable(with(jwk.clone(), "use", "sig"));
        usable(with(jwk, "key_ops", json!(["verify"])));
    }
    usable(rsa(&n, &[3]));
    usable(rsa(&[&[0][..], &n].concat(), &[0, 1, 0, 1]));
    usable(rsa(&modulus(1024), &[1, 0, 1]));
}

#[test]
fn points_of_small_order_are_no_keys_however_they_are_written() {
    for point in SMALL_ORDER {
        for curve in ["Ed25519", "X25519"] {
            let (said, is_fault) = unusable(okp(curve, &bytes(point)));
            assert_eq!(is_fault, curve == "Ed25519", "{point}: {said}");
        }
    }
    // A good point, and one of order 8 added to it.
    use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
    usable(okp(
        "Ed25519",
        ED25519_BASEPOINT_POINT.compress().as_bytes(),
    ));
    for part in EIGHT_TORSION.iter().skip(1) {
        let point = (ED25519_BASEPOINT_POINT + part).compress();
        let (said, _) = unusable(okp("Ed25519", point.as_bytes()));
        assert!(said.contains("outside the group"), "{said}");
    }
}

/// With such a key, a signature of zeros fits very many messages.
#[test]
fn a_token_that_anybody_can_sign_is_refused() {
    let identity = bytes(SMALL_ORDER[0]);
    let header = base64url(json!({"alg": "EdDSA", "kid": "k"}).to_string());
    let payload = base64url(r#"{"sub":"svc"}"#);
    // R is the identity, S is zero.
    let signature = base64url([identity.clone(), vec![0; 32]].concat());
    let token = format!("{header}.{payload}.{signature}");
    let keys = KeySet::parse(set(&[okp("Ed25519", &identity)]).as_bytes()).unwrap();
    // The key is known but unusable: no newer set is fetched.
    assert_eq!(verify(&token, &keys), Err(Unverified::Refused));
}

#[test]
fn a_name_that_two_keys_have_is_no_keys_name() {
    let (one, two) = (Signer::p256("k"), Signer::p256("k"));
    let (rsa, other) = (Signer::rsa("k"), Signer::p256("other"));
    let payload = r#"{"sub":"svc"}"#;
    for set_of in [[one.jwk(), two.jwk()], [one.jwk(), rsa.jwk()]] {
        let [first, second] = set_of;
        let keys = set(&[first, other.jwk(), second]);
        let keys = KeySet::parse(keys.as_bytes()).unwrap();
        assert_eq!(keys.len(), 1);
        let said: Vec<String> = keys.left_out().iter().map(ToString::to_string).collect();
        assert_eq!(said, ["key \"k\": another key has the same `kid`"; 2]);
        assert_eq!(
            verify(&one.token("ES256", payload), &keys),
            Err(Unverified::Refused)
        );
        verify(&other.token("ES256", payload), &keys).unwrap();
    }
    // The same key twice is one key, and a key with another purpose does not take a name.
    let encrypts = with(two.jwk(), "use", "enc");
    let keys = set(&[one.jwk(), with(one.jwk(), "alg", "ES256"), encrypts]);
    let keys = KeySet::parse(keys.as_bytes()).unwrap();
    verify(&one.token("ES256", payload), &keys).unwrap();
    // Keys without a name are distinct.
    let nameless = |signer: &Signer| {
        let mut jwk = signer.jwk();
        jwk.as_object_mut().unwrap().remove("kid");
        jwk
    };
    let keys = KeySet::parse(set(&[nameless(&one), nameless(&two)]).as_bytes()).unwrap();
    assert_eq!(keys.len(), 2);
}

#[test]
fn a_key_whose_members_are_there_twice_is_read_in_no_way() {
    let good = Signer::p256("k").jwk();
    for (before, after) in [
        (r#"{"use":"enc","#, ""),
        (r#"{"kid":"other","#, ""),
        (r#"{"x":"AA","#, ""),
        ("{", r#","kty":"RSA"}"#),
        ("{", r#","KID":"other"}"#),
    ] {
        let text = with(good.clone(), "use", "sig").to_string();
        let inner = text.trim_start_matches('{').trim_end_matches('}');
        let end = if after.is_empty() { "}" } else { after };
        let keys = format!(r#"{{"keys":[{before}{inner}{end}]}}"#);
        let keys = KeySet::parse(keys.as_bytes()).unwrap();
        assert_eq!(
            (keys.len(), keys.left_out().len()),
            (0, 1),
            "{before} {after}"
        );
    }
    let twice = format!(r#"{{"keys":[],"keys":[{good}]}}"#);
    assert!(KeySet::parse(twice.as_bytes()).is_err());
}
