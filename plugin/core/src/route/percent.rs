//! Strict percent-decoding (RFC 3986 §2.1): invalid encodings and text that is not UTF-8 are
//! refused.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Decodes a part of a target once; `None` if an encoding is invalid or not UTF-8.
pub(super) fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%'
            && !(bytes.next().is_some_and(|hex| hex.is_ascii_hexdigit())
                && bytes.next().is_some_and(|hex| hex.is_ascii_hexdigit()))
        {
            return None;
        }
    }
    percent_decode_str(text)
        .decode_utf8()
        .ok()
        .map(Cow::into_owned)
}
