//! Applications split queries, fold names and keys and join headers in different ways. Every
//! forwarded request means the same to all of them as to the guard.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;
use scimguard_core::facts::{Fact, Key, Table};
use scimguard_core::{Body, Guard, Request, Verdict};
use serde_json::json;

/// The groups that a decision on a forwarded request asked about: accounts, scopes and ids.
type Asked = BTreeSet<(String, String, String)>;

static HARNESS: LazyLock<Guard> = LazyLock::new(|| guard(&json!({})));

/// The account and organisation are in headers.
static HEADERS: LazyLock<Guard> = LazyLock::new(|| {
    guard(&json!({"management": {"routes": [{
        "method": "DELETE", "path": "/gateway/ng/api/user-groups/{id}", "edit": "group.delete",
        "account": {"header": "x-account"}, "organisation": {"header": "x-org"}, "group": {"path": "id"},
    }]}}))
});

fn guard(policy: &serde_json::Value) -> Guard {
    match Guard::configure(&policy.to_string()) {
        Ok(guard) => guard,
        Err(errors) => panic!("{errors:?}"),
    }
}

/// Decides with an empty record; `None` if refused.
fn asked(guard: &Guard, request: &Request) -> Option<Asked> {
    let table = Table::from_json(&json!({})).expect("empty facts");
    let mut facts: Vec<Fact> = Vec::new();
    for _ in 0..=guard.settings().rounds {
        match guard.evaluate(request, &facts, 0) {
            Verdict::Need(need) => facts.extend(need.keys.into_iter().map(|key| Fact {
                answer: table.answer(&key),
                key,
            })),
            Verdict::Forward(_) => {
                let groups = facts.into_iter().filter_map(|fact| match fact.key {
                    Key::Group(key) => Some((key.account, key.scope, key.id)),
                    _ => None,
                });
                return Some(groups.collect());
            }
            Verdict::Reject(_) => return None,
            Verdict::Proceed(_) => unreachable!("a management request has no parts"),
        }
    }
    unreachable!("more rounds than the settings allow");
}

fn request(method: &str, path: String, headers: &[(String, String)], body: Body) -> Request {
    Request {
        method: method.to_owned(),
        path,
        headers: headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.clone().into_bytes()))
            .collect(),
        body,
        annotate: false,
    }
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

/// A parameter's name as a reader sees it, from the name as sent.
type Named = fn(&str) -> String;

/// One way to read a query: where it is split, how names are read, how values are.
struct Reader {
    name: &'static str,
    splits: &'static [&'static str],
    named: Named,
    value: fn(&str) -> String,
}

/// Everything before the first bracket, unless the name starts with one.
fn bracketless(name: &str) -> String {
    let name = name.trim_start_matches('[');
    name.split(['[', ']']).next().unwrap_or_default().to_owned()
}

const READERS: &[Reader] = &[
    Reader {
        name: "servlets, WHATWG, Go",
        splits: &["&"],
        named: decoded,
        value: decoded,
    },
    Reader {
        name: "HTML 4, CGI.pm, Python before 3.9.2, Rack before 3",
        splits: &["&", ";"],
        named: decoded,
        value: decoded,
    },
    Reader {
        name: "who unescapes HTML first",
        splits: &["&amp;", "&"],
        named: decoded,
        value: decoded,
    },
    Reader {
        name: "PHP",
        splits: &["&"],
        named: |name| {
            let name = decoded(name);
            let name = name.split('\0').next().unwrap_or_default().trim_start();
            let plain = bracketless(name).replace(['.', ' '], "_");
            plain.trim_end_matches('_').to_owned()
        },
        value: decoded,
    },
    Reader {
        name: "Rails, qs",
        splits: &["&"],
        named: |name| bracketless(&decoded(name)),
        value: decoded,
    },
    Reader {
        name: "ASP.NET",
        splits: &["&"],
        named: |name| match decoded(name).to_lowercase().as_str() {
            "accountidentifier" => "accountIdentifier".to_owned(),
            "orgidentifier" => "orgIdentifier".to_owned(),
            other => other.to_owned(),
        },
        value: decoded,
    },
    Reader {
        name: "who decodes twice",
        splits: &["&"],
        named: |name| decoded(&decoded(name)),
        value: |value| decoded(&decoded(value)),
    },
    Reader {
        name: "C",
        splits: &["&"],
        named: |name| {
            decoded(name)
                .split('\0')
                .next()
                .unwrap_or_default()
                .to_owned()
        },
        value: |value| {
            decoded(value)
                .split('\0')
                .next()
                .unwrap_or_default()
                .to_owned()
        },
    },
    Reader {
        name: "who trims",
        splits: &["&"],
        named: |name| decoded(name).trim().to_owned(),
        value: |value| decoded(value).trim().to_owned(),
    },
];

impl Reader {
    /// Returns every value of a parameter that is not empty.
    fn values(&self, query: &str, name: &str) -> BTreeSet<String> {
        let mut pieces = vec![query];
        for split in self.splits {
            pieces = pieces.iter().flat_map(|piece| piece.split(split)).collect();
        }
        let pairs = pieces
            .into_iter()
            .map(|it| it.split_once('=').unwrap_or((it, "")));
        pairs
            .filter(|(given, _)| (self.named)(given) == name)
            .map(|(_, value)| (self.value)(value))
            .filter(|value| !value.is_empty())
            .collect()
    }
}

fn spelt(name: &'static str) -> impl Strategy<Value = String> {
    let (head, tail) = name.split_at(3);
    prop_oneof![
        6 => Just(name.to_owned()),
        1 => Just(name.to_lowercase()),
        1 => Just(name.to_uppercase()),
        1 => Just(format!("%{:02x}{}", name.as_bytes()[0], &name[1..])),
        1 => Just(format!("%25{:02x}{}", name.as_bytes()[0], &name[1..])),
        1 => prop::sample::select(vec!["[]", "[0]", "%5B%5D", "[", ".", " ", "+", "%20", "%00", "%00x", "_"])
            .prop_map(move |behind| format!("{name}{behind}").replace(' ', "%20")),
        1 => prop::sample::select(vec!["[", "%20", "+", ".", "x;", "x%26", ";", "amp;"])
            .prop_map(move |before| format!("{before}{name}")),
        1 => prop::sample::select(vec!["_", ".", "-", "%E2%80%8B"])
            .prop_map(move |within| format!("{head}{within}{tail}")),
    ]
}

fn any_query() -> impl Strategy<Value = String> {
    let account = (
        spelt("accountIdentifier"),
        prop::sample::select(vec![
            "ACC1", "ACC1", "ACC1", "ACC2", "", "ACC%31", "ACC%2531", "ACC1%00", "ACC1;x=1",
            "ACC1%20",
        ]),
    );
    let organisation = (
        spelt("orgIdentifier"),
        prop::sample::select(vec![
            "org1",
            "org1",
            "org2",
            "",
            "%20",
            "+",
            "%C2%A0",
            "%E2%80%8B",
            "org%31",
            "org%2531",
            "org1%00",
            "org1;y",
        ]),
    );
    let other = (
        "[a-z]{1,3}(\\[\\])?",
        prop::sample::select(vec!["1", "a%26b", "a;b", "100%25"]),
    );
    let pair = prop_oneof![
        2 => account.prop_map(|(name, value)| format!("{name}={value}")),
        3 => organisation.prop_map(|(name, value)| format!("{name}={value}")),
        2 => other.prop_map(|(name, value)| format!("{name}={value}")),
    ];
    let separator = prop::sample::select(vec!["&", "&", "&", "&", "&&", ";", "&amp;", "&;"]);
    let more = prop::collection::vec((separator, pair.clone()), 0..4);
    (
        prop_oneof![3 => Just("accountIdentifier=ACC1".to_owned()), 1 => pair],
        more,
    )
        .prop_map(|(first, more)| {
            more.into_iter()
                .fold(first, |query, (separator, pair)| query + separator + &pair)
        })
}

/// A header's name in some spelling, and a value.
fn any_header() -> impl Strategy<Value = (String, String)> {
    let name = prop::sample::select(vec![
        "x-account",
        "x-account",
        "X_Account",
        "x.account",
        "x-other",
        "x-org",
        "x-org",
        "x_org",
    ]);
    let value = prop::sample::select(vec!["ACC1", "ACC1", "ACC2", "", " ", "ACC1,ACC2", "\u{a0}"]);
    (name, value).prop_map(|(name, value)| (name.to_owned(), value.to_owned()))
}

fn any_key() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "userGroupIdsToAdd",
        "userGroupIdsToAdd",
        "userGroupIdsToAdd",
        "usergroupidstoadd",
        "userGroupId\u{17f}ToAdd",
        "userGroup\u{130}dsToAdd",
        "userGroup\u{131}dsToAdd",
        "\u{ff55}serGroupIdsToAdd",
        "userGroupIdsToAdd\u{308}",
        "note",
        "\u{212a}ey",
        "key",
    ])
    .prop_map(str::to_owned)
}

/// Ways to read a key, each with one library's folding.
const FOLDINGS: &[(&str, Named)] = &[
    ("exactly", str::to_owned),
    ("ASCII", str::to_ascii_lowercase),
    ("lower case", str::to_lowercase),
    ("upper case", str::to_uppercase),
    ("Java's equalsIgnoreCase", |key| {
        let simple = |c: char| {
            c.to_uppercase()
                .next()
                .and_then(|c| c.to_lowercase().next())
        };
        key.chars().filter_map(simple).collect()
    }),
    ("full case folding", |key| {
        caseless::default_case_fold_str(key)
    }),
    ("compatibility", scimguard_core::fold),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn every_reader_of_a_forwarded_query_reads_what_the_guard_read(query in any_query()) {
        let path = format!("/gateway/ng/api/user-groups/g?{query}");
        let Some(asked) = asked(&HARNESS, &request("DELETE", path, &[], Body::None)) else {
            return Ok(());
        };
        let [(account, scope, _)] = Vec::from_iter(asked).try_into().expect("one group");
        for reader in READERS {
            let accounts = BTreeSet::from([account.clone()]);
            prop_assert_eq!(reader.values(&query, "accountIdentifier"), accounts, "{}", reader.name);
            let scopes = BTreeSet::from_iter(Some(scope.clone()).filter(|scope| !scope.is_empty()));
            prop_assert_eq!(reader.values(&query, "orgIdentifier"), scopes, "{}", reader.name);
        }
    }

    #[test]
    fn every_reader_of_forwarded_headers_reads_what_the_guard_read(headers in prop::collection::vec(any_header(), 0..4)) {
        let path = "/gateway/ng/api/user-groups/g".to_owned();
        let Some(asked) = asked(&HEADERS, &request("DELETE", path, &headers, Body::None)) else {
            return Ok(());
        };
        let [(account, scope, _)] = Vec::from_iter(asked).try_into().expect("one group");
        let strict: Named = str::to_ascii_lowercase;
        let cgi: Named = |name| name.to_ascii_lowercase().replace('_', "-");
        let lighttpd: Named = |name| name.to_ascii_lowercase().replace(['_', '.'], "-");
        for named in [strict, cgi, lighttpd] {
            let read = |wanted: &str| -> BTreeSet<String> {
                let same = headers.iter().filter(|(name, _)| named(name) == wanted);
                let values = same.flat_map(|(_, value)| value.split(',').map(str::to_owned));
                values.filter(|value| !value.is_empty()).collect()
            };
            prop_assert_eq!(read("x-account"), BTreeSet::from([account.clone()]));
            let scopes = BTreeSet::from_iter(Some(scope.clone()).filter(|scope| !scope.is_empty()));
            prop_assert_eq!(read("x-org"), scopes);
        }
    }

    #[test]
    fn every_reader_of_a_forwarded_body_reads_what_the_guard_read(keys in prop::collection::vec(any_key(), 1..5)) {
        let members: Vec<String> = keys
            .iter()
            .enumerate()
            .map(|(index, key)| format!("{}:[\"g{index}\"]", json!(key)))
            .collect();
        let body = Body::Bytes(format!("{{{}}}", members.join(",")).into_bytes());
        let path = "/gateway/ng/api/user/add-user-to-groups/u?accountIdentifier=ACC1".to_owned();
        let headers = [("content-type".to_owned(), "application/json".to_owned())];
        let Some(asked) = asked(&HARNESS, &request("PUT", path, &headers, body)) else {
            return Ok(());
        };
        let asked: BTreeSet<String> = asked.into_iter().map(|(_, _, id)| id).collect();
        for (name, folded) in FOLDINGS {
            let wanted = folded("userGroupIdsToAdd");
            let same = keys.iter().enumerate().filter(|(_, key)| folded(key) == wanted);
            let read: BTreeSet<String> = same.map(|(index, _)| format!("g{index}")).collect();
            prop_assert_eq!(&read, &asked, "{}", name);
            // No reader takes two forwarded keys for the same one.
            let different: BTreeSet<String> = keys.iter().map(|key| folded(key)).collect();
            prop_assert_eq!(different.len(), keys.len(), "{}", name);
        }
    }
}
