//! Tokens and their principals.

use scimguard_core::facts::{Principal, PrincipalKey, TokenText, VerifiedKey};

use super::*;

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
    store
        .note_used([((ACCOUNT.to_owned(), "t1".to_owned()), 33)])
        .await
        .unwrap();
    assert_eq!(
        store.tokens(Some(ACCOUNT)).await.unwrap()[0].last_used,
        Some(33)
    );
}
