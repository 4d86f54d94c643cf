//! Who owns a user or group and why, or what is recorded of an account, for `scimguard owners` and
//! the operators' page.

mod words;

use scimguard_core::facts::{Group, ResourceKind, User};
use serde::Serialize;

use self::words::{Owned, not_recorded, why};
use scimguard_store::{CorrectionRow, Counts, Error, MemberCounts, MembershipRow, RetryRow, Store};

/// The report on a user.
#[derive(Serialize)]
pub(crate) struct UserReport {
    pub(crate) kind: &'static str,
    pub(crate) recorded: bool,
    #[serde(flatten)]
    pub(crate) user: Option<User>,
    pub(crate) state: &'static str,
    pub(crate) why: String,
    pub(crate) groups: Vec<MembershipRow>,
    pub(crate) retries: Vec<RetryRow>,
    pub(crate) corrections: Vec<CorrectionRow>,
}

/// The report on a group.
#[derive(Serialize)]
pub(crate) struct GroupReport {
    pub(crate) kind: &'static str,
    pub(crate) recorded: bool,
    #[serde(flatten)]
    pub(crate) group: Option<Group>,
    pub(crate) state: &'static str,
    pub(crate) why: String,
    pub(crate) members: MemberCounts,
    pub(crate) retries: Vec<RetryRow>,
    pub(crate) corrections: Vec<CorrectionRow>,
}

/// The report on an account.
#[derive(Serialize)]
pub(crate) struct AccountReport {
    pub(crate) kind: &'static str,
    pub(crate) recorded: bool,
    pub(crate) account: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    #[serde(flatten)]
    pub(crate) counts: Counts,
}

/// Reports what is recorded of an account.
pub(crate) async fn account_report(store: &Store, account: &str) -> Result<AccountReport, Error> {
    let recorded = store.has_account(account).await?;
    Ok(AccountReport {
        kind: "account",
        recorded,
        why: (!recorded).then(not_recorded),
        account: account.to_owned(),
        counts: store.counts(account).await?,
    })
}

/// Reports on a user, by id or user name.
pub(crate) async fn user_report(
    store: &Store,
    account: &str,
    user: &str,
) -> Result<UserReport, Error> {
    let Some(user) = store.user(account, user).await? else {
        return Ok(UserReport {
            kind: "user",
            recorded: false,
            user: None,
            state: "not on record",
            why: not_recorded(),
            groups: Vec::new(),
            retries: Vec::new(),
            corrections: Vec::new(),
        });
    };
    let id = user.id.as_deref().unwrap_or_default();
    Ok(UserReport {
        kind: "user",
        recorded: true,
        state: match (&user.managed_by, user.in_managed_group) {
            (None, _) => "native",
            (Some(_), true) => "group-provisioned",
            (Some(_), false) => "direct",
        },
        why: why(&Owned::from(&user)),
        groups: store.memberships(&user).await?,
        retries: store.retries(Some(account), Some(id), None).await?,
        corrections: store
            .corrections(ResourceKind::User, account, "", id)
            .await?,
        user: Some(user),
    })
}

/// Reports on a group, by id.
pub(crate) async fn group_report(
    store: &Store,
    account: &str,
    scope: &str,
    id: &str,
) -> Result<GroupReport, Error> {
    let Some(group) = store.group(account, scope, id).await? else {
        return Ok(GroupReport {
            kind: "group",
            recorded: false,
            group: None,
            state: "not on record",
            why: not_recorded(),
            members: MemberCounts::default(),
            retries: Vec::new(),
            corrections: Vec::new(),
        });
    };
    let id = group.id.as_deref().unwrap_or_default();
    Ok(GroupReport {
        kind: "group",
        recorded: true,
        state: match group.managed_by {
            None => "native",
            Some(_) => "managed",
        },
        why: why(&Owned::from(&group)),
        members: store.member_counts(&group).await?,
        retries: store
            .retries(Some(account), None, Some((scope, id)))
            .await?,
        corrections: store
            .corrections(ResourceKind::Group, account, scope, id)
            .await?,
        group: Some(group),
    })
}
