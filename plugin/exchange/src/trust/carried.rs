//! The credentials that a request carries.

use scimguard_core::{Request, sha256_hex};

/// Header values that may be tokens, with and without their scheme.
pub(super) struct Carried<'r>(Vec<&'r str>);

// === impl Carried ===

impl<'r> Carried<'r> {
    pub(super) fn by(request: &'r Request) -> Self {
        let values = request.headers.iter();
        let texts = values.filter_map(|(_, value)| texts(value));
        let tokens = texts.flat_map(|(text, behind)| [Some(text), behind].into_iter().flatten());
        Self(tokens.collect())
    }

    pub(super) fn has(&self, token: &str) -> bool {
        self.0.contains(&token)
    }

    pub(super) fn has_hash(&self, sha256: &str) -> bool {
        let mut hashes = self.0.iter().map(|token| sha256_hex(token.as_bytes()));
        hashes.any(|hash| hash == sha256)
    }
}

/// The token of a SCIM request, unless it has the form of a JWT.
pub(crate) fn opaque_token(request: &Request) -> Option<&str> {
    let carried = |name: &str| {
        let header = request.headers.iter().find(|(other, _)| other == name);
        header.map(|(_, value)| texts(value))
    };
    let token = match carried("authorization") {
        Some(value) => value?.1?,
        None => carried("x-api-key")??.0,
    };
    (!token.is_empty() && token.split('.').count() != 3).then_some(token)
}

/// A value, and the part after its scheme.
fn texts(value: &[u8]) -> Option<(&str, Option<&str>)> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let behind = text.split_once(' ').map(|(_, token)| token.trim());
    Some((text, behind))
}
