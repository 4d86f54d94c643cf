//! Refusals because the body is not one unambiguous JSON document.

use super::Refusal;
use crate::json::{Fault, Flaw};

super::rules! {
    /// The body is larger than `scim.limits.body_bytes`. It is refused before it is fully read.
    TOO_LARGE = "body.too-large", Some(413), None, "RFC 9110 §15.5.14";
    /// The body is not declared once as JSON in UTF-8, the declaration does not parse, or the body is
    /// compressed.
    CONTENT_TYPE = "body.content-type", Some(415), None, "RFC 7644 §3.1, RFC 9110 §8.3.1, §15.5.16";
    /// The request needs a body and has none.
    MISSING = "body.missing", Some(400), Some("invalidSyntax"), "RFC 7644 §3.3";
    /// The body is not UTF-8, or starts with a byte order mark.
    ENCODING = "body.encoding", Some(400), Some("invalidSyntax"), "RFC 8259 §8.1";
    /// The body is not JSON, or does not have the form that the route needs.
    SYNTAX = "body.syntax", Some(400), Some("invalidSyntax"), "RFC 8259 §2";
    /// A key appears twice in one object, perhaps in another case or spelling of the same letters.
    /// Two readers could each use a different value.
    DUPLICATE_KEY = "body.duplicate-key", Some(400), Some("invalidSyntax"), "RFC 8259 §4, RFC 7643 §2.1";
    /// The body nests deeper than `scim.limits.depth`.
    TOO_DEEP = "body.too-deep", Some(400), Some("invalidSyntax"), "RFC 8259 §9";
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        let rule = match fault.flaw {
            Flaw::Encoding => &ENCODING,
            Flaw::Missing => &MISSING,
            Flaw::Syntax => &SYNTAX,
            Flaw::DuplicateKey => &DUPLICATE_KEY,
            Flaw::TooDeep => &TOO_DEEP,
        };
        rule.because(fault.detail)
    }
}
