//! From the interface to the core: what a face tells the policy. Everything is moved.

use scimguard_core::facts::{
    Answer, Fact, GroupKey, Holder, Key, ResourceKind, TokenText, Unseen, UserKey, VerifiedKey,
};

use crate::wit::exports::scimguard::policy::guard as wit;

/// The facts that the face has gathered.
pub(crate) fn facts(facts: Vec<wit::Fact>) -> Vec<Fact> {
    facts.into_iter().map(Into::into).collect()
}

impl From<wit::Fact> for Fact {
    fn from(wit::Fact { key, answer }: wit::Fact) -> Self {
        Self {
            key: key.into(),
            answer: answer.into(),
        }
    }
}

impl From<wit::Key> for Key {
    fn from(key: wit::Key) -> Self {
        match key {
            wit::Key::Token(hash) => Self::Token(hash),
            wit::Key::Verified(key) => Self::Verified(key.into()),
            wit::Key::Principal(key) => Self::Principal(key),
            wit::Key::User(key) => Self::User(key.into()),
            wit::Key::UserByName(key) => Self::UserByName(key.into()),
            wit::Key::UserAlike(key) => Self::UserAlike(key.into()),
            wit::Key::Group(key) => Self::Group(key.into()),
            wit::Key::GroupByDerivedId(key) => Self::GroupByDerivedId(key),
            wit::Key::ExternalId(key) => Self::ExternalId(key),
            wit::Key::Members(key) => Self::Members(key),
            wit::Key::MembersDifference(key) => Self::MembersDifference(key),
            wit::Key::UserGroups(key) => Self::UserGroups(key),
        }
    }
}

impl From<wit::VerifiedKey> for VerifiedKey {
    fn from(key: wit::VerifiedKey) -> Self {
        let wit::VerifiedKey {
            account,
            issuer,
            token,
        } = key;
        Self {
            account,
            issuer,
            token: TokenText::new(token),
        }
    }
}

impl From<wit::UserKey> for UserKey {
    fn from(key: wit::UserKey) -> Self {
        let wit::UserKey {
            account,
            value,
            unseen,
        } = key;
        Self {
            account,
            value,
            unseen: unseen.into(),
        }
    }
}

impl From<wit::GroupKey> for GroupKey {
    fn from(key: wit::GroupKey) -> Self {
        let wit::GroupKey {
            account,
            scope,
            id,
            unseen,
        } = key;
        Self {
            account,
            scope,
            id,
            unseen: unseen.into(),
        }
    }
}

impl From<wit::Unseen> for Unseen {
    fn from(unseen: wit::Unseen) -> Self {
        match unseen {
            wit::Unseen::Absent => Self::Absent,
            wit::Unseen::Pending => Self::Pending,
            wit::Unseen::Backend => Self::Backend,
        }
    }
}

impl From<wit::Answer> for Answer {
    fn from(answer: wit::Answer) -> Self {
        match answer {
            wit::Answer::Absent => Self::Absent,
            wit::Answer::Unavailable => Self::Unavailable,
            wit::Answer::Token(token) => Self::Token(token),
            wit::Answer::Claims(claims) => Self::Claims(claims),
            wit::Answer::Principal(principal) => Self::Principal(principal),
            wit::Answer::User(user) => Self::User(user),
            wit::Answer::Group(group) => Self::Group(group),
            wit::Answer::Groups(groups) => Self::Groups(groups),
            wit::Answer::Holders(holders) => {
                Self::Holders(holders.into_iter().map(Into::into).collect())
            }
            wit::Answer::Members(members) => Self::Members(members),
            wit::Answer::Difference(difference) => Self::Difference(difference),
        }
    }
}

impl From<wit::Holder> for Holder {
    fn from(wit::Holder { kind, id, name }: wit::Holder) -> Self {
        Self {
            kind: kind.into(),
            id,
            name,
        }
    }
}

impl From<wit::ResourceKind> for ResourceKind {
    fn from(kind: wit::ResourceKind) -> Self {
        match kind {
            wit::ResourceKind::User => Self::User,
            wit::ResourceKind::Group => Self::Group,
        }
    }
}
