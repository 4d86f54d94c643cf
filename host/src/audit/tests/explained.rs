//! The explanation of a decision: no secret, no body of a management request, and facts with which
//! the decision can be repeated.

use scimguard_core::facts::{
    Answer, ExternalIdKey, Fact, Group, Holder, Key, Member, MembersKey, Membership, Principal,
    ResourceKind, Table, Token, Unseen, User, UserGroupsKey, UserKey,
};
use scimguard_core::{Normalisation, sha256_hex};
use serde_json::{Value, json};

use super::{AT, TOKEN, decision, log, seen};
use crate::audit::{Decision, Filter, Log, Verdict};

async fn only(log: &Log) -> Value {
    log.flush().await;
    let page = log.page(&Filter::default(), None, 10).await.unwrap();
    assert_eq!(page.decisions.len(), 1, "{page:?}");
    log.decision(page.decisions[0].id).await.unwrap().unwrap()
}

#[tokio::test]
async fn no_secret_is_written() {
    let (folder, log) = log(1_000_000).await;
    let scim = "/gateway/ng/api/scim/account/ACC1/Users";
    let own = "/gateway/ng/api/user-groups?accountIdentifier=ACC1";
    let facts = || {
        vec![Fact {
            key: Key::Token(sha256_hex(TOKEN.as_bytes())),
            answer: Answer::Token(Token {
                id: Some("t1".to_owned()),
                account: "ACC1".to_owned(),
                provider: Some("okta".to_owned()),
                expires: None,
                revoked: false,
                principal: None,
            }),
        }]
    };
    #[rustfmt::skip]
    let cases = [
        ("POST", scim, r#"{"userName": "ann", "password": "s3cret-of-ann"}"#),
        ("PATCH", scim,
            r#"{"Operations": [{"op": "add", "path": "password", "value": "s3cret-of-ann"}]}"#),
        ("POST", scim, r#"{"password": "s3cret-of-ann"#),
        ("GET", &format!("{scim}?filter=password%20eq%20%22s3cret-of-ann%22&key=s3cret-of-ann"),
            ""),
        ("PUT", own,
            r#"{"identifier": "g1", "name": "s3cret-of-ann", "users": ["s3cret-of-ann"]}"#),
        ("PUT", &format!("{own}&key=s3cret-of-ann"), ""),
    ];
    for (method, path, body) in cases {
        log.record(Decision {
            path: crate::text::without_values(path),
            seen: Some(seen(method, path, body, facts())),
            ..decision("ACC1", "", Verdict::Forward)
        });
    }
    log.flush().await;
    let page = log.page(&Filter::default(), None, 10).await.unwrap();
    assert_eq!(page.decisions.len(), 6);
    let edit = &page.decisions[1].edit;
    assert_eq!(
        *edit,
        Some(json!({"edit": "group.update", "group": "g1", "user": null}))
    );
    let whole = log.decision(page.decisions[5].id).await.unwrap().unwrap();
    let text = whole["explanation"]["request"]["body_text"].as_str();
    assert_eq!(text, Some(r#"{"userName":"ann","password":"********"}"#));
    log.close().await;
    let mut looked_at = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        looked_at += bytes.len();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("s3cret"), "a secret is in the log");
        assert!(
            !text.contains(&sha256_hex(TOKEN.as_bytes())),
            "a token's hash is in the log"
        );
    }
    assert!(looked_at > 4096);
}

#[tokio::test]
async fn of_the_management_api_there_is_the_edit_and_what_the_guard_said() {
    let (_folder, log) = log(1_000_000).await;
    let path = "/gateway/ng/api/user-groups?accountIdentifier=ACC1";
    let body = r#"{"identifier": "g1", "name": "another-name"}"#;
    log.record(Decision {
        token: None,
        changes: vec![Normalisation {
            rule: "normalise.name".to_owned(),
            path: "a".to_owned(),
            detail: "another-name".to_owned(),
        }],
        seen: Some(seen("PUT", path, body, Vec::new())),
        ..decision("ACC1", "okta-only.group-rename", Verdict::Reject)
    });
    let whole = only(&log).await;
    assert!(!whole.to_string().contains("another-name"), "{whole}");
    assert_eq!(whole["edit"]["edit"], "group.update");
    let explanation = &whole["explanation"];
    assert_eq!(explanation["detail"], "Rename the group in Okta.");
    assert_eq!(explanation["omitted"], "management");
    assert_eq!(
        explanation["request"]["path"],
        "/gateway/ng/api/user-groups?accountIdentifier"
    );
    assert_eq!(
        log.policy(whole["policy"].as_i64().unwrap())
            .await
            .unwrap()
            .as_deref(),
        Some("")
    );
}

/// The recorded facts answer as the store did.
#[tokio::test]
async fn the_decision_can_be_made_again_with_the_recorded_facts() {
    let (_folder, log) = log(1_000_000).await;
    let user = |id: &str, in_managed_group: bool| User {
        account: "ACC1".to_owned(),
        id: Some(id.to_owned()),
        user_name: format!("{id}@example.com"),
        active: true,
        managed_by: Some("okta".to_owned()),
        since: Some(AT),
        in_managed_group,
        ..User::default()
    };
    let group = Group {
        account: "ACC1".to_owned(),
        id: Some("g1".to_owned()),
        display_name: Some("g-1".to_owned()),
        managed_by: Some("okta".to_owned()),
        members_known: true,
        ..Group::default()
    };
    let user_key = |value: &str| UserKey {
        account: "ACC1".to_owned(),
        value: value.to_owned(),
        unseen: Unseen::Absent,
    };
    let member = |user: User, present: bool| Member {
        reference: user.id.clone().unwrap(),
        state: present.then_some(Membership::Confirmed),
        user: Some(user),
    };
    let facts = vec![
        Fact {
            key: Key::Token(sha256_hex(TOKEN.as_bytes())),
            answer: Answer::Token(Token {
                id: Some("t1".to_owned()),
                account: "ACC1".to_owned(),
                provider: Some("okta".to_owned()),
                expires: Some(AT + 1),
                revoked: false,
                principal: Some(Principal {
                    account: "ACC1".to_owned(),
                    id: "svc".to_owned(),
                    active: true,
                    permissions: vec!["core_user_view".to_owned()],
                }),
            }),
        },
        Fact {
            key: Key::User(user_key("u1")),
            answer: Answer::User(user("u1", true)),
        },
        Fact {
            key: Key::UserByName(user_key("nobody@example.com")),
            answer: Answer::Absent,
        },
        Fact {
            key: Key::UserGroups(UserGroupsKey {
                account: "ACC1".to_owned(),
                user: "u2".to_owned(),
            }),
            answer: Answer::Groups(vec![group]),
        },
        Fact {
            key: Key::Members(MembersKey {
                account: "ACC1".to_owned(),
                scope: String::new(),
                group: "g1".to_owned(),
                users: vec!["u2".to_owned(), "u3".to_owned()],
                names: false,
            }),
            answer: Answer::Members(vec![
                member(user("u2", true), true),
                member(user("u3", false), false),
            ]),
        },
        Fact {
            key: Key::ExternalId(ExternalIdKey {
                account: "ACC1".to_owned(),
                value: "x1".to_owned(),
            }),
            answer: Answer::Holders(vec![Holder {
                kind: ResourceKind::User,
                id: Some("u9".to_owned()),
                name: Some("u9@example.com".to_owned()),
            }]),
        },
    ];
    let path = "/gateway/ng/api/scim/account/ACC1/Users/u1";
    log.record(Decision {
        seen: Some(seen("PATCH", path, "{}", facts.clone())),
        ..decision("ACC1", "", Verdict::Forward)
    });
    let whole = only(&log).await;
    let explanation = &whole["explanation"];
    assert_eq!(explanation["facts_complete"], true);
    let table = Table::from_json(&explanation["facts"]).unwrap();
    let shown = explanation["request"]["headers"]["authorization"]
        .as_str()
        .unwrap();
    let token = shown.strip_prefix("Bearer ").unwrap();
    for fact in facts {
        let (key, expected) = match (fact.key, fact.answer) {
            // The placeholder is known by its own hash, and by its principal.
            (Key::Token(_), Answer::Token(known)) => (
                Key::Token(sha256_hex(token.as_bytes())),
                Answer::Token(Token {
                    id: Some("svc".to_owned()),
                    ..known
                }),
            ),
            other => other,
        };
        assert_eq!(table.answer(&key), expected, "{key:?}");
    }
}
