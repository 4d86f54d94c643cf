//! The effect of a management request: the parts of its route, read from path, query, headers and a
//! strictly parsed body.

mod body;
mod parts;
mod values;

use super::provisioning::ProvisioningEdit;
use super::{
    Act, Activity, ActivityWrites, Edit, GroupChange, MembersWrites, UserChange, UserGroups,
};
use crate::json::Json;
use crate::message::Request;
use crate::policy::{EditKind, Route};
use crate::route::management::{Match, disagree};
use crate::rules::Refusal;
use parts::Parts;

/// Reads the edit.
pub(crate) fn act(
    matched: &Match<'_>,
    request: &Request,
    body: Option<&Json>,
    account: &str,
) -> Result<Act, Refusal> {
    let parts = Parts {
        matched,
        request,
        body,
    };
    let kind = matched.route.edit;
    if !kind.is_free()
        && !account.is_empty()
        && let Some(in_body) = parts.text(&matched.route.account, "account")?
        && in_body != account
    {
        return Err(disagree("account", &matched.route.account));
    }
    let mut edits = match kind {
        EditKind::Roles
        | EditKind::Nothing
        | EditKind::Read
        | EditKind::UserUnlock
        | EditKind::AccessChange => Vec::new(),
        EditKind::GroupCreate => vec![parts.create_group()?],
        EditKind::GroupCopy => vec![parts.copy_group()?],
        EditKind::GroupUpdate | EditKind::GroupRename => vec![Edit::ChangeGroup(GroupChange {
            name: parts.new_name()?,
            members: match kind {
                EditKind::GroupUpdate => parts.replaced_members()?,
                _ => MembersWrites::default(),
            },
            unlisted_field: parts.unlisted_field(),
            ..parts.group_change()?
        })],
        EditKind::GroupDelete => vec![Edit::DeleteGroup(parts.group()?)],
        EditKind::MembersAdd => vec![Edit::ChangeGroup(GroupChange {
            members: parts.named_members(MembersWrites::add)?,
            ..parts.group_change()?
        })],
        EditKind::MembersRemove => vec![Edit::ChangeGroup(GroupChange {
            members: parts.named_members(MembersWrites::remove)?,
            ..parts.group_change()?
        })],
        EditKind::MembersReplace => vec![Edit::ChangeGroup(GroupChange {
            members: parts.replaced_members()?,
            ..parts.group_change()?
        })],
        EditKind::UserCreate => parts.create_users()?,
        EditKind::UserUpdate | EditKind::UserProfile => parts.update_users()?,
        EditKind::UserDelete => vec![Edit::DeleteUser(parts.user()?)],
        EditKind::UserActivate | EditKind::UserDeactivate => vec![Edit::ChangeUser(UserChange {
            active: ActivityWrites::one(Activity::To(kind == EditKind::UserActivate)),
            ..parts.user_change()?
        })],
        EditKind::UserGroupsAdd | EditKind::UserGroupsRemove | EditKind::UserGroupsReplace => {
            let groups = parts.groups()?;
            vec![Edit::ChangeUser(UserChange {
                groups: match (groups, kind) {
                    (None, _) => UserGroups::Changed,
                    (Some(groups), EditKind::UserGroupsAdd) => UserGroups::Add(groups),
                    (Some(groups), EditKind::UserGroupsRemove) => UserGroups::Remove(groups),
                    (Some(groups), _) => UserGroups::Replace(groups),
                },
                ..parts.user_change()?
            })]
        }
        EditKind::ScopeDelete => vec![Edit::Provisioning(ProvisioningEdit::DeleteScope(
            parts.whole_scope()?,
        ))],
        EditKind::ScopeMembersReplace => vec![Edit::Provisioning(
            ProvisioningEdit::ReplaceMembers(parts.whole_scope()?),
        )],
    };
    edits.extend(parts.claim()?);
    if !matched.route.touches.is_empty() {
        edits.push(Edit::Provisioning(ProvisioningEdit::Touch(parts.things()?)));
    }
    Ok(Act { edits })
}

/// The scope that a read is about: `""`, `org` or `org/project`.
pub(crate) fn scope(
    matched: &Match<'_>,
    request: &Request,
    body: Option<&Json>,
) -> Result<String, Refusal> {
    let parts = Parts {
        matched,
        request,
        body,
    };
    parts.scope()
}

// === impl Route ===

impl Route {
    /// Whether the edit is unknown without a body. The scope alone may be in a body too, but need
    /// not be.
    pub(crate) fn needs_body(&self) -> bool {
        [
            &self.group,
            &self.groups,
            &self.name,
            &self.members,
            &self.user,
            &self.targets,
            &self.email,
        ]
        .into_iter()
        .any(|sources| body::pointers(sources).next().is_some())
    }

    /// Whether the scope may stand in a body.
    pub(crate) fn has_scope_in_body(&self) -> bool {
        [&self.organisation, &self.project]
            .into_iter()
            .any(|sources| body::pointers(sources).next().is_some())
    }
}
