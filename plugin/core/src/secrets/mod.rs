//! Finds text that looks like a secret. Everything written for readers other than the client's
//! application passes through [`hide_secrets`], which hides tokens of the guard and of its issuers
//! (`pat.…`, `sat.…`, JWTs of RFC 7515), values after the name of an authentication scheme (RFC
//! 7617, RFC 6750, Okta's `SSWS`), credentials in URLs (RFC 3986 §3.2.1), and values of parameters
//! with secret names. It also finds secrets that are percent-encoded, even repeatedly, or escaped
//! as in JSON.

mod reading;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use self::reading::Reading;
use crate::json::Json;

/// Replaces a secret; no token contains asterisks.
pub const HIDDEN: &str = "********";

/// Prefixes of Harness's and the guard's own tokens; account, id and secret follow.
const PREFIXES: [&[u8]; 2] = [b"pat.", b"sat."];

/// Authentication schemes whose credential is one word.
const SCHEMES: [&[u8]; 6] = [
    b"bearer",
    b"basic",
    b"ssws",
    b"dpop",
    b"negotiate",
    b"apikey",
];

/// Words that follow the name of a scheme in a sentence.
const WORDS: [&[u8]; 8] = [
    b"authentication",
    b"authorization",
    b"credential",
    b"credentials",
    b"header",
    b"realm",
    b"scheme",
    b"tokens",
];

/// A shorter word may be part of a sentence.
const SHORTEST: usize = 6;

/// Substrings of the names of secret parameters.
const NAMES: [&[u8]; 9] = [
    b"apikey",
    b"assertion",
    b"credential",
    b"passcode",
    b"passphrase",
    b"passwd",
    b"password",
    b"secret",
    b"token",
];

/// Length of an Okta API token, which starts with `00`.
const OKTA: usize = 42;

/// Returns a text with everything that looks like a secret hidden.
#[must_use]
pub fn hide_secrets(text: &str) -> Cow<'_, str> {
    if !may_hold_one(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let reading = Reading::of(text);
    let found = secrets(reading.bytes());
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut end = 0;
    for range in found {
        let source = reading.source(range);
        shown.push_str(text.get(end..source.start).unwrap_or_default());
        shown.push_str(HIDDEN);
        end = source.end;
    }
    shown.push_str(text.get(end..).unwrap_or_default());
    Cow::Owned(shown)
}

/// Quick check: every secret is long, or contains a dot or a character that separates it from its
/// marker.
fn may_hold_one(text: &[u8]) -> bool {
    text.len() >= OKTA
        || text
            .iter()
            .any(|byte| matches!(byte, b'.' | b'%' | b'\\' | b'@' | b'=' | b':' | b' ' | b'+'))
        || find(text, b"eyJ")
}

/// Returns the ranges of secrets, in order and without overlap.
fn secrets(text: &[u8]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut run = Run::default();
    let mut at = 0;
    while at < text.len() {
        match secret_at(text, at, &mut run) {
            Some(range) => {
                at = range.end.max(at + 1);
                found.push(range);
            }
            None => at += 1,
        }
    }
    found
}

/// An unbroken run of dotted parts as in a JWT (RFC 7515 §3.1).
#[derive(Default)]
struct Run {
    end: usize,
    /// At any place before this one, two dots follow in the run.
    two_dots: usize,
}

impl Run {
    /// Returns the run at a place. Places must not decrease, so that each run is scanned once
    /// however many of its places are queried.
    fn at(&mut self, text: &[u8], at: usize) -> &Self {
        if at >= self.end {
            let run = &text[at..];
            let run = &run[..length(run, |byte| byte == b'.' || is_base64url(byte))];
            let mut dots = run
                .iter()
                .enumerate()
                .rev()
                .filter(|(_, byte)| **byte == b'.');
            self.two_dots = dots.nth(1).map_or(0, |(place, _)| at + place);
            self.end = at + run.len();
        }
        self
    }
}

/// Finds the secret that the text at this place announces.
fn secret_at(text: &[u8], at: usize, run: &mut Run) -> Option<Range<usize>> {
    let rest = &text[at..];
    let before = at.checked_sub(1).map(|before| text[before]);
    let begins = !before.is_some_and(|byte| byte.is_ascii_alphanumeric());
    // Looks at each run of characters once.
    let opens = !before.is_some_and(|byte| byte == b'.' || is_base64url(byte));
    let found = match rest[0] {
        b'p' | b'P' | b's' | b'S' if starts(rest, &PREFIXES) => prefixed(rest),
        b'e' | b'E' if opens || starts(rest, &[b"eyJ"]) => {
            let run = run.at(text, at);
            json_object(&text[at..run.end], opens, at < run.two_dots)
        }
        b'0' if !before.is_some_and(is_base64url) => okta(rest),
        b':' if rest.starts_with(b"://") => user_info(&rest[3..], false, 3),
        b'/' if rest.starts_with(b"//") => user_info(&rest[2..], true, 2),
        b'?' | b'&' | b';' => parameter(rest),
        _ => None,
    };
    let found = found.or_else(|| begins.then(|| behind_scheme(rest)).flatten())?;
    Some(at + found.start..at + found.end)
}

/// `pat.ACCOUNT.ID.SECRET`.
fn prefixed(text: &[u8]) -> Option<Range<usize>> {
    let is_part = |byte: u8| byte != b'/' && byte != b'.' && is_token(byte);
    let mut end = PREFIXES[0].len();
    for _ in 0..2 {
        let part = length(&text[end..], is_part);
        if part == 0 || text.get(end + part) != Some(&b'.') {
            return None;
        }
        end += part + 1;
    }
    let secret = length(&text[end..], |byte| byte == b'.' || is_part(byte));
    (secret > 0).then_some(0..end + secret)
}

/// A JWT or the start of one: the base64url of a JSON object (RFC 7515 §3.1).
fn json_object(token: &[u8], opens: bool, has_two_dots: bool) -> Option<Range<usize>> {
    if token.starts_with(b"eyJ") && token.len() >= 12 {
        return Some(0..token.len());
    }
    // Hides a JWT even if its case was changed.
    if starts(token, &[b"eyJ"]) && has_two_dots {
        return Some(0..token.len());
    }
    // `{` and a blank or `}`: the first characters of other objects.
    let is_object = |first: &[u8]| {
        let bytes = URL_SAFE_NO_PAD.decode(first).ok();
        bytes.is_some_and(|bytes| matches!(Json::parse(&bytes), Some(Json::Object(_))))
    };
    let mut parts = token.split(|byte| *byte == b'.');
    let is_jwt = opens
        && has_two_dots
        && parts
            .next()
            .is_some_and(|first| first.len() <= 4096 && is_object(first));
    is_jwt.then_some(0..token.len())
}

fn okta(text: &[u8]) -> Option<Range<usize>> {
    let run = length(text, is_base64url);
    let is_hex = text[..run].iter().all(u8::is_ascii_hexdigit);
    (run == OKTA && text.starts_with(b"00") && !is_hex).then_some(0..run)
}

/// The user info before the `@` of an authority; without a scheme, only if it has a password.
fn user_info(text: &[u8], with_password: bool, offset: usize) -> Option<Range<usize>> {
    let run = length(text, |byte| {
        byte > b' ' && !matches!(byte, b'/' | b'?' | b'#' | b'"' | b'<' | b'>' | b'\\' | b'{')
    });
    let end = text[..run].iter().rposition(|byte| *byte == b'@')?;
    let has_password = text[..end].contains(&b':');
    let given = end > 0 && (has_password || !with_password) && &text[..end] != HIDDEN.as_bytes();
    given.then_some(offset..offset + end)
}

/// The value of a query parameter with a secret name.
fn parameter(text: &[u8]) -> Option<Range<usize>> {
    let name = 1 + length(&text[1..], |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'[' | b']')
    });
    if text.get(name) != Some(&b'=') {
        return None;
    }
    let plain: Vec<u8> = text[1..name]
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .map(u8::to_ascii_lowercase)
        .collect();
    if !NAMES.iter().any(|part| find(&plain, part)) {
        return None;
    }
    let value = length(&text[name + 1..], |byte| {
        byte > b' ' && !matches!(byte, b'&' | b'#' | b'"' | b'<' | b'>' | b'*')
    });
    (value > 0).then_some(name + 1..name + 1 + value)
}

/// The credential after the name of its scheme.
fn behind_scheme(text: &[u8]) -> Option<Range<usize>> {
    let scheme = SCHEMES.iter().find(|scheme| {
        text.get(..scheme.len())
            .is_some_and(|name| name.eq_ignore_ascii_case(scheme))
    })?;
    let gap = length(&text[scheme.len()..], |byte| {
        matches!(byte, b' ' | b'\t' | b'+' | b':' | b'=' | b'"' | b'\'')
    });
    let start = scheme.len() + gap;
    let after = &text[start..];
    let name = length(after, |byte| byte != b'=' && is_token(byte));
    // Reads what follows only if it will be hidden; otherwise many scheme names would each read it
    // again.
    let is_known = gap == 0 || (*scheme != b"ssws" && is_word(&after[..name], after.get(name)));
    let credential = match is_known {
        true => 0,
        false => length(after, is_token),
    };
    (credential > 0).then_some(start..start + credential)
}

/// Whether this text, up to a `=`, is a word of a sentence and not a credential.
fn is_word(name: &[u8], next: Option<&u8>) -> bool {
    // `realm="…"`
    let is_parameter = next == Some(&b'=');
    let word = match is_parameter {
        true => name,
        false => name.strip_suffix(b".").unwrap_or(name),
    };
    let is_one = !is_parameter && word.len() < SHORTEST && word.iter().all(u8::is_ascii_alphabetic);
    WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)) || is_one
}

/// RFC 4648 §5, without padding.
fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// RFC 7235 §2.1, `token68`.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)
}

fn starts(text: &[u8], all: &[&[u8]]) -> bool {
    all.iter().any(|one| {
        text.get(..one.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(one))
    })
}

fn find(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn length(text: &[u8], is_in: impl Fn(u8) -> bool) -> usize {
    let end = text.iter().position(|byte| !is_in(*byte));
    end.unwrap_or(text.len())
}
