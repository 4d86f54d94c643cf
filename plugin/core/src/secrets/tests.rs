//! Secrets are hidden wherever and however they occur in a text, and nothing else is.

use proptest::prelude::*;

use super::*;

const SECRETS: &[(&str, &str)] = &[
    ("pat.ACC1.tok1.s3cretS3cret", "s3cretS3cret"),
    ("sat.ACC1.t.s3cret", "s3cret"),
    ("SAT.a-b_c.t~1.s3c-ret_=", "s3c-ret_"),
    (
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzM2NyZXQifQ.c2lnbmF0dXJl",
        "eyJzdWIiOiJzM2NyZXQifQ",
    ),
    ("eyJhbGciOiJkaXIifQ..aXZpdg.Y2lwaGVy.dGFn", "Y2lwaGVy"),
    ("SSWS 00abcdefs3cret", "00abcdefs3cret"),
    ("SSWS hush", "hush"),
    ("ssws: hush", "hush"),
    ("Bearer s3cret", "s3cret"),
    ("bearer+hushhush", "hushhush"),
    ("Bearer: a/b+c==", "a/b+c=="),
    ("Authorization: Basic YW5uOmh1c2g=", "YW5uOmh1c2g"),
    ("DPoP hush1", "hush1"),
    ("https://ann:hush@example.com/a?b", "hush"),
    ("https://hush@example.com", "hush"),
    ("postgres://ann:hu@sh@db/x", "hu@sh"),
    ("//ann:hush@example.com", "hush"),
    ("/callback?access_token=hush&x=1", "hush"),
    ("?x=1&client-secret=hush", "hush"),
    (
        "00aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789abcd",
        "aBcDeFgHiJkLmNoPqRsTuVwXyZ",
    ),
];

#[test]
fn secrets_are_hidden() {
    for (text, secret) in SECRETS {
        let shown = hide_secrets(text);
        assert!(!shown.contains(secret), "{text} is shown as {shown}");
        assert_eq!(hide_secrets(&shown), shown, "{text}");
    }
    let blank = "ewogImFsZyI6IjEifQ.e30.aHVzaA";
    assert_eq!(hide_secrets(&format!("token {blank}.")), "token ********");
}

#[test]
fn the_text_around_them_stays() {
    for (text, shown) in [
        ("/Users/sat.A.b.c/groups", "/Users/********/groups"),
        ("a Bearer abc123, and more", "a Bearer ********, and more"),
        ("https://u:p@h/x", "https://********@h/x"),
        ("a%2Fsat%2eA%2Eb.c%20d", "a%2F********%20d"),
        ("x?token=abc&y=1", "x?token=********&y=1"),
        (r#"{"a":"pat.A.b.c","d":1}"#, r#"{"a":"********","d":1}"#),
    ] {
        assert_eq!(hide_secrets(text), shown);
    }
}

#[test]
fn what_is_no_secret_stays() {
    for text in [
        "The request carries no credential. Send Authorization: Bearer TOKEN; in Okta, choose HTTP Header as authentication mode.",
        "The request carries no credential. Send Authorization: Bearer TOKEN; in Microsoft Entra ID, enter it as the Secret Token.",
        "The request must carry exactly one Bearer or API-key token; one that is a JWT must be signed.",
        "Bearer realm=\"scim\"",
        "Basic authentication is not taken here. Use a Bearer token.",
        "ann.smith@example.com",
        "emails[type eq \"work\" and value eq \"ann@example.com\"]",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber",
        "https://example.com/a@b?x=1&y=2#z",
        "/gateway/ng/api/scim/account/ACC1/Users/0b3c?filter&count",
        "pat.example.com and sat.org",
        "{\"at\":1,\"token\":\"tok1\",\"rule\":\"token.unknown\",\"micros\":12}",
        "00000000000000000000000000000000000000000a",
        "e2e.test.example.com",
        "50% of a\\b and %zz",
        "",
    ] {
        assert_eq!(hide_secrets(text), text);
    }
}

/// Spellings of a text: each character plain, percent-encoded, encoded twice, or escaped.
fn written(text: &str, ways: &[u8]) -> String {
    let mut out = String::new();
    for (byte, way) in text.bytes().zip(ways.iter().cycle()) {
        match way {
            0 => out.push_str(&format!("%{byte:02x}")),
            1 => out.push_str(&format!("%25{byte:02X}")),
            2 => out.push_str(&format!("\\u{byte:04x}")),
            3 => out.push_str(&format!("%5Cu{byte:04x}")),
            _ => out.push(char::from(byte)),
        }
    }
    out
}

proptest! {
    /// A secret of any form, in any surroundings and spelling, is gone, and decoding the shown text
    /// does not reveal it.
    #[test]
    fn no_secret_survives(
        before in "[^a-zA-Z0-9%\\\\_-]?|.{0,20}[ /\"=,&]",
        which in 0..SECRETS.len(),
        tail in "[A-Za-z0-9]{6,30}",
        ways in prop::collection::vec(0_u8..40, 1..20),
        after in "|[ \"&#,<].{0,20}",
    ) {
        let (text, secret) = SECRETS[which];
        // A different secret of the same form each time.
        let fresh = secret.len() > 5 && !text.starts_with("00");
        let (text, secret) = match fresh {
            true => (text.replace(secret, &format!("{secret}{tail}")), format!("{secret}{tail}")),
            false => (text.to_owned(), secret.to_owned()),
        };
        let whole = format!("{before}{}{after}", written(&text, &ways));
        let shown = hide_secrets(&whole);
        let read = Reading::of(&shown);
        prop_assert!(
            !find(read.bytes(), secret.as_bytes()),
            "{whole:?} is shown as {shown:?}"
        );
    }

    /// No text causes a panic, and hiding twice changes nothing more.
    #[test]
    fn any_text_is_read(text in "(\\PC|[%.@:/?&=+ \\\\]|eyJ|sat\\.|[Bb]earer |%25|\\\\u00|://){0,60}") {
        let shown = hide_secrets(&text).into_owned();
        let again = hide_secrets(&shown).into_owned();
        prop_assert_eq!(hide_secrets(&again), again.as_str());
    }
}

/// Every place may start a secret that never ends. Reading the rest again for each would take too
/// long.
#[test]
fn a_text_is_read_in_the_time_of_its_length() {
    for part in [
        "EYJ",
        "basic=realm=",
        "Bearer realm+",
        "pat.",
        "0-",
        "//a@",
        "?a",
    ] {
        let text = part.repeat((1 << 20) / part.len());
        let shown = hide_secrets(&text);
        assert!(shown.len() <= text.len());
    }
}
