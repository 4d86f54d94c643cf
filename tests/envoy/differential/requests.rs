//! Requests as bytes in pieces, by chance: every method and framing, with pieces before, during and
//! after the decision.

use std::time::Duration;

use scimguard_tests::fixtures::HARNESS_BASE;
use serde_json::json;

/// Numbers that follow from a seed (SplitMix64).
pub(super) struct Chance(pub(super) u64);

/// How a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    /// What is special about it, as the list of differences names it.
    pub(super) kind: &'static str,
    pub(super) protocol: Protocol,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) chunked: bool,
    /// The body in pieces; the first one is sent with the head, each other after its pause.
    pub(super) pieces: Vec<(Duration, Vec<u8>)>,
}

/// What each kind adds to a request of HTTP/1.1.
const ODD: [&str; 11] = [
    "two Hosts",
    "Host beside an absolute target",
    "no Host",
    "gRPC media type",
    "braces in the path",
    "angle brackets in the path",
    "UTF-8 in the path",
    "both framings",
    "a length that is none",
    UNKNOWN_LENGTH,
    HEAD_REFUSED,
];

/// The refusal of one has a body to leave out.
const HEAD_REFUSED: &str = "HEAD over HTTP/2";

/// Needs nothing but a method and a framing.
const UNKNOWN_LENGTH: &str = "GET or HEAD with a body of unknown length";

impl Chance {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap_or_default()
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// The request of this number.
pub(super) fn request(chance: &mut Chance, number: usize, token: &str) -> Sent {
    let methods = ["GET", "DELETE", "POST", "PUT", "PATCH", "HEAD", "OPTIONS"];
    let method = chance.of(&methods);
    let path = match chance.below(6) {
        0 => format!("{HARNESS_BASE}/Users"),
        1 => format!("{HARNESS_BASE}/Users/u{number}"),
        2 => format!("{HARNESS_BASE}/Groups/g{number}"),
        3 => format!("/gateway/ng/api/user/u{number}?accountIdentifier=ACC1"),
        4 => format!("/gateway/ng/api/user-groups?accountIdentifier=ACC1&n={number}"),
        _ => format!("/gateway/ng/api/large/{number}?accountIdentifier=ACC1"),
    };
    let mut sent = Sent {
        kind: "usual",
        protocol: chance.of(&[Protocol::Http1, Protocol::Http1, Protocol::Http2]),
        method: method.to_owned(),
        path,
        headers: Vec::new(),
        chunked: chance.below(4) == 0,
        pieces: Vec::new(),
    };
    let media = match sent.path.contains("/scim/") {
        true => "application/scim+json",
        false => "application/json",
    };
    sent.headers
        .push(("content-type".to_owned(), media.to_owned()));
    if chance.below(8) != 0 {
        let credential = format!("Bearer {token}");
        sent.headers.push(("authorization".to_owned(), credential));
    }
    let body = body(chance, number, &sent.method);
    sent.pieces = pieces(chance, body);
    if sent.pieces.is_empty() {
        sent.chunked = false;
    }
    // HTTP/2 bodies are sent without a length.
    let is_unknown = sent.chunked || sent.protocol == Protocol::Http2 && !sent.pieces.is_empty();
    if is_unknown && matches!(method, "GET" | "HEAD") {
        sent.kind = UNKNOWN_LENGTH;
    }
    // One difference at a time, for each has a reason of its own.
    if sent.kind == "usual" && sent.protocol == Protocol::Http1 && chance.below(6) == 0 {
        let kind = chance.of(&ODD);
        make_odd(&mut sent, kind);
    }
    sent
}

/// One of every kind that is odd.
pub(super) fn odd(number: usize, token: &str) -> Option<Sent> {
    let kind = ODD.get(number)?;
    let mut sent = Sent {
        kind: "usual",
        protocol: Protocol::Http1,
        method: "GET".to_owned(),
        path: format!("{HARNESS_BASE}/Users"),
        headers: vec![("authorization".to_owned(), format!("Bearer {token}"))],
        chunked: false,
        pieces: Vec::new(),
    };
    make_odd(&mut sent, kind);
    Some(sent)
}

fn make_odd(sent: &mut Sent, kind: &'static str) {
    sent.kind = kind;
    let mut add = |name: &str, value: &str| sent.headers.push((name.to_owned(), value.to_owned()));
    match kind {
        "two Hosts" => add("host", "other.example.com"),
        "gRPC media type" => {
            sent.headers.retain(|(name, _)| name != "content-type");
            let media = "application/grpc".to_owned();
            sent.headers.push(("content-type".to_owned(), media));
            sent.method = "POST".to_owned();
        }
        "both framings" => {
            add("content-length", "3");
            add("transfer-encoding", "chunked");
            sent.pieces = vec![(Duration::ZERO, b"0\r\n\r\n".to_vec())];
        }
        "a length that is none" => {
            add("content-length", "1, 2");
            sent.pieces.clear();
        }
        "Host beside an absolute target" => {
            sent.path = format!("http://other.example.com{}", sent.path);
        }
        "braces in the path" => sent.path.push_str("/{a}|b^c"),
        "angle brackets in the path" => sent.path.push_str("/<a>\"b\""),
        UNKNOWN_LENGTH => {
            sent.method = "GET".to_owned();
            sent.path = "/gateway/ng/api/large/1?accountIdentifier=ACC1".to_owned();
            sent.chunked = true;
            sent.pieces = vec![(Duration::ZERO, b"{}".to_vec())];
        }
        HEAD_REFUSED => {
            sent.protocol = Protocol::Http2;
            sent.method = "HEAD".to_owned();
            sent.pieces.clear();
        }
        "UTF-8 in the path" => sent.path.push_str("/\u{e9}"),
        _ => {}
    }
}

/// What a client sends; among it a request that nobody may take for one.
fn body(chance: &mut Chance, number: usize, method: &str) -> Vec<u8> {
    let smuggled = format!(
        "DELETE {HARNESS_BASE}/Groups/smuggled HTTP/1.1\r\nhost: a.example.com\r\ncontent-length: 0\r\n\r\n"
    );
    let none = match method {
        "POST" | "PUT" | "PATCH" => 6,
        _ => 2,
    };
    if chance.below(none) == 0 {
        return Vec::new();
    }
    match chance.below(5) {
        0 => smuggled.into_bytes(),
        1 => [b"{", smuggled.as_bytes()].concat(),
        2 => vec![b' '; chance.below(60_000) + 1],
        3 => json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": format!("user{number}@example.com"),
            "name": {"givenName": "A".repeat(chance.below(200) + 1), "familyName": "B"},
            "active": true,
        })
        .to_string()
        .into_bytes(),
        _ => json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "Replace", "value": {"active": "False"}}],
        })
        .to_string()
        .into_bytes(),
    }
}

fn pieces(chance: &mut Chance, body: Vec<u8>) -> Vec<(Duration, Vec<u8>)> {
    let mut rest = body.as_slice();
    let mut all = Vec::new();
    while !rest.is_empty() {
        let size = match (all.len(), chance.below(3)) {
            (4.., _) | (_, 0) => rest.len(),
            (_, 1) => 1,
            _ => chance.below(rest.len()) + 1,
        };
        let (piece, others) = rest.split_at(size);
        // Before the decision, while it is made, and long after it.
        let pause = Duration::from_millis(chance.of(&[0, 1, 5, 20, 80]));
        all.push((pause, piece.to_vec()));
        rest = others;
    }
    all
}
