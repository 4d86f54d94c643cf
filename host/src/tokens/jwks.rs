//! An issuer's key set (RFC 7517 §5): which of its keys may have signed a token. The key determines
//! what it can verify; a token's header only selects among the keys that fit.

use std::fmt;

use anyhow::{Context, bail};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use scimguard_core::Json;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::public_key::{self, Curve};

/// More keys than any issuer has; a token without `kid` is tried with each.
const MOST_KEYS: usize = 50;

/// The keys with which an issuer signs.
#[derive(Debug)]
pub(crate) struct KeySet {
    keys: Vec<Key>,
    left_out: Vec<LeftOut>,
}

#[derive(Debug)]
struct Key {
    id: Option<String>,
    place: usize,
    /// The algorithms that it may verify.
    verifies: Vec<Algorithm>,
    /// Its numbers: two keys are the same if these are equal.
    numbers: Vec<u8>,
    key: DecodingKey,
}

/// A key of the set that cannot be used here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeftOut {
    id: Option<String>,
    /// Its position in the set, from 1.
    place: usize,
    why: Unusable,
}

/// Why a key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Unusable {
    /// It has another purpose, or an unknown kind (RFC 7517 §5).
    Other(String),
    /// No issuer should have such a key.
    Faulty(String),
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Box<RawValue>>,
}

// === impl KeySet ===

impl KeySet {
    /// Parses a key set. Keys that have another purpose or an unknown kind, or are not sound, are
    /// left out, and so are two keys of one name.
    pub(crate) fn parse(text: &[u8]) -> anyhow::Result<Self> {
        let document: Document =
            serde_json::from_slice(text).context("it is not a JSON Web Key Set")?;
        if document.keys.len() > MOST_KEYS {
            bail!("it has {} keys, more than {MOST_KEYS}", document.keys.len());
        }
        let mut keys = Vec::new();
        let mut left_out = Vec::new();
        for (position, text) in document.keys.iter().enumerate() {
            let place = position + 1;
            match Key::read(place, text.get()) {
                Ok(key) => keys.push(key),
                Err(why) => left_out.push(LeftOut {
                    id: named(text.get()),
                    place,
                    why,
                }),
            }
        }
        let (keys, twice) = without_doubles(keys);
        left_out.extend(twice);
        left_out.sort_by_key(|key| key.place);
        Ok(Self { keys, left_out })
    }

    /// The keys that may have signed a token with this header.
    pub(crate) fn candidates<'a>(
        &'a self,
        algorithm: Algorithm,
        id: Option<&'a str>,
    ) -> impl Iterator<Item = &'a DecodingKey> {
        self.keys
            .iter()
            .filter(move |key| id.is_none() || key.id.as_deref() == id)
            .filter(move |key| key.verifies.contains(&algorithm))
            .map(|key| &key.key)
    }

    /// Whether there is a key of this name, for any purpose: then no newer set is fetched.
    pub(crate) fn has(&self, id: &str) -> bool {
        let usable = self.keys.iter().map(|key| &key.id);
        let others = self.left_out.iter().map(|key| &key.id);
        usable.chain(others).any(|it| it.as_deref() == Some(id))
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The keys that cannot be used here.
    pub(crate) fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }
}

/// Ignores names that several keys have: the set's last writer could otherwise choose between them
/// (RFC 7517 §4.5).
fn without_doubles(keys: Vec<Key>) -> (Vec<Key>, Vec<LeftOut>) {
    let is_double = |key: &Key| {
        let same_name = |other: &&Key| key.id.is_some() && other.id == key.id;
        keys.iter()
            .filter(same_name)
            .any(|other| other.numbers != key.numbers)
    };
    let doubles: Vec<bool> = keys.iter().map(is_double).collect();
    let mut kept = Vec::new();
    let mut left_out = Vec::new();
    for (key, is_double) in keys.into_iter().zip(doubles) {
        match is_double {
            false => kept.push(key),
            true => left_out.push(LeftOut {
                id: key.id,
                place: key.place,
                why: Unusable::Faulty("another key has the same `kid`".to_owned()),
            }),
        }
    }
    (kept, left_out)
}

fn named(text: &str) -> Option<String> {
    let key = Json::parse(text.as_bytes())?;
    key.get("kid").and_then(Json::as_str).map(str::to_owned)
}

// === impl LeftOut ===

impl LeftOut {
    /// Whether no issuer should have such a key, so that the operator should know.
    pub(crate) fn is_fault(&self) -> bool {
        matches!(self.why, Unusable::Faulty(_))
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Unusable::Other(why) | Unusable::Faulty(why)) = &self.why;
        match &self.id {
            // An issuer may write anything.
            Some(id) => write!(
                f,
                "key {:?}: {why}",
                id.chars().take(64).collect::<String>()
            ),
            None => write!(f, "key number {}: {why}", self.place),
        }
    }
}

// === impl Key ===

impl Key {
    fn read(place: usize, text: &str) -> Result<Self, Unusable> {
        let members = Json::parse(text.as_bytes()).filter(|key| matches!(key, Json::Object(_)));
        let members = members.ok_or_else(|| faulty("it is not a JSON object with unique names"))?;
        // RFC 7518 §6.2.2, §6.3.2, §6.4.1; RFC 8037 §2.
        if members.get("kty").and_then(Json::as_str) == Some("oct") || members.get("k").is_some() {
            return Err(faulty(
                "it is a shared secret: each reader of the set can sign with it",
            ));
        }
        if members.get("d").is_some() {
            return Err(faulty(
                "it includes its private part: each reader of the set can sign with it",
            ));
        }
        let jwk: Jwk =
            serde_json::from_str(text).map_err(|_| other("it is of a kind that is not known"))?;
        let common = &jwk.common;
        let signs = |usage: &PublicKeyUse| *usage == PublicKeyUse::Signature;
        if !common.public_key_use.as_ref().is_none_or(signs) {
            return Err(other("it is not for signatures (`use`)"));
        }
        let operations = common.key_operations.as_ref();
        if operations.is_some_and(|them| !them.contains(&KeyOperations::Verify)) {
            return Err(other("it is not for verifying (`key_ops`)"));
        }
        let mut verifies = algorithms(&jwk.algorithm)?;
        if let Some(named) = common.key_algorithm {
            let named = Algorithm::try_from(named)
                .map_err(|_| other("its `alg` is not a known signature algorithm"))?;
            verifies.retain(|algorithm| *algorithm == named);
            if verifies.is_empty() {
                return Err(faulty("its `alg` does not fit its kind"));
            }
        }
        Ok(Self {
            id: common.key_id.clone(),
            place,
            verifies,
            numbers: numbers(&jwk.algorithm).map_err(|why| faulty(&format!("{why:#}")))?,
            key: DecodingKey::from_jwk(&jwk).map_err(|_| faulty("it cannot be read"))?,
        })
    }
}

fn other(why: &str) -> Unusable {
    Unusable::Other(why.to_owned())
}

fn faulty(why: &str) -> Unusable {
    Unusable::Faulty(why.to_owned())
}

/// The algorithms for keys of this kind. Never those of a shared secret, with which any verifier
/// could sign.
fn algorithms(parameters: &AlgorithmParameters) -> Result<Vec<Algorithm>, Unusable> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    match parameters {
        AlgorithmParameters::RSA(_) => Ok(vec![RS256, RS384, RS512, PS256, PS384, PS512]),
        AlgorithmParameters::EllipticCurve(point) => match point.curve {
            EllipticCurve::P256 => Ok(vec![ES256]),
            EllipticCurve::P384 => Ok(vec![ES384]),
            _ => Err(other("its curve is not P-256 or P-384")),
        },
        AlgorithmParameters::OctetKeyPair(pair) => match pair.curve {
            EllipticCurve::Ed25519 => Ok(vec![EdDSA]),
            _ => Err(other("its curve is not Ed25519")),
        },
        _ => Err(other("it is of a kind that is not known")),
    }
}

/// The numbers of a sound key.
fn numbers(parameters: &AlgorithmParameters) -> anyhow::Result<Vec<u8>> {
    match parameters {
        AlgorithmParameters::RSA(rsa) => public_key::rsa(&rsa.n, &rsa.e),
        AlgorithmParameters::EllipticCurve(point) => {
            let curve = match point.curve {
                EllipticCurve::P256 => Curve::P256,
                _ => Curve::P384,
            };
            public_key::ec(curve, &point.x, &point.y)
        }
        AlgorithmParameters::OctetKeyPair(pair) => public_key::ed25519(&pair.x),
        _ => bail!("it is of a kind that is not known"),
    }
}
