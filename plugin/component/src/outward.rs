//! From the core to the interface: what the policy tells a face. Everything is moved but the rule
//! table, which is static.

use scimguard_core::facts::{GroupKey, Key, ResourceKind, Unseen, UserKey, VerifiedKey};
use scimguard_core::message::AnswerHandling;
use scimguard_core::record::{Intent, IntentKey, Record};
use scimguard_core::{Forward, Need, Outcome, Proceed, Respond, Rule, Verdict};

use crate::wit::exports::scimguard::policy::guard as wit;

impl From<Verdict> for wit::Verdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Need(need) => Self::Need(need.into()),
            Verdict::Forward(forward) => Self::Forward(forward.into()),
            Verdict::Reject(reject) => Self::Reject(reject),
            Verdict::Proceed(proceed) => Self::Proceed(proceed.into()),
        }
    }
}

impl From<Outcome> for wit::Outcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Need(need) => Self::Need(need.into()),
            Outcome::Respond(respond) => Self::Respond(respond.into()),
            Outcome::Forward(forward) => Self::Forward(forward.into()),
            Outcome::Proceed(proceed) => Self::Proceed(proceed.into()),
        }
    }
}

impl From<Need> for wit::Need {
    fn from(Need { keys, body_limit }: Need) -> Self {
        Self {
            keys: keys.into_iter().map(Into::into).collect(),
            body_limit,
        }
    }
}

impl From<Key> for wit::Key {
    fn from(key: Key) -> Self {
        match key {
            Key::Token(hash) => Self::Token(hash),
            Key::Verified(key) => Self::Verified(key.into()),
            Key::Principal(key) => Self::Principal(key),
            Key::User(key) => Self::User(key.into()),
            Key::UserByName(key) => Self::UserByName(key.into()),
            Key::UserAlike(key) => Self::UserAlike(key.into()),
            Key::Group(key) => Self::Group(key.into()),
            Key::GroupByDerivedId(key) => Self::GroupByDerivedId(key),
            Key::ExternalId(key) => Self::ExternalId(key),
            Key::Members(key) => Self::Members(key),
            Key::MembersDifference(key) => Self::MembersDifference(key),
            Key::UserGroups(key) => Self::UserGroups(key),
        }
    }
}

impl From<VerifiedKey> for wit::VerifiedKey {
    fn from(key: VerifiedKey) -> Self {
        let VerifiedKey {
            account,
            issuer,
            token,
        } = key;
        Self {
            account,
            issuer,
            token: token.into_exposed(),
        }
    }
}

impl From<UserKey> for wit::UserKey {
    fn from(key: UserKey) -> Self {
        let UserKey {
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

impl From<GroupKey> for wit::GroupKey {
    fn from(key: GroupKey) -> Self {
        let GroupKey {
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

impl From<Unseen> for wit::Unseen {
    fn from(unseen: Unseen) -> Self {
        match unseen {
            Unseen::Absent => Self::Absent,
            Unseen::Pending => Self::Pending,
            Unseen::Backend => Self::Backend,
        }
    }
}

impl From<Forward> for wit::Forward {
    fn from(forward: Forward) -> Self {
        let Forward {
            method,
            path,
            headers,
            body,
            answer,
            continuation,
            changes,
            records,
            account,
            verified_token,
            rule,
        } = forward;
        Self {
            method,
            path,
            headers,
            body,
            answer: answer.into(),
            continuation,
            changes,
            records: fact_changes(records),
            account,
            verified_token,
            rule,
        }
    }
}

impl From<AnswerHandling> for wit::AnswerHandling {
    fn from(handling: AnswerHandling) -> Self {
        match handling {
            AnswerHandling::Pass => Self::Pass,
            AnswerHandling::Observe => Self::Observe,
        }
    }
}

impl From<Respond> for wit::Respond {
    fn from(respond: Respond) -> Self {
        let Respond {
            response,
            records,
            rule,
        } = respond;
        Self {
            response,
            records: fact_changes(records),
            rule,
        }
    }
}

impl From<Proceed> for wit::Proceed {
    fn from(proceed: Proceed) -> Self {
        let Proceed {
            records,
            continuation,
            changes,
            rule,
            account,
            verified_token,
        } = proceed;
        Self {
            records: fact_changes(records),
            continuation,
            changes,
            rule,
            account,
            verified_token,
        }
    }
}

fn fact_changes(records: Vec<Record>) -> Vec<wit::FactChange> {
    records.into_iter().map(Into::into).collect()
}

impl From<Record> for wit::FactChange {
    fn from(record: Record) -> Self {
        match record {
            Record::Intent(intent) => Self::Intent(intent.into()),
            Record::Settle { intent, id } => Self::Settle(wit::Settled {
                intent: intent.into(),
                id,
            }),
            Record::Withdraw(intent) => Self::Withdraw(intent.into()),
            Record::User(user) => Self::User(user),
            Record::Group(group) => Self::Group(group),
            Record::Member(member) => Self::Member(member),
            Record::Members(all) => Self::Members(all),
            Record::Failed(change) => Self::Failed(change),
            Record::RemoveUser(key) => Self::RemoveUser(key),
            Record::RemoveGroup(key) => Self::RemoveGroup(key),
        }
    }
}

impl From<Intent> for wit::Intent {
    fn from(intent: Intent) -> Self {
        let Intent {
            kind,
            account,
            key,
            user_name,
            display_name,
            derived_id,
            external_id,
            active,
            provider,
            at,
            by,
            members,
        } = intent;
        Self {
            kind: kind.into(),
            account,
            key,
            user_name,
            display_name,
            derived_id,
            external_id,
            active,
            provider,
            at,
            by,
            members,
        }
    }
}

impl From<IntentKey> for wit::IntentKey {
    fn from(IntentKey { kind, account, key }: IntentKey) -> Self {
        Self {
            kind: kind.into(),
            account,
            key,
        }
    }
}

impl From<ResourceKind> for wit::ResourceKind {
    fn from(kind: ResourceKind) -> Self {
        match kind {
            ResourceKind::User => Self::User,
            ResourceKind::Group => Self::Group,
        }
    }
}

impl From<&'static Rule> for wit::Rule {
    fn from(rule: &'static Rule) -> Self {
        Self {
            id: rule.id.to_owned(),
            status: rule.status,
            scim_type: rule.scim_type.map(ToOwned::to_owned),
            doc: rule.doc.to_owned(),
            source: rule.source.to_owned(),
        }
    }
}
