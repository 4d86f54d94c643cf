//! A request with one account's token is never forwarded under another account's path, however
//! path, query and headers are spelt, even if every issuer confirms the token in every account.

use std::sync::LazyLock;

use proptest::prelude::*;
use scimguard_core::{Body, Forward, Guard, Request};
use serde_json::json;

use crate::face::{Record, decide, guard, jwt};
use crate::fixtures::request;

/// The account whose tokens are tried.
const OWN: &str = "ACC1";
const BASE: &str = "/gateway/ng/api/scim/account/";

/// A policy with issuers of both kinds for all accounts.
static POLICY: LazyLock<Guard> = LazyLock::new(|| {
    let claims = json!({"account": "/acct"});
    guard(&json!({
        "version": 1, "preset": "harness", "management": {"authenticate": true},
        "tokens": {"issuers": [
            {"issuer": "https://id.example.com", "audience": ["guard"], "provider": "okta", "claims": claims},
            {"issuer": "https://as.example.com", "kind": "introspection", "provider": "okta", "claims": claims},
        ]},
    }))
});

/// Tokens of every kind, all for [`OWN`].
fn tokens(record: &mut Record) -> Vec<String> {
    let issued = json!({"iss": "https://id.example.com", "aud": "guard", "exp": 1_890_000_000_u64, "sub": "svc", "acct": OWN});
    let signed = jwt(&issued.to_string());
    record.vouch(&signed, issued);
    let told = json!({"active": true, "sub": "svc", "acct": OWN});
    record.vouch("opaque", told);
    vec![
        "pat.ACC1.tok1.s3cret".to_owned(),
        signed,
        "opaque".to_owned(),
    ]
}

/// A text in a spelling that some reader could take for it.
fn spelt(text: &'static str) -> impl Strategy<Value = String> {
    let spellings = prop::collection::vec(0..12_u8, text.len());
    spellings.prop_map(move |how| {
        text.chars()
            .zip(how)
            .map(|(c, how)| match how {
                0 => format!("%{:02X}", u32::from(c)),
                1 => format!("%{:02x}", u32::from(c)),
                2 => format!("%25{:02x}", u32::from(c)),
                3 => c.to_lowercase().to_string(),
                _ => c.to_string(),
            })
            .collect()
    })
}

fn any_account() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just(OWN.to_owned()),
        3 => Just("ACC2".to_owned()),
        2 => spelt(OWN),
        3 => spelt("ACC2"),
        1 => (spelt(OWN), trick(), spelt("ACC2")).prop_map(|(own, trick, other)| own + trick + &other),
        1 => (spelt("ACC2"), trick(), spelt(OWN)).prop_map(|(other, trick, own)| other + trick + &own),
    ]
}

fn trick() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "/../",
        "/..%2f",
        "%2f..%2f",
        "%2F%2e%2e%2F",
        "/%2e%2e/",
        "/.%2e/",
        "%5c..%5c",
        "\\..\\",
        "//",
        "/./",
        ";",
        "%3b",
        "#",
        "%23",
        "%00",
        "%20",
        "+",
        "?",
        "%3f",
        "&",
        "%26",
        "%252f..%252f",
        "/",
    ])
}

/// A SCIM path that may contain a trick.
fn scim_path() -> impl Strategy<Value = String> {
    let end = prop::sample::select(vec![
        "/Users",
        "/Users/u1",
        "/Groups/g1",
        "/Groups?count=1",
        "/Schemas",
        "/ServiceProviderConfig",
        "",
    ]);
    (
        any_account(),
        end,
        any::<prop::sample::Index>(),
        prop::option::weighted(0.3, trick()),
    )
        .prop_map(|(account, end, at, trick)| {
            let mut path = format!("{BASE}{account}{end}");
            if let Some(trick) = trick {
                path.insert_str(at.index(path.len()), trick);
            }
            path
        })
}

/// A management path that names accounts in its query.
fn management_path() -> impl Strategy<Value = String> {
    let path = prop::sample::select(vec![
        "/gateway/ng/api/user-groups/g1",
        "/gateway/ng/api/user-groups",
        "/gateway/ng/api/user/u1",
        "/gateway/ng/api/user/unlock-user/u1",
        "/gateway/authz/api/roleassignments",
        "/gateway/ng/api/other",
    ]);
    let name = prop_oneof![
        4 => Just("accountIdentifier".to_owned()),
        2 => spelt("accountIdentifier"),
        1 => Just("accountIdentifier[]".to_owned()),
    ];
    let parameter = (name, any_account()).prop_map(|(name, account)| format!("{name}={account}"));
    let query = prop::collection::vec(parameter, 0..3);
    (path, query).prop_map(|(path, query)| format!("{path}?{}", query.join("&")))
}

fn any_headers() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    prop::collection::vec(
        prop::sample::select(vec![
            ("harness-account", "ACC2"),
            ("x-original-url", "/gateway/ng/api/scim/account/ACC2/Users"),
            ("x-http-method-override", "DELETE"),
            ("x-api-key", "pat.ACC2.tok2.s3cret"),
            ("host", "guard.example.com"),
            ("content-type", "application/json"),
        ]),
        0..3,
    )
}

/// Names and values as read by an application that decodes once and ignores case.
fn read_query(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        percent_encoding::percent_decode_str(&text)
            .decode_utf8_lossy()
            .into_owned()
    };
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (decode(name).to_lowercase(), decode(value)))
        .collect()
}

fn stays(forward: &Forward) {
    let (path, query) = forward.path.split_once('?').unwrap_or((&forward.path, ""));
    assert_eq!(
        forward.account.as_deref().unwrap_or(OWN),
        OWN,
        "{}",
        forward.path
    );
    if let Some(rest) = path.strip_prefix(BASE) {
        let account = rest.split('/').next().unwrap_or_default();
        let decoded = percent_encoding::percent_decode_str(account).decode_utf8_lossy();
        assert_eq!(decoded, OWN, "{}", forward.path);
        for trick in [
            "..", "//", "\\", "%2f", "%2e", "%5c", "%25", "%00", ";", "#",
        ] {
            assert!(!rest.to_lowercase().contains(trick), "{}", forward.path);
        }
    } else {
        for (name, value) in read_query(query) {
            let is_account = name.starts_with("accountidentifier");
            assert!(
                !is_account || value.is_empty() || value == OWN,
                "{}",
                forward.path
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_token_reaches_another_account(
        path in prop_oneof![2 => scim_path(), 1 => management_path()],
        method in prop::sample::select(vec!["GET", "POST", "PUT", "PATCH", "DELETE"]),
        carrier in prop::sample::select(vec![
            ("authorization", "Bearer "), ("Authorization", "bearer "), ("AUTHORIZATION", "BEARER  "),
            ("x-api-key", ""), ("X-API-Key", ""),
        ]),
        more in any_headers(),
    ) {
        let mut record = Record::new();
        for token in tokens(&mut record) {
            let (name, scheme) = carrier;
            let mut headers = vec![(name.to_owned(), format!("{scheme}{token}").into_bytes())];
            headers.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())));
            let request = Request {
                method: method.to_owned(),
                path: path.clone(),
                headers,
                body: Body::None,
                annotate: false,
            };
            if let Some(forward) = decide(&POLICY, &record, &request).forwarded() {
                stays(forward);
            }
        }
    }
}

/// Ensures that the property does not hold only because nothing is forwarded.
#[test]
fn every_token_reaches_its_own_account() {
    let mut record = Record::new();
    for token in tokens(&mut record) {
        let spellings = [
            format!("{BASE}ACC1/Users"),
            format!("{BASE}%41CC%31/Users"),
            "/gateway/ng/api/user-groups?accountIdentifier=ACC1".to_owned(),
        ];
        for path in spellings {
            let request = request("GET", &path, &token, Body::None);
            let decided = decide(&POLICY, &record, &request);
            stays(decided.forwarded().expect("it is forwarded"));
        }
    }
}
