//! Verifies the signature of a JSON Web Token (RFC 7515 §5.2), but not its claims: the policy
//! judges those, on the payload exactly as signed.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::value::RawValue;

use super::jwks::KeySet;

/// Why a token is not the issuer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unverified {
    /// No key of the issuer could have signed it.
    Refused,
    /// None of the present keys signed it, but a newer one may have.
    UnknownKey,
}

/// The payload of a token that one of the keys has signed.
pub(crate) fn verify(token: &str, keys: &KeySet) -> Result<String, Unverified> {
    let header = decode_header(token).map_err(|_| Unverified::Refused)?;
    // RFC 7515 §4.1.11: extensions that are not supported. An unencoded payload is one (RFC 7797).
    if header.crit.is_some() || header.enc.is_some() || header.zip.is_some() {
        return Err(Unverified::Refused);
    }
    let id = header.kid.as_deref();
    if id.is_some_and(|id| !keys.has(id)) {
        return Err(Unverified::UnknownKey);
    }
    keys.candidates(header.alg, id)
        .find_map(|key| payload(token, key, header.alg))
        .ok_or(match id {
            Some(_) => Unverified::Refused,
            None => Unverified::UnknownKey,
        })
}

fn payload(token: &str, key: &DecodingKey, algorithm: Algorithm) -> Option<String> {
    let mut signature_only = Validation::new(algorithm);
    signature_only.required_spec_claims.clear();
    signature_only.validate_exp = false;
    signature_only.validate_nbf = false;
    signature_only.validate_aud = false;
    let decoded = decode::<Box<RawValue>>(token, key, &signature_only).ok()?;
    Some(decoded.claims.get().to_owned())
}
