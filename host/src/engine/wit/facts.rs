//! Keys in both directions, answers into the sandbox.

use scimguard_core::facts as core;

use super::types as wit;

impl From<&core::Fact> for wit::Fact {
    fn from(fact: &core::Fact) -> Self {
        Self {
            key: (&fact.key).into(),
            answer: (&fact.answer).into(),
        }
    }
}

impl From<&core::Key> for wit::Key {
    fn from(key: &core::Key) -> Self {
        match key {
            core::Key::Token(sha256) => Self::Token(sha256.clone()),
            core::Key::Verified(key) => Self::Verified(wit::VerifiedKey {
                account: key.account.clone(),
                issuer: key.issuer.clone(),
                token: key.token.expose().to_owned(),
            }),
            core::Key::Principal(key) => Self::Principal(wit::PrincipalKey {
                account: key.account.clone(),
                id: key.id.clone(),
            }),
            core::Key::User(key) => Self::User(key.into()),
            core::Key::UserByName(key) => Self::UserByName(key.into()),
            core::Key::UserAlike(key) => Self::UserAlike(key.into()),
            core::Key::Group(key) => Self::Group(wit::GroupKey {
                account: key.account.clone(),
                scope: key.scope.clone(),
                id: key.id.clone(),
                unseen: key.unseen.into(),
            }),
            core::Key::GroupByDerivedId(key) => Self::GroupByDerivedId(wit::DerivedIdKey {
                account: key.account.clone(),
                scope: key.scope.clone(),
                id: key.id.clone(),
                replace: key.replace.clone(),
                with: key.with.clone(),
            }),
            core::Key::ExternalId(key) => Self::ExternalId(wit::ExternalIdKey {
                account: key.account.clone(),
                value: key.value.clone(),
            }),
            core::Key::Members(key) => Self::Members(key.into()),
            core::Key::MembersDifference(key) => Self::MembersDifference(key.into()),
            core::Key::UserGroups(key) => Self::UserGroups(wit::UserGroupsKey {
                account: key.account.clone(),
                user: key.user.clone(),
            }),
        }
    }
}

impl From<wit::Key> for core::Key {
    fn from(key: wit::Key) -> Self {
        match key {
            wit::Key::Token(sha256) => Self::Token(sha256),
            wit::Key::Verified(key) => Self::Verified(core::VerifiedKey {
                account: key.account,
                issuer: key.issuer,
                token: core::TokenText::new(key.token),
            }),
            wit::Key::Principal(key) => Self::Principal(core::PrincipalKey {
                account: key.account,
                id: key.id,
            }),
            wit::Key::User(key) => Self::User(key.into()),
            wit::Key::UserByName(key) => Self::UserByName(key.into()),
            wit::Key::UserAlike(key) => Self::UserAlike(key.into()),
            wit::Key::Group(key) => Self::Group(core::GroupKey {
                account: key.account,
                scope: key.scope,
                id: key.id,
                unseen: key.unseen.into(),
            }),
            wit::Key::GroupByDerivedId(key) => Self::GroupByDerivedId(core::DerivedIdKey {
                account: key.account,
                scope: key.scope,
                id: key.id,
                replace: key.replace,
                with: key.with,
            }),
            wit::Key::ExternalId(key) => Self::ExternalId(core::ExternalIdKey {
                account: key.account,
                value: key.value,
            }),
            wit::Key::Members(key) => Self::Members(key.into()),
            wit::Key::MembersDifference(key) => Self::MembersDifference(key.into()),
            wit::Key::UserGroups(key) => Self::UserGroups(core::UserGroupsKey {
                account: key.account,
                user: key.user,
            }),
        }
    }
}

impl From<&core::UserKey> for wit::UserKey {
    fn from(key: &core::UserKey) -> Self {
        Self {
            account: key.account.clone(),
            value: key.value.clone(),
            unseen: key.unseen.into(),
        }
    }
}

impl From<wit::UserKey> for core::UserKey {
    fn from(key: wit::UserKey) -> Self {
        Self {
            account: key.account,
            value: key.value,
            unseen: key.unseen.into(),
        }
    }
}

impl From<&core::MembersKey> for wit::MembersKey {
    fn from(key: &core::MembersKey) -> Self {
        Self {
            account: key.account.clone(),
            scope: key.scope.clone(),
            group: key.group.clone(),
            users: key.users.clone(),
            names: key.names,
        }
    }
}

impl From<wit::MembersKey> for core::MembersKey {
    fn from(key: wit::MembersKey) -> Self {
        Self {
            account: key.account,
            scope: key.scope,
            group: key.group,
            users: key.users,
            names: key.names,
        }
    }
}

impl From<core::Unseen> for wit::Unseen {
    fn from(unseen: core::Unseen) -> Self {
        match unseen {
            core::Unseen::Absent => Self::Absent,
            core::Unseen::Pending => Self::Pending,
            core::Unseen::Backend => Self::Backend,
        }
    }
}

impl From<wit::Unseen> for core::Unseen {
    fn from(unseen: wit::Unseen) -> Self {
        match unseen {
            wit::Unseen::Absent => Self::Absent,
            wit::Unseen::Pending => Self::Pending,
            wit::Unseen::Backend => Self::Backend,
        }
    }
}

impl From<&core::Answer> for wit::Answer {
    fn from(answer: &core::Answer) -> Self {
        match answer {
            core::Answer::Absent => Self::Absent,
            core::Answer::Unavailable => Self::Unavailable,
            core::Answer::Token(token) => Self::Token(token.into()),
            core::Answer::Claims(claims) => Self::Claims(claims.clone()),
            core::Answer::Principal(principal) => Self::Principal(principal.into()),
            core::Answer::User(user) => Self::User(user.into()),
            core::Answer::Group(group) => Self::Group(group.into()),
            core::Answer::Groups(groups) => Self::Groups(all(groups)),
            core::Answer::Holders(holders) => Self::Holders(all(holders)),
            core::Answer::Members(members) => Self::Members(all(members)),
            core::Answer::Difference(difference) => Self::Difference(wit::Difference {
                added: all(&difference.added),
                removed: all(&difference.removed),
                complete: difference.complete,
            }),
        }
    }
}

fn all<'a, From, To: std::convert::From<&'a From>>(list: &'a [From]) -> Vec<To> {
    list.iter().map(To::from).collect()
}

impl From<&core::Token> for wit::Token {
    fn from(token: &core::Token) -> Self {
        Self {
            id: token.id.clone(),
            account: token.account.clone(),
            provider: token.provider.clone(),
            expires: token.expires,
            revoked: token.revoked,
            principal: token.principal.as_ref().map(Into::into),
        }
    }
}

impl From<&core::Principal> for wit::Principal {
    fn from(principal: &core::Principal) -> Self {
        Self {
            account: principal.account.clone(),
            id: principal.id.clone(),
            active: principal.active,
            permissions: principal.permissions.clone(),
        }
    }
}

impl From<&core::User> for wit::User {
    fn from(user: &core::User) -> Self {
        Self {
            account: user.account.clone(),
            id: user.id.clone(),
            user_name: user.user_name.clone(),
            display_name: user.display_name.clone(),
            external_id: user.external_id.clone(),
            active: user.active,
            managed_by: user.managed_by.clone(),
            pending: user.pending,
            leaving: user.leaving,
            since: user.since,
            origin: user.origin.as_ref().map(Into::into),
            in_managed_group: user.in_managed_group,
        }
    }
}

impl From<&core::Group> for wit::Group {
    fn from(group: &core::Group) -> Self {
        Self {
            account: group.account.clone(),
            scope: group.scope.clone(),
            id: group.id.clone(),
            display_name: group.display_name.clone(),
            derived_id: group.derived_id.clone(),
            external_id: group.external_id.clone(),
            managed_by: group.managed_by.clone(),
            pending: group.pending,
            leaving: group.leaving,
            since: group.since,
            origin: group.origin.as_ref().map(Into::into),
            members_known: group.members_known,
        }
    }
}

impl From<&core::Holder> for wit::Holder {
    fn from(holder: &core::Holder) -> Self {
        Self {
            kind: match holder.kind {
                core::ResourceKind::User => wit::ResourceKind::User,
                core::ResourceKind::Group => wit::ResourceKind::Group,
            },
            id: holder.id.clone(),
            name: holder.name.clone(),
        }
    }
}

impl From<&core::Member> for wit::Member {
    fn from(member: &core::Member) -> Self {
        Self {
            reference: member.reference.clone(),
            present: member.present,
            confirmed: member.confirmed,
            doubtful: member.doubtful,
            user: member.user.as_ref().map(Into::into),
        }
    }
}

impl From<&core::Origin> for wit::Origin {
    fn from(origin: &core::Origin) -> Self {
        match origin {
            core::Origin::Created(token) => Self::Created(token.clone()),
            core::Origin::Adopted(token) => Self::Adopted(token.clone()),
            core::Origin::Imported(filter) => Self::Imported(filter.clone()),
            core::Origin::Corrected(reason) => Self::Corrected(reason.clone()),
        }
    }
}
