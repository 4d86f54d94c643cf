//! One record and one key of every kind. The tests of the host include this file too.

use scimguard_core::facts::{
    DerivedIdKey, ExternalIdKey, Group, GroupKey, Key, MembersKey, Membership, PrincipalKey,
    ResourceKind, TokenText, Unseen, User, UserGroupsKey, UserKey, VerifiedKey,
};
use scimguard_core::record::{
    FailedChange, Intent, IntentKey, MemberRecord, MembersRecord, Record, ResourceKey, Settled,
};
use scimguard_core::sha256_hex;

/// One of each kind, of which the first makes the user u1.
pub(crate) fn every_record(account: &str) -> Vec<Record> {
    let account = || account.to_owned();
    let key = || IntentKey {
        kind: ResourceKind::User,
        account: account(),
        key: "ann".to_owned(),
    };
    let resource = || ResourceKey {
        account: account(),
        scope: String::new(),
        id: "u9".to_owned(),
    };
    vec![
        Record::User(User {
            account: account(),
            id: Some("u1".to_owned()),
            user_name: "ann".to_owned(),
            ..User::default()
        }),
        Record::Intent(Intent {
            kind: ResourceKind::User,
            account: account(),
            key: "bob".to_owned(),
            user_name: Some("bob".to_owned()),
            display_name: None,
            derived_id: None,
            external_id: None,
            active: true,
            provider: "okta".to_owned(),
            at: 1,
            by: "own".to_owned(),
            members: Vec::new(),
        }),
        Record::Settle(Settled {
            intent: key(),
            id: "u2".to_owned(),
        }),
        Record::Withdraw(key()),
        Record::Group(Group {
            account: account(),
            id: Some("g".to_owned()),
            ..Group::default()
        }),
        Record::Member(MemberRecord {
            account: account(),
            scope: String::new(),
            group: "g".to_owned(),
            user: "u1".to_owned(),
            state: Some(Membership::Confirmed),
            by: None,
        }),
        Record::Members(MembersRecord {
            account: account(),
            scope: String::new(),
            group: "g".to_owned(),
            users: vec!["u1".to_owned()],
        }),
        Record::Failed(FailedChange {
            account: account(),
            scope: String::new(),
            group: "g".to_owned(),
            user: "u1".to_owned(),
            present: true,
            status: None,
            at: 1,
            by: "own".to_owned(),
        }),
        Record::RemoveUser(resource()),
        Record::RemoveGroup(resource()),
    ]
}

/// One of every kind, of tokens too.
pub(crate) fn every_key(account: &str, token: &str) -> Vec<Key> {
    let account = account.to_owned();
    let user = UserKey {
        account: account.clone(),
        value: "u1".to_owned(),
        unseen: Unseen::Backend,
    };
    let members = MembersKey {
        account: account.clone(),
        scope: String::new(),
        group: "g1".to_owned(),
        users: vec!["u1".to_owned()],
        names: true,
    };
    vec![
        Key::Token(sha256_hex(token.as_bytes())),
        Key::Verified(VerifiedKey {
            account: account.clone(),
            issuer: "https://id.example.com".to_owned(),
            token: TokenText::new(token),
        }),
        Key::Principal(PrincipalKey {
            account: account.clone(),
            id: "svc".to_owned(),
        }),
        Key::User(user.clone()),
        Key::UserByName(user.clone()),
        Key::UserAlike(user),
        Key::Group(GroupKey {
            account: account.clone(),
            scope: String::new(),
            id: "g1".to_owned(),
            unseen: Unseen::Backend,
        }),
        Key::GroupByDerivedId(DerivedIdKey {
            account: account.clone(),
            scope: String::new(),
            id: "g1".to_owned(),
            replace: String::new(),
            with: String::new(),
        }),
        Key::ExternalId(ExternalIdKey {
            account: account.clone(),
            value: "e1".to_owned(),
        }),
        Key::Members(members.clone()),
        Key::MembersDifference(members),
        Key::UserGroups(UserGroupsKey {
            account,
            user: "u1".to_owned(),
        }),
    ]
}
