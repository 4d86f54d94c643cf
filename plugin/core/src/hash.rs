//! The hash that identifies a secret text, so that the text itself is never stored.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// Lower-case hex of SHA-256.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}
