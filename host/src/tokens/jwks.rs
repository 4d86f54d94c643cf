//! An issuer's key set (RFC 7517 §5): which of its keys may have signed a token. The key decides what
//! it can verify; a token's header only chooses among the keys that fit.

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

/// More keys than any issuer has; a token without `kid` is tried with each.
const MOST_KEYS: usize = 50;

/// A shorter modulus can be factored (NIST SP 800-131A).
const RSA_BITS: usize = 2048;

/// The keys with which an issuer signs.
#[derive(Debug)]
pub(crate) struct KeySet {
    keys: Vec<Key>,
    /// How many others it has, which verify nothing here.
    left_out: usize,
}

#[derive(Debug)]
struct Key {
    id: Option<String>,
    /// What it verifies, and nothing else.
    verifies: Vec<Algorithm>,
    key: DecodingKey,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

// === impl KeySet ===

impl KeySet {
    /// Reads a key set. A key that is for something else, or of a kind that is not known, is left out
    /// (RFC 7517 §5).
    pub(crate) fn parse(text: &[u8]) -> anyhow::Result<Self> {
        let document: Document =
            serde_json::from_slice(text).context("it is not a JSON Web Key Set")?;
        if document.keys.len() > MOST_KEYS {
            bail!("it has {} keys, more than {MOST_KEYS}", document.keys.len());
        }
        let mut keys = Vec::new();
        let all = document.keys.len();
        for value in document.keys {
            match serde_json::from_value(value)
                .context("it is not of a known kind")
                .and_then(|jwk| Key::read(&jwk))
            {
                Ok(key) => keys.push(key),
                Err(why) => tracing::debug!(why = format!("{why:#}"), "a key is left out"),
            }
        }
        Ok(Self {
            left_out: all - keys.len(),
            keys,
        })
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

    /// Whether there is a key of this name, whatever it is for.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.keys.iter().any(|key| key.id.as_deref() == Some(id))
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn left_out(&self) -> usize {
        self.left_out
    }
}

// === impl Key ===

impl Key {
    fn read(jwk: &Jwk) -> anyhow::Result<Self> {
        let common = &jwk.common;
        let signs = |usage: &PublicKeyUse| *usage == PublicKeyUse::Signature;
        if !common.public_key_use.as_ref().is_none_or(signs) {
            bail!("it is not for signatures");
        }
        let operations = common.key_operations.as_ref();
        if operations.is_some_and(|them| !them.contains(&KeyOperations::Verify)) {
            bail!("it is not for verifying");
        }
        let mut verifies = algorithms(&jwk.algorithm)?;
        if let Some(named) = common.key_algorithm {
            let named = Algorithm::try_from(named).context("its `alg` signs nothing")?;
            verifies.retain(|algorithm| *algorithm == named);
            if verifies.is_empty() {
                bail!("its `alg` does not go with its kind");
            }
        }
        Ok(Self {
            id: common.key_id.clone(),
            verifies,
            key: DecodingKey::from_jwk(jwk)?,
        })
    }
}

/// What a key of this kind can verify. Never a shared secret: whoever checks with it could sign too.
fn algorithms(parameters: &AlgorithmParameters) -> anyhow::Result<Vec<Algorithm>> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    match parameters {
        AlgorithmParameters::RSA(rsa) => {
            let bits = bits(&rsa.n)?;
            if bits < RSA_BITS {
                bail!("its modulus has {bits} bits, fewer than {RSA_BITS}");
            }
            Ok(vec![RS256, RS384, RS512, PS256, PS384, PS512])
        }
        AlgorithmParameters::EllipticCurve(point) => match point.curve {
            EllipticCurve::P256 => Ok(vec![ES256]),
            EllipticCurve::P384 => Ok(vec![ES384]),
            _ => bail!("its curve is not P-256 or P-384"),
        },
        AlgorithmParameters::OctetKeyPair(pair) => match pair.curve {
            EllipticCurve::Ed25519 => Ok(vec![EdDSA]),
            _ => bail!("its curve is not Ed25519"),
        },
        _ => bail!("it is not an asymmetric key"),
    }
}

/// The length of a number, leading zeros not counted.
fn bits(number: &str) -> anyhow::Result<usize> {
    let bytes = URL_SAFE_NO_PAD
        .decode(number)
        .context("its modulus is not base64url")?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let significant = &bytes[zeros..];
    let empty = significant.first().map_or(0, |byte| byte.leading_zeros());
    Ok(significant.len() * 8 - empty as usize)
}
