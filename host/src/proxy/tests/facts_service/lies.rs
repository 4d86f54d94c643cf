//! Every field of a message, and what happens if a gateway forges it.

use scimguard_core::facts::{TokenText, VerifiedKey};

use super::super::lies::every::every_record as records;
use super::access::{LIMITED, keys};
use super::*;

/// Paths that lead to another account, or that could be read so.
const OTHER_PATHS: [&str; 9] = [
    "/scim/ACC2/Users",
    "/scim/ACC2",
    "/scim/ACC2/Nothing/at/all",
    "/scim/%41CC2/Users?filter=x",
    "/scim/acc1/Users",
    "/scim/ACC1/../ACC2/Users",
    "/scim/ACC1%2f..%2fACC2/Users",
    "/scim//ACC2/Users",
    "/SCIM/ACC1/Users",
];

/// Does not compile if a message gets another field.
#[test]
fn all_fields_of_a_message_are_in_the_tables_below() {
    let FactsRequest {
        pass: _,
        head:
            Head {
                method: _,
                path: _,
                credentials: _,
                source: _,
            },
        stage: _,
        first: _,
        keys: _,
    } = asks(Vec::new());
    let RecordsRequest {
        pass: _,
        head: _,
        verdict,
        records: _,
        end: _,
    } = refused("token.unknown", 401, "192.0.2.1");
    let DecisionReport {
        account: _,
        verified_token: _,
        rule: _,
        status: _,
    } = verdict.unwrap();
}

fn of_path(path: &str) -> Head {
    Head {
        path: path.to_owned(),
        ..head("PATCH")
    }
}

fn verdict() -> DecisionReport {
    DecisionReport {
        account: Some("ACC1".to_owned()),
        verified_token: Some("t1".to_owned()),
        ..DecisionReport::default()
    }
}

/// The decision on a request with this token of ACC1.
fn with_token(id: &str) -> DecisionReport {
    DecisionReport {
        verified_token: Some(id.to_owned()),
        ..verdict()
    }
}

/// A refusal by this rule.
fn by_rule(rule: &str, status: Option<u16>) -> DecisionReport {
    DecisionReport {
        rule: Some(rule.to_owned()),
        status,
        ..verdict()
    }
}

/// A gateway of ACC1 alone, and a guard with a token of it.
async fn limited(backend: &Backend) -> Guard {
    let guard = Guard::configured(Script::new(), backend, LIMITED).await;
    guard.with_token(Some("okta")).await;
    guard
}

#[tokio::test]
async fn the_path_of_a_message_is_the_gateways_in_every_kind_of_message() {
    let backend = Backend::ok().await;
    let guard = limited(&backend).await;
    let gateway = guard.edge();
    for path in OTHER_PATHS {
        let ask = of_head(of_path(path), asks(vec![token_key()]));
        assert_unavailable(gateway.ask(&ask).await, 403);
        for (rule, status) in [("token.unknown", 401), ("okta-only.group-rename", 403)] {
            let mut tell = refused(rule, status, "192.0.2.1");
            tell.head.path = path.to_owned();
            assert_unavailable(gateway.tell(&tell).await, 403);
            // Nor if it names no account, or claims its own.
            let decided = tell.verdict.as_mut().unwrap();
            decided.account = Some("ACC1".to_owned());
            assert_unavailable(gateway.tell(&tell).await, 403);
        }
        let pass = gateway.ask(&asks(vec![user("u1")])).await.unwrap().pass;
        let mut tell = ends(&pass, records("ACC1"));
        tell.head.path = path.to_owned();
        assert_unavailable(gateway.tell(&tell).await, 403);
        gateway.tell(&ends(&pass, Vec::new())).await.unwrap();
    }
    let asked = guard.store.answer(&[user("u1")]).await.unwrap();
    assert_eq!(asked, [Answer::Absent], "nothing was recorded");
    for path in [
        "/scim/ACC1/Users",
        "/scim/%41CC1/Groups/g?count=1",
        "/elsewhere",
    ] {
        let ask = of_head(of_path(path), asks(vec![user("u1")]));
        let pass = gateway.ask(&ask).await.unwrap().pass;
        let tell = tell_of(of_path(path), ends(&pass, Vec::new()));
        gateway.tell(&tell).await.unwrap();
    }
}

/// Even a gateway of every account names one at a time.
#[tokio::test]
async fn keys_records_and_decisions_are_of_the_account_in_the_path() {
    let (_backend, _guard, edge) = service("", "").await;
    for key in keys("ACC2") {
        assert_unavailable(edge.ask(&asks(vec![key])).await, 403);
    }
    let pass = edge.ask(&asks(vec![user("u1")])).await.unwrap().pass;
    for record in records("ACC2") {
        let tell = ends(&pass, vec![record]);
        assert_unavailable(edge.tell(&tell).await, 403);
    }
    let decided = RecordsRequest {
        verdict: Some(DecisionReport {
            account: Some("ACC2".to_owned()),
            ..DecisionReport::default()
        }),
        ..ends(&pass, Vec::new())
    };
    assert_unavailable(edge.tell(&decided).await, 403);
    edge.tell(&ends(&pass, records("ACC1"))).await.unwrap();
}

#[tokio::test]
async fn a_pass_goes_on_with_the_request_that_it_began_with() {
    let backend = Backend::ok().await;
    let guard = limited(&backend).await;
    let gateway = guard.edge();
    let began = head("PATCH");
    let pass = gateway.ask(&asks(vec![token_key()])).await.unwrap().pass;
    let others = [
        Head {
            method: "GET".to_owned(),
            ..began.clone()
        },
        of_path("/scim/ACC1/Groups"),
        Head {
            credentials: vec![("authorization".to_owned(), "Bearer other".to_owned())],
            ..began.clone()
        },
        Head {
            credentials: Vec::new(),
            ..began.clone()
        },
        Head {
            source: Some("192.0.2.2".to_owned()),
            ..began.clone()
        },
        Head {
            source: None,
            ..began.clone()
        },
    ];
    for head in others {
        let ask = of_head(
            head.clone(),
            goes_on(&pass, Stage::Decide, false, vec![user("u1")]),
        );
        assert_unavailable(gateway.ask(&ask).await, 403);
        let tell = tell_of(head, ends(&pass, records("ACC1")));
        assert_unavailable(gateway.tell(&tell).await, 403);
    }
    // Nothing was done, so the request can continue.
    let next = goes_on(&pass, Stage::Decide, false, vec![user("u1")]);
    assert_eq!(gateway.ask(&next).await.unwrap().pass, pass);
    gateway.tell(&ends(&pass, Vec::new())).await.unwrap();
}

#[tokio::test]
async fn a_decision_has_the_form_of_one_and_names_a_token_that_the_gateway_was_told_of() {
    let backend = Backend::ok().await;
    let guard = limited(&backend).await;
    let gateway = guard.edge();
    let pass = gateway.ask(&asks(vec![token_key()])).await.unwrap().pass;
    let nobody = gateway.ask(&asks(vec![user("u1")])).await.unwrap().pass;
    #[rustfmt::skip]
    let cases = [
        ("a token of nobody", with_token("t2"), 403),
        ("an issuer's token", with_token("jti:1"), 403),
        ("no id", with_token(""), 403),
        ("another account", DecisionReport { account: Some("ACC2".to_owned()), ..verdict() }, 403),
        ("no rule's id", by_rule("no rule", None), 400),
        ("a line", by_rule("a.b\nc", None), 400),
        ("a long id", by_rule(&format!("route.{}", "x".repeat(100)), None), 400),
        ("no stage", by_rule(".x", None), 400),
        ("a good status", by_rule("route.unknown", Some(200)), 400),
        ("no status", by_rule("route.unknown", Some(0)), 400),
        ("no reason", DecisionReport { status: Some(403), ..verdict() }, 400),
    ];
    for (what, verdict, status) in cases {
        for pass in [&pass, &nobody] {
            let tell = decided(verdict.clone(), tells(pass, Vec::new()));
            let (found, refused) = gateway.tell(&tell).await.expect_err(what);
            assert_eq!(
                (found, refused.rule.as_str()),
                (status, "facts.unavailable"),
                "{what}"
            );
        }
    }
    let decided = |pass: &Pass| decided(verdict(), tells(pass, Vec::new()));
    // The gateway did not learn of this token in that pass, nor without a pass.
    assert_unavailable(gateway.tell(&decided(&nobody)).await, 403);
    let alone = RecordsRequest {
        pass: None,
        ..decided(&nobody)
    };
    assert_unavailable(gateway.tell(&alone).await, 403);
    gateway.tell(&decided(&pass)).await.unwrap();
    // Once: it is counted and logged.
    assert_unavailable(gateway.tell(&decided(&pass)).await, 400);
    gateway.tell(&ends(&pass, Vec::new())).await.unwrap();
    let row = guard.store.token("ACC1", "t2").await;
    assert!(row.is_err() || guard.store.answer(&[user("u1")]).await.is_ok());
}

/// The policy derives the id of an issuer's token from its claims; its account is the key's.
#[tokio::test]
async fn an_issuers_token_is_good_if_the_issuer_said_so() {
    let backend = Backend::ok().await;
    let issuer = Backend::start(async |_| json(200, r#"{"active":true}"#)).await;
    let keys = format!(
        "[[issuer]]\nissuer = \"https://id.example.com\"\nintrospection_url = \"http://{}/i\"\n\
         client_id = \"guard\"\nclient_secret_file = \"backend.token\"\n",
        issuer.address
    );
    let guard = serving(Script::new(), &backend, &keys, "").await;
    let edge = guard.edge();
    let verified = Key::Verified(VerifiedKey {
        account: "ACC1".to_owned(),
        issuer: "https://id.example.com".to_owned(),
        token: TokenText::new("opaque"),
    });
    let pass = edge.ask(&asks(vec![verified])).await.unwrap().pass;
    let named = |id: &str| RecordsRequest {
        verdict: Some(DecisionReport {
            verified_token: Some(id.to_owned()),
            ..verdict()
        }),
        ..tells(&pass, Vec::new())
    };
    assert_unavailable(edge.tell(&named("t1")).await, 403);
    edge.tell(&named("sub:svc")).await.unwrap();
}
