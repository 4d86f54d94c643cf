//! Facts as people write them: the JSON of `scimguard check --facts` and of the case suites.

use serde::Deserialize;
use time::UtcDateTime;
use time::format_description::well_known::Rfc3339;

use super::{
    Group, GroupRow, GroupRowKey, MembershipKey, MembershipRow, Principal, PrincipalKey, RowId,
    Table, Token, TokenText, User, UserRow, UserRowKey, VerifiedKey,
};
use crate::hash::sha256_hex;
use crate::jwt::payload_text;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    tokens: Vec<TokenEntry>,
    #[serde(default)]
    verified: Vec<VerifiedEntry>,
    #[serde(default)]
    principals: Vec<PrincipalEntry>,
    #[serde(default)]
    users: Vec<UserEntry>,
    #[serde(default)]
    groups: Vec<GroupEntry>,
    #[serde(default)]
    members: Vec<MemberEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenEntry {
    token: Option<String>,
    token_sha256: Option<String>,
    account: String,
    principal: String,
    provider: Option<String>,
    expires: Option<String>,
    #[serde(default)]
    revoked: bool,
}

/// A token with a verified signature, or that introspection reports as active.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VerifiedEntry {
    account: String,
    issuer: String,
    token: String,
    /// If absent, the payload of the token, byte for byte.
    claims: Option<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PrincipalKind {
    User,
    ServiceAccount,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PrincipalEntry {
    account: String,
    id: String,
    #[serde(rename = "kind")]
    _kind: Option<PrincipalKind>,
    #[serde(default = "yes")]
    active: bool,
    #[serde(default)]
    permissions: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserEntry {
    account: String,
    id: String,
    #[serde(rename = "userName")]
    user_name: String,
    #[serde(rename = "displayName")]
    display_name: Option<String>,
    #[serde(rename = "externalId")]
    external_id: Option<String>,
    #[serde(default = "yes")]
    active: bool,
    managed_by: Option<String>,
    since: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupEntry {
    account: String,
    #[serde(default)]
    scope: String,
    id: String,
    #[serde(rename = "displayName")]
    display_name: Option<String>,
    #[serde(rename = "externalId")]
    external_id: Option<String>,
    managed_by: Option<String>,
    since: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberEntry {
    account: String,
    #[serde(default)]
    scope: String,
    group: String,
    user: String,
}

/// An RFC 3339 time, in milliseconds since 1970.
fn moment(text: Option<&str>) -> Result<Option<u64>, String> {
    text.map(|text| {
        let time = UtcDateTime::parse(text, &Rfc3339).map_err(|_| {
            format!("{text:?} is not an RFC 3339 time such as 2026-01-01T00:00:00Z")
        })?;
        // Times before 1970 count as 1970.
        Ok(match u64::try_from(time.unix_timestamp()) {
            Ok(seconds) => seconds * 1000 + u64::from(time.millisecond()),
            Err(_) => 0,
        })
    })
    .transpose()
}

fn yes() -> bool {
    true
}

impl Table {
    /// Reads a facts document.
    ///
    /// # Errors
    /// What is wrong with it, in one sentence.
    pub fn from_json(document: &serde_json::Value) -> Result<Self, String> {
        let document = Document::deserialize(document).map_err(|error| error.to_string())?;
        let mut table = Self::default();
        for (index, entry) in document.tokens.into_iter().enumerate() {
            table
                .add_token(entry)
                .map_err(|error| format!("tokens[{index}]: {error}"))?;
        }
        for (index, entry) in document.verified.into_iter().enumerate() {
            table
                .add_verified(entry)
                .map_err(|error| format!("verified[{index}]: {error}"))?;
        }
        for entry in document.principals {
            let principal = Principal {
                account: entry.account,
                id: entry.id,
                active: entry.active,
                permissions: entry.permissions,
            };
            let key = PrincipalKey {
                account: principal.account.clone(),
                id: principal.id.clone(),
            };
            table.principals.insert(key, principal);
        }
        for (index, entry) in document.users.into_iter().enumerate() {
            let user = User {
                account: entry.account,
                id: Some(entry.id.clone()),
                user_name: entry.user_name,
                display_name: entry.display_name,
                external_id: entry.external_id,
                active: entry.active,
                managed_by: entry.managed_by,
                since: moment(entry.since.as_deref())
                    .map_err(|error| format!("users[{index}]: since: {error}"))?,
                ..User::default()
            };
            let key = UserRowKey::new(&user.account, RowId::Known(entry.id));
            let opened = None;
            table.rows.users.insert(key, UserRow { user, opened });
        }
        for (index, entry) in document.groups.into_iter().enumerate() {
            let group = Group {
                account: entry.account,
                scope: entry.scope,
                id: Some(entry.id.clone()),
                display_name: entry.display_name,
                external_id: entry.external_id,
                managed_by: entry.managed_by,
                since: moment(entry.since.as_deref())
                    .map_err(|error| format!("groups[{index}]: since: {error}"))?,
                members_known: true,
                ..Group::default()
            };
            let key = GroupRowKey::new(&group.account, &group.scope, RowId::Known(entry.id));
            let row = GroupRow {
                group,
                ..GroupRow::default()
            };
            table.rows.groups.insert(key, row);
        }
        for entry in document.members {
            let key = MembershipKey {
                account: entry.account,
                scope: entry.scope,
                group: RowId::Known(entry.group),
                user: entry.user,
            };
            table.rows.memberships.insert(key, MembershipRow::CONFIRMED);
        }
        Ok(table)
    }

    fn add_verified(&mut self, entry: VerifiedEntry) -> Result<(), String> {
        let claims = match entry.claims {
            Some(claims) => serde_json::Value::Object(claims).to_string(),
            None => payload_text(&entry.token).ok_or("needs claims: the token has no payload")?,
        };
        let key = VerifiedKey {
            account: entry.account,
            issuer: entry.issuer,
            token: TokenText::new(entry.token),
        };
        self.verified.insert(key, claims);
        Ok(())
    }

    fn add_token(&mut self, entry: TokenEntry) -> Result<(), String> {
        let hash = match (entry.token, entry.token_sha256) {
            (Some(token), None) => sha256_hex(token.as_bytes()),
            (None, Some(hash)) => hash.to_ascii_lowercase(),
            _ => return Err("needs either token or token_sha256".to_owned()),
        };
        let expires =
            moment(entry.expires.as_deref()).map_err(|error| format!("expires: {error}"))?;
        let token = Token {
            id: Some(entry.principal.clone()),
            account: entry.account.clone(),
            provider: entry.provider,
            expires,
            revoked: entry.revoked,
            principal: None,
        };
        let principal = PrincipalKey {
            account: entry.account,
            id: entry.principal,
        };
        self.token_principals.insert(hash.clone(), principal);
        self.tokens.insert(hash, token);
        Ok(())
    }
}
