//! Percent-encoding (RFC 3986 §2.1), read strictly: what is no encoding of UTF-8 text is nothing.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// The text that a part of a target stands for, decoded once.
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
