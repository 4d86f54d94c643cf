//! Tests of tokens and their principals.

use scimguard_core::facts::{Principal, PrincipalKey, TokenText, VerifiedKey};

use super::*;
use crate::TokenUse;

#[tokio::test]
async fn a_principal_is_its_accounts_alone_and_issuers_are_not_on_record() {
    let (_folder, store) = store().await;
    let principal = PrincipalRow {
        account: ACCOUNT.to_owned(),
        id: "svc".to_owned(),
        kind: PrincipalKind::User,
        active: true,
        permissions: vec!["p".to_owned()],
        created: 1,
    };
    store.create_principal(&principal).await.unwrap();
    let key = |account: &str, id: &str| {
        Key::Principal(PrincipalKey {
            account: account.to_owned(),
            id: id.to_owned(),
        })
    };
    let rights = Principal {
        account: ACCOUNT.to_owned(),
        id: "svc".to_owned(),
        active: true,
        permissions: vec!["p".to_owned()],
    };
    let found = store.one(key(ACCOUNT, "svc")).await;
    assert_eq!(found, Answer::Principal(rights));
    for other in [key(ACCOUNT, "SVC"), key("another", "svc")] {
        assert_eq!(store.one(other).await, Answer::Absent);
    }
    let verified = Key::Verified(VerifiedKey {
        account: ACCOUNT.to_owned(),
        issuer: "https://id.example.com".to_owned(),
        token: TokenText::new("opaque"),
    });
    assert_eq!(store.one(verified).await, Answer::Unavailable);
}

#[tokio::test]
async fn a_token_has_the_rights_that_its_principal_has_now() {
    let (_folder, store) = store().await;
    let principal = PrincipalRow {
        account: ACCOUNT.to_owned(),
        id: "svc".to_owned(),
        kind: PrincipalKind::ServiceAccount,
        active: true,
        permissions: vec!["p".to_owned()],
        created: 1,
    };
    store.create_principal(&principal).await.unwrap();
    assert!(store.create_principal(&principal).await.is_err());
    let token = NewToken {
        sha256: "abc".to_owned(),
        prefix: "sat",
        account: ACCOUNT.to_owned(),
        id: "t1".to_owned(),
        principal: "svc".to_owned(),
        provider: Some("okta".to_owned()),
        expires: Some(9),
        created: 1,
        created_by: Some("ann".to_owned()),
        rotated_from: None,
    };
    store.create_token(&token).await.unwrap();
    assert!(store.create_token(&token).await.is_err());
    assert_eq!(
        store.one(Key::Token("abd".to_owned())).await,
        Answer::Absent
    );
    let fact = async || match store.one(Key::Token("abc".to_owned())).await {
        Answer::Token(token) => token,
        other => panic!("{other:?}"),
    };
    let first = fact().await;
    assert_eq!((first.id.as_deref(), first.expires), (Some("t1"), Some(9)));
    let rights = first.principal.unwrap();
    assert_eq!(
        (rights.active, rights.permissions),
        (true, vec!["p".to_owned()])
    );
    store
        .set_principal_active(ACCOUNT, "svc", false)
        .await
        .unwrap();
    assert!(!fact().await.principal.unwrap().active);
    store.revoke_token(ACCOUNT, "t1").await.unwrap();
    assert!(fact().await.revoked);
    assert!(store.revoke_token(ACCOUNT, "t2").await.is_err());
    let used = |at, from: &str| {
        let used = TokenUse {
            at,
            from: Some(from.parse().unwrap()),
        };
        [((ACCOUNT.to_owned(), "t1".to_owned()), used)]
    };
    store.note_used(used(33, "192.0.2.1")).await.unwrap();
    // An earlier use at another guard does not count.
    store.note_used(used(32, "192.0.2.2")).await.unwrap();
    let listed = store.token(ACCOUNT, "t1").await.unwrap();
    assert_eq!(listed.last_used, Some(33));
    assert_eq!(listed.last_used_from.as_deref(), Some("192.0.2.1"));
    assert_eq!(listed.created_by.as_deref(), Some("ann"));
}

fn token(id: &str, expires: Option<u64>, created: u64) -> NewToken {
    NewToken {
        sha256: format!("hash of {id}"),
        prefix: "sat",
        account: ACCOUNT.to_owned(),
        id: id.to_owned(),
        principal: "svc".to_owned(),
        provider: Some("okta".to_owned()),
        expires,
        created,
        created_by: None,
        rotated_from: None,
    }
}

#[tokio::test]
async fn a_rotated_token_ends_after_the_overlap_and_never_later_than_before() {
    let (_folder, store) = store().await;
    store.create_token(&token("never", None, 1)).await.unwrap();
    store
        .create_token(&token("soon", Some(50), 1))
        .await
        .unwrap();
    let expires = async |id: &str| store.token(ACCOUNT, id).await.unwrap().expires;
    let new = |id: &str| token(id, Some(900), 10);

    store.rotate_token(&new("n1"), "never", 100).await.unwrap();
    assert_eq!(expires("never").await, Some(100));
    assert_eq!(expires("n1").await, Some(900));
    store.rotate_token(&new("n2"), "soon", 100).await.unwrap();
    assert_eq!(expires("soon").await, Some(50));

    // Without a replaced token, no token is made.
    store.revoke_token(ACCOUNT, "n1").await.unwrap();
    assert!(store.rotate_token(&new("n3"), "n1", 100).await.is_err());
    assert!(store.rotate_token(&new("n3"), "gone", 100).await.is_err());
    let late = token("n3", Some(900), 60);
    assert!(store.rotate_token(&late, "soon", 100).await.is_err());
    assert!(store.rotate_token(&new("n2"), "never", 100).await.is_err());
    assert!(store.token(ACCOUNT, "n3").await.is_err());

    let expiring = store.expiring_tokens(20, 100).await.unwrap();
    assert_eq!(expiring, [(ACCOUNT.to_owned(), 2)]);
    assert!(store.expiring_tokens(100, 200).await.unwrap().is_empty());
}
