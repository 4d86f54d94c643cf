//! A signed token (JWS compact serialisation, RFC 7515 §7.1) before it is verified: read strictly,
//! and only to find out which issuer to ask.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};

use crate::json::{self, Json};

/// Levels of nesting in a header or in claims; more than any issuer uses.
const DEPTH: usize = 16;

/// The form of a token.
pub(crate) enum Form {
    /// Not a JWT: only its store or issuer knows what it means.
    Opaque,
    /// A well-formed JWT.
    Jwt(Jwt),
}

/// A JWT, not verified.
pub(crate) struct Jwt {
    header: Json,
    payload: Json,
}

/// A token that claims to be a JWT and is not well-formed, or is not signed.
pub(crate) struct Malformed;

/// Reads the form of a token.
///
/// It claims to be a JWT if its first part holds a JSON object with `alg`, even in an encoding that
/// a JWT may not have.
pub(crate) fn read(token: &str) -> Result<Form, Malformed> {
    let Some((first, _)) = token.split_once('.') else {
        return Ok(Form::Opaque);
    };
    let Some(text) = forgiving()
        .decode(first)
        .ok()
        .filter(|text| is_object(text))
    else {
        return Ok(Form::Opaque);
    };
    let header = read_claims(&text).ok_or(Malformed)?;
    let Some(algorithm) = header.get("alg") else {
        return Ok(Form::Opaque);
    };
    let is_signed = algorithm
        .as_str()
        .is_some_and(|name| !name.eq_ignore_ascii_case("none"));
    let parts: Vec<&str> = token.split('.').collect();
    let [encoded_header, payload, signature] = parts[..] else {
        return Err(Malformed);
    };
    let is_encoded = strict(encoded_header).is_some() && strict(signature).is_some();
    if !is_signed || !is_encoded {
        return Err(Malformed);
    }
    let payload = strict(payload)
        .and_then(|text| read_claims(&text))
        .ok_or(Malformed)?;
    Ok(Form::Jwt(Jwt { header, payload }))
}

/// The payload of a token that looks like a JWT, byte for byte.
pub(crate) fn payload_text(token: &str) -> Option<String> {
    let payload = token.split('.').nth(1)?;
    String::from_utf8(strict(payload)?).ok()
}

/// The members of a JSON object without duplicate keys.
pub(crate) fn read_claims(text: &[u8]) -> Option<Json> {
    let (claims, _) = json::read(text, DEPTH).ok()?;
    matches!(claims, Json::Object(_)).then_some(claims)
}

/// Base64url as RFC 7515 §2 defines it: without padding, and with one encoding for each text.
fn strict(part: &str) -> Option<Vec<u8>> {
    let text = URL_SAFE_NO_PAD.decode(part).ok()?;
    (!text.is_empty()).then_some(text)
}

fn forgiving() -> GeneralPurpose {
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&URL_SAFE, config)
}

fn is_object(text: &[u8]) -> bool {
    text.trim_ascii_start().starts_with(b"{")
}

// === impl Jwt ===

impl Jwt {
    /// The issuer that it claims.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.payload.get("iss").and_then(Json::as_str)
    }

    /// The signature algorithm that it claims.
    pub(crate) fn algorithm(&self) -> Option<&str> {
        self.header.get("alg").and_then(Json::as_str)
    }

    /// Whether its header leaves the choice of the key, and of what must be understood, to the
    /// guard.
    ///
    /// The maker of the token chooses the header, so a header that brings its own key (`jwk`,
    /// `x5c`) or says where to get it (`jku`, `x5u`) is refused, not ignored. No extension (`crit`,
    /// RFC 7515 §4.1.11) is understood, not even where the header does not list it as one: an
    /// unencoded payload (`b64`, RFC 7797), encryption and compression (RFC 7516). The payload must
    /// be claims and not another token (`cty`, RFC 7519 §5.2). RFC 9068 §2.1 defines the types.
    pub(crate) fn is_plain(&self) -> bool {
        let is_token = match self.header.get("typ") {
            None => true,
            Some(kind) => media_type(kind).is_some_and(|kind| matches!(&*kind, "jwt" | "at+jwt")),
        };
        let is_nested = match self.header.get("cty") {
            None => false,
            Some(kind) => media_type(kind).is_none_or(|kind| kind.ends_with("jwt")),
        };
        let brings = |name: &str| self.header.get(name).is_some();
        is_token && !is_nested && !NOT_PLAIN.into_iter().any(brings)
    }
}

/// Header members that a signed token of claims never needs.
const NOT_PLAIN: [&str; 8] = ["crit", "jku", "jwk", "x5u", "x5c", "b64", "enc", "zip"];

/// A media type in lower case, from the abbreviated form in `typ` and `cty` (RFC 7515 §4.1.9).
fn media_type(kind: &Json) -> Option<String> {
    let kind = kind.as_str()?.to_ascii_lowercase();
    let short = kind.strip_prefix("application/").map(str::to_owned);
    Some(short.unwrap_or(kind))
}
