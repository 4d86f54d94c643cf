//! The account of each key and record. Only a token is looked up by its hash, without an account.

use scimguard_core::facts::Key;
use scimguard_core::record::{Record, Settled};

/// The account that a key asks about; `None` for a token, which is looked up by its hash alone.
#[must_use]
pub fn account_of_key(key: &Key) -> Option<&str> {
    Some(match key {
        Key::Token(_) => return None,
        Key::Verified(key) => &key.account,
        Key::Principal(key) => &key.account,
        Key::User(key) | Key::UserByName(key) | Key::UserAlike(key) => &key.account,
        Key::Group(key) => &key.account,
        Key::GroupByDerivedId(key) => &key.account,
        Key::ExternalId(key) => &key.account,
        Key::Members(key) | Key::MembersDifference(key) => &key.account,
        Key::UserGroups(key) => &key.account,
    })
}

/// The account that a record changes.
#[must_use]
pub fn account_of_record(record: &Record) -> &str {
    match record {
        Record::Intent(intent) => &intent.account,
        Record::Settle(Settled { intent, .. }) | Record::Withdraw(intent) => &intent.account,
        Record::User(user) => &user.account,
        Record::Group(group) => &group.account,
        Record::Member(member) => &member.account,
        Record::Members(members) => &members.account,
        Record::Failed(change) => &change.account,
        Record::RemoveUser(key) | Record::RemoveGroup(key) => &key.account,
    }
}
