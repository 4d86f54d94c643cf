//! Every request has one reading, however its bytes are split.

use proptest::prelude::*;

use super::*;

/// The first request that is refused, with its rule; and whether a body was broken.
fn fault(bytes: &[u8], cuts: &[usize]) -> (Option<(u64, &'static str)>, bool) {
    let mut framing = Framing::default();
    let mut broken = false;
    let mut rest = bytes;
    for cut in cuts.iter().copied().chain([bytes.len()]) {
        let (part, behind) = rest.split_at(cut.min(rest.len()));
        broken |= framing.read(part).is_err();
        rest = behind;
    }
    let faults = framing.faults();
    let first = faults
        .0
        .get()
        .map(|(first, refused)| (*first, refused.rule));
    (first, broken)
}

#[test]
fn what_two_parsers_could_read_differently_is_refused() {
    #[rustfmt::skip]
    let cases = [
        ("GET /a HTTP/1.1\r\nhost: g\r\n\r\n", None),
        ("\r\nGET /a HTTP/1.1\r\nhost: g\r\n\r\n", None),
        ("GET http://g/a HTTP/1.1\r\nhost: g\r\n\r\n", None),
        ("OPTIONS * HTTP/1.1\r\nhost: g\r\n\r\n", None),
        ("CONNECT g:1 HTTP/1.1\r\nhost: g\r\n\r\n", None),
        ("POST /a HTTP/1.1\r\nContent-Length : 1\r\n\r\nx", None),
        ("POST /a HTTP/1.1\r\ntransfer-encoding: Chunked\r\n\r\n0\r\n\r\n", None),
        ("POST /a HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
            Some("body.syntax")),
        ("POST /a HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n",
            Some("body.syntax")),
        ("POST /a HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n", Some("body.syntax")),
        ("POST /a HTTP/1.1\r\ncontent-length: 1, 1\r\n\r\n", Some("body.syntax")),
        ("POST /a HTTP/1.1\r\ncontent-length: +1\r\n\r\n", Some("body.syntax")),
        ("POST /a HTTP/1.1\r\ncontent-length:\r\n\r\n", Some("body.syntax")),
        ("POST /a HTTP/1.1\r\ncontent-length: 99999999999999999999\r\n\r\n", Some("body.syntax")),
        ("POST /a HTTP/1.1\r\ntransfer-encoding: gzip, chunked\r\n\r\n", Some("body.syntax")),
        ("POST /a HTTP/1.1\r\ntransfer-encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            Some("body.syntax")),
        ("GET /a HTTP/1.1\r\nx: 1\r\n 2\r\n\r\n", Some("body.syntax")),
        ("GET /a HTTP/1.1\nhost: g\n\n", Some("body.syntax")),
        ("GET /a HTTP/1.1\r\nhost: g\n\r\n", Some("body.syntax")),
        ("GET /a HTTP/1.1\r\nx: 1\r2\r\n\r\n", Some("body.syntax")),
        ("\nGET /a HTTP/1.1\r\n\r\n", Some("body.syntax")),
        ("GET /a#b HTTP/1.1\r\nhost: g\r\n\r\n", Some("route.ambiguous-path")),
        ("GET g HTTP/1.1\r\nhost: g\r\n\r\n", Some("route.ambiguous-path")),
        ("GET ftp://g/a HTTP/1.1\r\nhost: g\r\n\r\n", Some("route.ambiguous-path")),
    ];
    for (head, rule) in cases {
        assert_eq!(
            fault(head.as_bytes(), &[]),
            (rule.map(|rule| (0, rule)), false),
            "{head:?}"
        );
    }
}

#[test]
fn chunks_have_one_reading() {
    let head = "POST /a HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n";
    for (body, broken) in [
        ("2\r\nok\r\n0\r\n\r\n", false),
        ("02;a=b\r\nok\r\n0\r\nx: 1\r\n\r\n", false),
        ("2 ;a\r\nok\r\n0;b\r\n\r\n", false),
        ("2\nok\r\n0\r\n\r\n", true),
        ("2;a\nok\r\n0\r\n\r\n", true),
        ("0x2\r\nok\r\n0\r\n\r\n", true),
        ("2 3\r\nok\r\n0\r\n\r\n", true),
        ("\r\n", true),
        ("11111111111111111\r\n", true),
        ("ffffffffffffffff\r\n", true),
        ("0\r\nx: 1\n\r\n", true),
    ] {
        let (first, was) = fault(format!("{head}{body}").as_bytes(), &[]);
        assert_eq!((first.is_some(), was), (broken, broken), "{body:?}");
    }
}

#[test]
fn http_2_is_left_to_its_own_parser() {
    let bytes = [PREFACE, b"\x00\x00\x00\x04\x00\n\n\n"].concat();
    assert_eq!(fault(&bytes, &[3, 9]), (None, false));
    let almost = b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n";
    assert!(fault(almost, &[]).0.is_some());
}

/// An unambiguous request as bytes.
fn request() -> impl Strategy<Value = Vec<u8>> {
    let chunks = prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..4);
    let chunked = (chunks, prop::bool::ANY).prop_map(|(chunks, trailer)| {
        let mut bytes = b"PUT /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for chunk in chunks {
            bytes.extend(format!("{:X};e=1\r\n", chunk.len()).bytes());
            bytes.extend(chunk);
            bytes.extend(b"\r\n");
        }
        bytes.extend(if trailer {
            &b"0\r\nx: y\r\n\r\n"[..]
        } else {
            b"0\r\n\r\n"
        });
        bytes
    });
    let whole = prop::collection::vec(any::<u8>(), 0..60).prop_map(|body| {
        let mut bytes = format!("POST /a HTTP/1.1\r\ncontent-length: {}\r\n\r\n", body.len());
        let mut bytes = std::mem::take(&mut bytes).into_bytes();
        bytes.extend(body);
        bytes
    });
    let bare = Just(b"GET /c HTTP/1.1\r\nhost: g\r\n\r\n".to_vec());
    prop_oneof![chunked, whole, bare]
}

proptest! {
    /// Bodies may hold anything, even what looks like a request; how the bytes are split makes no
    /// difference; and the refused request is the ambiguous one.
    #[test]
    fn requests_are_counted_whatever_their_bodies_hold(
        before in prop::collection::vec(request(), 0..5),
        bad in prop::bool::ANY,
        cuts in prop::collection::vec(0_usize..30, 0..20),
    ) {
        let mut bytes = before.concat();
        if bad {
            bytes.extend(b"GET /d HTTP/1.1\r\ncontent-length: 3\r\ncontent-length: 3\r\n\r\nabc");
        }
        bytes.extend(b"GET /e HTTP/1.1\r\n\r\n");
        let number = u64::try_from(before.len()).unwrap();
        let expected = bad.then_some((number, "body.syntax"));
        prop_assert_eq!(fault(&bytes, &cuts), (expected, false));
    }

    #[test]
    fn nothing_makes_it_fail(bytes in prop::collection::vec(any::<u8>(), 0..300), cut in 0_usize..300) {
        prop_assert_eq!(fault(&bytes, &[]).0, fault(&bytes, &[cut]).0);
    }
}
