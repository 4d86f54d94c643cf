//! A policy that lies: everything that does not belong to the request is refused, and nothing is
//! sent, looked up or recorded. Next to each lie is the corresponding truth.

pub(super) mod every;

use scimguard_core::record::Record;

use self::every::{every_key, every_record};
use super::*;

const OWN: &str = "sat.ACC1.own.secret-of-own";
const OTHERS: &str = "sat.ACC2.other.secret-of-other";
const REVOKED: &str = "sat.ACC1.old.secret-of-old";

const USERS: &str = "/scim/ACC1/Users";
const MANAGED: &str = "/manage/groups?accountIdentifier=ACC1";

/// What a policy answers to a request whose facts are available.
type Says = Box<dyn Fn(&Request) -> PolicyAnswer + Send + Sync>;

enum PolicyAnswer {
    First(Verdict),
    /// About the backend's answer.
    Then(Outcome),
}

/// A row: the client and the policy's answer.
struct Case {
    name: &'static str,
    path: String,
    token: &'static str,
    says: Says,
}

fn case(
    name: &'static str,
    path: impl Into<String>,
    token: &'static str,
    says: impl Fn(&Request) -> PolicyAnswer + Send + Sync + 'static,
) -> Case {
    Case {
        name,
        path: path.into(),
        token,
        says: Box::new(says),
    }
}

/// Forwards with these claims.
fn claims(
    account: Option<&'static str>,
    token: Option<&'static str>,
) -> impl Fn(&Request) -> PolicyAnswer {
    move |request| {
        PolicyAnswer::First(Verdict::Forward(Forward {
            account: account.map(str::to_owned),
            verified_token: token.map(str::to_owned),
            ..pass(request)
        }))
    }
}

fn sends(path: &'static str) -> impl Fn(&Request) -> PolicyAnswer {
    move |request| {
        PolicyAnswer::First(Verdict::Forward(Forward {
            path: path.to_owned(),
            ..pass(request)
        }))
    }
}

fn asks(key: Key) -> impl Fn(&Request) -> PolicyAnswer {
    move |_| PolicyAnswer::First(need(key.clone()))
}

/// The record in every place where a policy gives one.
fn records(record: &Record, account: Option<&'static str>) -> Vec<Says> {
    let first = record.clone();
    let second = record.clone();
    let third = record.clone();
    let account = account.map(str::to_owned);
    let named = account.clone();
    vec![
        Box::new(move |request| {
            PolicyAnswer::First(Verdict::Forward(Forward {
                account: account.clone(),
                records: vec![first.clone()],
                ..pass(request)
            }))
        }),
        Box::new(move |_| {
            PolicyAnswer::First(Verdict::Proceed(Proceed {
                records: vec![second.clone()],
                account: named.clone(),
                ..proceed()
            }))
        }),
        Box::new(move |_| {
            PolicyAnswer::Then(Outcome::Respond(Respond {
                records: vec![third.clone()],
                ..respond(204)
            }))
        }),
    ]
}

/// Needs the token first, as every policy does, then answers; if given more facts, it forwards.
fn script(token: &str, says: Says) -> Script {
    let token = Key::Token(sha256_hex(token.as_bytes()));
    let says = Arc::new(says);
    let then = Arc::clone(&says);
    let of_answer = move || match then(&empty()) {
        PolicyAnswer::Then(outcome) => outcome,
        PolicyAnswer::First(_) => Outcome::Respond(respond(204)),
    };
    Script::new()
        .evaluate(move |request, facts| {
            if answer(facts, &token).is_none() {
                return Ok(need(token.clone()));
            }
            if facts.len() > 1 {
                return Ok(reject(204));
            }
            Ok(match says(request) {
                PolicyAnswer::First(verdict) => verdict,
                PolicyAnswer::Then(_) => Verdict::Forward(Forward {
                    account: Some("ACC1".to_owned()),
                    ..observed(request)
                }),
            })
        })
        .observe(move |_, _| Ok(of_answer()))
}

fn empty() -> Request {
    Request {
        method: String::new(),
        path: String::new(),
        headers: Vec::new(),
        body: Body::None,
        annotate: false,
    }
}

const KEYS: &str = "[backend_credential]\nfile = \"backend.token\"\nheader = \"x-api-key\"\n";

/// The client's answer, and the requests that the backend saw.
async fn run(case: Case) -> (String, Vec<backend::Seen>, bool) {
    let backend = Backend::start(async |_| json(204, "")).await;
    let guard = Guard::configured(script(case.token, case.says), &backend, KEYS).await;
    for (account, id, text) in [
        ("ACC1", "own", OWN),
        ("ACC2", "other", OTHERS),
        ("ACC1", "old", REVOKED),
    ] {
        guard.add_token(account, id, text, Some("okta")).await;
    }
    guard.store.revoke_token("ACC1", "old").await.unwrap();
    let before = written(&guard).await;
    let Case { path, token, .. } = case;
    let head = format!("host: g\r\nauthorization: Bearer {token}\r\nconnection: close\r\n");
    let answer = guard
        .raw(&format!(
            "POST {path} HTTP/1.1\r\n{head}content-length: 2\r\n\r\n{{}}"
        ))
        .await;
    let wrote = before != written(&guard).await;
    (answer, backend.seen(), wrote)
}

/// Every table of the store, as text.
async fn written(guard: &Guard) -> String {
    let mut text = String::new();
    for account in ["ACC1", "ACC2"] {
        let keys: Vec<Key> = every_key(account, OWN)
            .into_iter()
            .chain([Key::UserByName(UserKey {
                account: account.to_owned(),
                value: "ann".to_owned(),
                unseen: Unseen::Absent,
            })])
            .collect();
        text.push_str(&format!("{:?}", guard.store.answer(&keys).await.unwrap()));
    }
    text
}

/// Refused before anything was done.
async fn assert_lie(case: Case) {
    let name = case.name;
    // A lie about the backend's answer comes after it.
    let after = matches!((case.says)(&empty()), PolicyAnswer::Then(_));
    let (answer, seen, wrote) = run(case).await;
    let number = status(&answer).to_owned();
    assert!(matches!(number.as_str(), "500" | "503"), "{name}: {answer}");
    assert!(
        answer.contains("scimguard-rule: plugin.trapped"),
        "{name}: {answer}"
    );
    assert_eq!(seen.len(), usize::from(after), "{name}: {seen:?}");
    assert!(!wrote, "{name}: something was recorded");
}

async fn assert_true(case: Case) -> Vec<backend::Seen> {
    let name = case.name;
    let (answer, seen, _) = run(case).await;
    assert_eq!(status(&answer), "204", "{name}: {answer}");
    seen
}

#[tokio::test]
async fn no_request_leaves_its_account_or_base() {
    for path in [
        "/scim/ACC2/Users",
        "/scim/acc1/Users",
        "/scim/ACC1%20/Users",
        "/scim/ACC1/../ACC2/Users",
        "/scim/ACC1/%2e%2e/ACC2/Users",
        "/scim/ACC1/%252e%252e/ACC2/Users",
        "/scim/ACC1/%25252e%25252e%25252fACC2/Users",
        "/scim/ACC1/..%2fACC2%2fUsers",
        "/scim/ACC1/..%255cACC2",
        "/scim/ACC1/..;x=1/ACC2/Users",
        "/scim/ACC1/Users/%00",
        "/scim/%41CC2/Users",
        "/scim/ACC1%252F..%252FACC2/Users",
        "//scim/ACC1/Users",
        "/scim",
        "/manage/groups",
        "/",
    ] {
        assert_lie(case(path, USERS, OWN, sends(path))).await;
    }
    for path in [
        USERS,
        "/scim/ACC1/Users/u%20one?x=%252e%252e",
        "/scim/%41CC1/Users",
    ] {
        assert_true(case(path, USERS, OWN, sends(path))).await;
    }
    for path in [
        "/manage/groups?accountIdentifier=ACC2",
        "/manage/other",
        USERS,
    ] {
        assert_lie(case(path, MANAGED, OWN, sends(path))).await;
    }
    // The client's own path leads to SCIM.
    for path in [
        "/SCIM/ACC2/Users",
        "/x/..;/scim/ACC2/Users",
        "/scim%252fACC2%252fUsers",
    ] {
        assert_lie(case(path, path, OWN, claims(None, None))).await;
    }
    assert_true(case(MANAGED, MANAGED, OWN, claims(None, None))).await;
}

#[tokio::test]
async fn no_fact_of_another_account_or_token_is_looked_up() {
    for key in every_key("ACC2", OTHERS) {
        assert_lie(case("of SCIM", USERS, OWN, asks(key.clone()))).await;
        assert_lie(case("of management", MANAGED, OWN, asks(key))).await;
    }
    let others = every_key("ACC1", OTHERS).into_iter().take(2);
    for key in others {
        assert_lie(case("another's token", USERS, OWN, asks(key))).await;
    }
    for key in every_key("ACC1", OWN).into_iter().skip(1) {
        assert_true(case("of SCIM", USERS, OWN, asks(key.clone()))).await;
        assert_true(case("of management", MANAGED, OWN, asks(key))).await;
    }
}

#[tokio::test]
async fn nothing_of_another_account_is_recorded() {
    for record in every_record("ACC2") {
        for path in [USERS, MANAGED] {
            for says in records(&record, Some("ACC1")) {
                let (name, path) = ("another account's record", path.to_owned());
                assert_lie(Case {
                    name,
                    path,
                    token: OWN,
                    says,
                })
                .await;
            }
        }
    }
    for record in every_record("ACC1") {
        for says in records(&record, Some("ACC1")) {
            assert_true(Case {
                name: "its own record",
                path: USERS.to_owned(),
                token: OWN,
                says,
            })
            .await;
        }
    }
}

#[tokio::test]
async fn a_token_is_the_requests_own_and_good() {
    #[rustfmt::skip]
    let cases = [
        ("none was sent for it", USERS, OWN, Some("ACC1"), "other"),
        ("nobody's", USERS, OWN, Some("ACC1"), "nobody"),
        ("of another account", USERS, OTHERS, Some("ACC1"), "other"),
        ("of another account, unnamed", USERS, OTHERS, None, "other"),
        ("of another account, named", USERS, OTHERS, Some("ACC2"), "other"),
        ("revoked", USERS, REVOKED, Some("ACC1"), "old"),
        ("of no account", USERS, OWN, Some(""), "own"),
        ("of another account, managed", MANAGED, OTHERS, Some("ACC1"), "other"),
    ];
    for (name, path, token, account, claimed) in cases {
        assert_lie(case(name, path, token, claims(account, Some(claimed)))).await;
    }
    for (path, account) in [
        (USERS, Some("ACC1")),
        (USERS, None),
        (MANAGED, Some("ACC1")),
        ("/manage/all", None),
        ("/manage/all", Some("ACC1")),
    ] {
        let seen = assert_true(case("its own", path, OWN, claims(account, Some("own")))).await;
        assert_eq!(seen[0].headers["x-api-key"], "own-secret", "{path}");
    }
    let seen = assert_true(case("none", USERS, OWN, claims(Some("ACC1"), None))).await;
    assert!(!seen[0].headers.contains_key("x-api-key"));
}

#[tokio::test]
async fn the_guards_credential_goes_nowhere_else_than_the_token() {
    for (token, account) in [(OTHERS, None), (OTHERS, Some("ACC2"))] {
        let says = claims(account, Some("other"));
        let (answer, seen, wrote) = run(case("another's", MANAGED, token, says)).await;
        assert_refused(&answer, "403", "token.wrong-account");
        assert!(seen.is_empty() && !wrote);
    }
    for path in [
        "/manage/all?accountIdentifier=ACC2",
        "/manage/all?ACCOUNTID=ACC2",
        "/manage/all?x=ACC1&routingId=ACC2",
    ] {
        let says = claims(None, Some("own"));
        let (answer, seen, _) = run(case("for another", path, OWN, says)).await;
        assert_refused(&answer, "403", "token.wrong-account");
        assert!(seen.is_empty());
    }
}
