//! The facts of a decision as a facts document, with which the decision can be repeated elsewhere.
//!
//! A document has no open changes, no unavailable answers and no claim to be complete: where the
//! decision had such facts, the document is marked.

use std::collections::BTreeMap;
use std::sync::Arc;

use scimguard_core::facts::{
    Answer, Fact, Group, Holder, Key, Member, Principal, ResourceKind, User,
};
use scimguard_core::sha256_hex;
use serde_json::{Value, json};

use super::hide::{Hidden, TOKEN};

/// Entries of a document, at most.
const LARGEST: usize = 1000;

/// Stands for an unknown pushed group that a user is a member of.
const SOME_GROUP: &str = "a-pushed-group-that-was-not-named";

/// The facts of a decision.
pub(super) struct Known {
    pub(super) facts: Value,
    /// Whether the document can express every fact.
    pub(super) complete: bool,
}

#[derive(Default)]
struct Document {
    tokens: Vec<Value>,
    verified: Vec<Value>,
    principals: BTreeMap<(String, String), Value>,
    users: BTreeMap<(String, String), Value>,
    groups: BTreeMap<(String, String, String), Value>,
    members: BTreeMap<(String, String, String, String), Value>,
    /// Account, id and owner of users who are in some group of their owner's.
    in_managed_group: Vec<(String, String, String)>,
    incomplete: bool,
}

/// Makes the document.
pub(super) fn of(passes: &[Arc<Vec<Fact>>], hidden: &Hidden<'_>) -> Known {
    let mut document = Document::default();
    // Earlier facts precede everything that the request did.
    for fact in passes.iter().flat_map(|facts| facts.iter()) {
        if document.size() > LARGEST {
            document.incomplete = true;
            break;
        }
        document.add(fact, hidden);
    }
    document.finish(hidden)
}

impl Document {
    fn size(&self) -> usize {
        self.users.len() + self.groups.len() + self.members.len()
    }

    fn add(&mut self, fact: &Fact, hidden: &Hidden<'_>) {
        match (&fact.key, &fact.answer) {
            (_, Answer::Unavailable) => self.incomplete = true,
            (Key::Token(sha256), Answer::Token(token)) => {
                let stand_in = hidden
                    .stand_in_of(|text| sha256_hex(text.as_bytes()) == *sha256)
                    .unwrap_or(TOKEN);
                let principal = token.principal.as_ref();
                if self.tokens.is_empty() {
                    self.tokens.push(json!({
                        "token": stand_in,
                        "account": token.account,
                        "principal": principal.map_or("nobody", |it| &it.id),
                        "provider": token.provider,
                        "expires": token.expires.and_then(time),
                        "revoked": token.revoked,
                    }));
                }
                if let Some(principal) = principal {
                    self.principal(principal);
                }
            }
            (Key::Verified(key), Answer::Claims(claims)) => {
                let stand_in = hidden
                    .stand_in_of(|text| key.token.expose() == text)
                    .unwrap_or(TOKEN);
                let claims = hidden.body(claims.as_bytes());
                let claims = claims.and_then(|text| serde_json::from_str::<Value>(&text).ok());
                self.verified.push(json!({
                    "account": key.account,
                    "issuer": key.issuer,
                    "token": stand_in,
                    "claims": claims,
                }));
            }
            (_, Answer::Principal(principal)) => self.principal(principal),
            (_, Answer::User(user)) => self.user(user),
            (_, Answer::Group(group)) => self.group(group),
            (Key::UserGroups(key), Answer::Groups(groups)) => {
                for group in groups {
                    self.group(group);
                    let id = group.id.as_deref().unwrap_or_default();
                    self.member(&key.account, &group.scope, id, &key.user);
                }
            }
            (_, Answer::Groups(groups)) => groups.iter().for_each(|group| self.group(group)),
            (Key::ExternalId(key), Answer::Holders(holders)) => {
                for holder in holders {
                    self.holder(&key.account, holder, Some(&key.value));
                }
            }
            (Key::UserAlike(key), Answer::Holders(holders)) => {
                for holder in holders {
                    self.holder(&key.account, holder, None);
                }
            }
            (Key::Members(key), Answer::Members(members)) => {
                self.all_members(&key.account, &key.scope, &key.group, members);
            }
            (Key::MembersDifference(key), Answer::Difference(difference)) => {
                self.incomplete |= !difference.complete;
                self.all_members(&key.account, &key.scope, &key.group, &difference.added);
                self.all_members(&key.account, &key.scope, &key.group, &difference.removed);
            }
            _ => {}
        }
    }

    fn principal(&mut self, principal: &Principal) {
        let key = (principal.account.clone(), principal.id.clone());
        self.principals.entry(key).or_insert_with(|| {
            json!({
                "account": principal.account,
                "id": principal.id,
                "active": principal.active,
                "permissions": principal.permissions,
            })
        });
    }

    fn user(&mut self, user: &User) {
        self.incomplete |= user.write_pending || user.deletion_pending;
        let Some(id) = &user.id else {
            self.incomplete = true;
            return;
        };
        if user.in_managed_group
            && let Some(owner) = &user.managed_by
        {
            let of = (user.account.clone(), id.clone(), owner.clone());
            self.in_managed_group.push(of);
        }
        let entry = json!({
            "account": user.account,
            "id": id,
            "userName": user.user_name,
            "displayName": user.display_name,
            "externalId": user.external_id,
            "active": user.active,
            "managed_by": user.managed_by,
            "since": user.since.and_then(time),
        });
        self.users.insert((user.account.clone(), id.clone()), entry);
    }

    fn group(&mut self, group: &Group) {
        self.incomplete |= group.write_pending || group.deletion_pending;
        let Some(id) = &group.id else {
            self.incomplete = true;
            return;
        };
        let key = (group.account.clone(), group.scope.clone(), id.clone());
        let entry = json!({
            "account": group.account,
            "scope": group.scope,
            "id": id,
            "displayName": group.display_name,
            "externalId": group.external_id,
            "managed_by": group.managed_by,
            "since": group.since.and_then(time),
        });
        self.groups.insert(key, entry);
    }

    /// Adds the id or name of a holder as all that is known, unless more is known from elsewhere.
    fn holder(&mut self, account: &str, holder: &Holder, external_id: Option<&str>) {
        let Some(id) = &holder.id else {
            self.incomplete = true;
            return;
        };
        let external_id = external_id.filter(|value| *value != id.as_str());
        match holder.kind {
            ResourceKind::User => {
                let key = (account.to_owned(), id.clone());
                self.users.entry(key).or_insert_with(|| {
                    json!({
                        "account": account,
                        "id": id,
                        "userName": holder.name.as_deref().unwrap_or(id),
                        "externalId": external_id,
                    })
                });
            }
            ResourceKind::Group => {
                let key = (account.to_owned(), String::new(), id.clone());
                self.groups.entry(key).or_insert_with(|| {
                    json!({
                        "account": account,
                        "id": id,
                        "displayName": holder.name,
                        "externalId": external_id,
                    })
                });
            }
        }
    }

    fn all_members(&mut self, account: &str, scope: &str, group: &str, members: &[Member]) {
        for member in members {
            if self.size() > LARGEST {
                self.incomplete = true;
                return;
            }
            let user = member.user.as_ref();
            if let Some(user) = user {
                self.user(user);
            }
            if member.may_be_in() {
                self.incomplete |= !member.is_confirmed();
                let id = user.and_then(|user| user.id.as_deref());
                self.member(account, scope, group, id.unwrap_or(&member.reference));
            }
        }
    }

    fn member(&mut self, account: &str, scope: &str, group: &str, user: &str) {
        let key = [account, scope, group, user].map(str::to_owned);
        let [in_account, in_scope, in_group, of_user] = key;
        self.members
            .entry((in_account, in_scope, in_group, of_user))
            .or_insert_with(
                || json!({"account": account, "scope": scope, "group": group, "user": user}),
            );
    }

    fn finish(mut self, hidden: &Hidden<'_>) -> Known {
        for (account, user, owner) in std::mem::take(&mut self.in_managed_group) {
            let is_shown = self.members.keys().any(|(of, scope, group, member)| {
                let key = (of.clone(), scope.clone(), group.clone());
                let managed = self.groups.get(&key).map(|it| !it["managed_by"].is_null());
                *of == account && *member == user && managed == Some(true)
            });
            if !is_shown {
                let key = (account.clone(), String::new(), SOME_GROUP.to_owned());
                self.groups.entry(key).or_insert_with(
                    || json!({"account": account, "id": SOME_GROUP, "managed_by": owner}),
                );
                self.member(&account, "", SOME_GROUP, &user);
            }
        }
        let list = |values: Vec<Value>| {
            let mut list = Value::Array(values);
            hidden.texts(&mut list);
            list
        };
        Known {
            facts: json!({
                // Token placeholders have the form of tokens.
                "tokens": self.tokens,
                "verified": self.verified,
                "principals": list(self.principals.into_values().collect()),
                "users": list(self.users.into_values().collect()),
                "groups": list(self.groups.into_values().collect()),
                "members": list(self.members.into_values().collect()),
            }),
            complete: !self.incomplete,
        }
    }
}

/// A time as the document writes it.
fn time(millis: u64) -> Option<String> {
    let time = jiff::Timestamp::from_millisecond(i64::try_from(millis).ok()?).ok()?;
    Some(time.to_string())
}
