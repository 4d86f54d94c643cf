//! Records out of the sandbox.

use scimguard_core::facts::{Group, Origin, ResourceKind, User};
use scimguard_core::record::{
    FailedChange, Intent, IntentKey, MemberRecord, MembersRecord, Record, ResourceKey,
};

use super::types as wit;

impl From<wit::FactChange> for Record {
    fn from(change: wit::FactChange) -> Self {
        match change {
            wit::FactChange::Intent(intent) => Self::Intent(intent.into()),
            wit::FactChange::Settle(settled) => Self::Settle {
                intent: settled.intent.into(),
                id: settled.id,
            },
            wit::FactChange::Withdraw(intent) => Self::Withdraw(intent.into()),
            wit::FactChange::User(user) => Self::User(user.into()),
            wit::FactChange::Group(group) => Self::Group(group.into()),
            wit::FactChange::Member(member) => Self::Member(MemberRecord {
                account: member.account,
                scope: member.scope,
                group: member.group,
                user: member.user,
                present: member.present,
                pending: member.pending,
                by: member.by,
            }),
            wit::FactChange::Members(all) => Self::Members(MembersRecord {
                account: all.account,
                scope: all.scope,
                group: all.group,
                users: all.users,
            }),
            wit::FactChange::Failed(change) => Self::Failed(FailedChange {
                account: change.account,
                scope: change.scope,
                group: change.group,
                user: change.user,
                present: change.present,
                status: change.status,
                at: change.at,
                by: change.by,
            }),
            wit::FactChange::RemoveUser(key) => Self::RemoveUser(key.into()),
            wit::FactChange::RemoveGroup(key) => Self::RemoveGroup(key.into()),
        }
    }
}

impl From<wit::Intent> for Intent {
    fn from(intent: wit::Intent) -> Self {
        Self {
            kind: intent.kind.into(),
            account: intent.account,
            key: intent.key,
            user_name: intent.user_name,
            display_name: intent.display_name,
            derived_id: intent.derived_id,
            external_id: intent.external_id,
            active: intent.active,
            provider: intent.provider,
            at: intent.at,
            by: intent.by,
            members: intent.members,
        }
    }
}

impl From<wit::IntentKey> for IntentKey {
    fn from(key: wit::IntentKey) -> Self {
        Self {
            kind: key.kind.into(),
            account: key.account,
            key: key.key,
        }
    }
}

impl From<wit::ResourceKey> for ResourceKey {
    fn from(key: wit::ResourceKey) -> Self {
        Self {
            account: key.account,
            scope: key.scope,
            id: key.id,
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

impl From<wit::User> for User {
    fn from(user: wit::User) -> Self {
        Self {
            account: user.account,
            id: user.id,
            user_name: user.user_name,
            display_name: user.display_name,
            external_id: user.external_id,
            active: user.active,
            managed_by: user.managed_by,
            pending: user.pending,
            leaving: user.leaving,
            since: user.since,
            origin: user.origin.map(Into::into),
            in_managed_group: user.in_managed_group,
        }
    }
}

impl From<wit::Group> for Group {
    fn from(group: wit::Group) -> Self {
        Self {
            account: group.account,
            scope: group.scope,
            id: group.id,
            display_name: group.display_name,
            derived_id: group.derived_id,
            external_id: group.external_id,
            managed_by: group.managed_by,
            pending: group.pending,
            leaving: group.leaving,
            since: group.since,
            origin: group.origin.map(Into::into),
            members_known: group.members_known,
        }
    }
}

impl From<wit::Origin> for Origin {
    fn from(origin: wit::Origin) -> Self {
        match origin {
            wit::Origin::Created(token) => Self::Created(token),
            wit::Origin::Adopted(token) => Self::Adopted(token),
            wit::Origin::Imported(filter) => Self::Imported(filter),
            wit::Origin::Corrected(reason) => Self::Corrected(reason),
        }
    }
}
