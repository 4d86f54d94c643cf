//! The checks that must always hold.

use std::sync::Arc;

use scimguard_core::facts::{GroupRowKey, RowId, UserRowKey};
use scimguard_core::fold;
use scimguard_exchange::{Outgoing, Send};
use scimguard_tests::acts::reading;
use scimguard_tests::fixtures::ACCOUNT;
use scimguard_tests::model::{Actor, Edit, Id, Policy, Rule, Verdict};
use scimguard_tests::oracle;

use super::happening::is_definite;
use super::{Task, World, Written};
use crate::calls::Call;
use crate::event::Request;
use crate::guard::Ended;
use crate::leases::TaskId;

impl World {
    /// Judges the request that has just been sent, if any.
    pub(super) fn judge_sent(&mut self, id: TaskId) {
        let Some(call) = self.tasks.get(&id).map(|task| Arc::clone(&task.call)) else {
            return;
        };
        let Call::Send(send) = &*call else {
            return;
        };
        let deletes_unknown = self.deletes_unknown(send);
        let edits_unknown = self.edits_unknown(send);
        if let Some(task) = self.tasks.get_mut(&id)
            && let (Some(request), None) = (&task.request, &task.answer)
            && send.method != "GET"
        {
            let actor = request.actor();
            task.deletes_unknown = deletes_unknown;
            task.edits_unknown = edits_unknown;
            task.writes.push(Written::Not);
            if task.surprises == self.surprises {
                self.judge(actor, send, "gets");
            }
        }
    }

    /// No write that the table of ownership forbids reaches the application.
    pub(super) fn judge(&mut self, actor: Actor, send: &Send, how: &str) {
        if send.method == "GET" {
            return;
        }
        let body = body_of(send);
        let shown = || {
            let body = String::from_utf8_lossy(body);
            format!("{actor:?} {} {} {body}", send.method, send.path)
        };
        let Some(mut edit) = reading::edit(&self.truth, &send.method, &send.path, body) else {
            let why = format!("the application {how} what is no edit: {}", shown());
            return self.fails(why);
        };
        self.ignore_strangers(&mut edit);
        let verdict = self.truth.judge(Policy::default(), actor, &edit);
        if verdict != Verdict::Forward
            && !(actor == Actor::Provisioner && self.takes_unseen_name(&edit, &verdict))
            && !oracle::is_undecided(&self.truth, actor, &edit, &verdict, true)
        {
            let why = format!(
                "the application {how} what the table forbids: {}: {verdict:?}",
                shown()
            );
            self.fails(why);
        }
    }

    /// Whether the provider gives a user the name of another one who was taken over by id, and whose
    /// name no answer has shown: only the application can refuse that.
    fn takes_unseen_name(&self, edit: &Edit, verdict: &Verdict) -> bool {
        let Edit::WriteUser { profile, .. } = edit else {
            return false;
        };
        let holder = profile
            .mail
            .as_deref()
            .and_then(|mail| self.truth.named(mail));
        let has_no_name = holder.is_some_and(|holder| {
            let key = UserRowKey::new(ACCOUNT, RowId::known(holder));
            let row = self.record.rows().users.get(&key);
            row.is_some_and(|row| row.user.user_name == *holder)
        });
        has_no_name && *verdict == Verdict::refused(Rule::UserName)
    }

    /// The application ignores members that are not among its users, and refuses to edit who is not:
    /// such an edit changes nothing.
    fn ignore_strangers(&self, edit: &mut Edit) {
        let members = match edit {
            Edit::CreateGroup { members, .. } | Edit::ReplaceGroup { members, .. } => members,
            Edit::WriteGroup { add, .. } => add,
            Edit::JoinGroups { user, .. } | Edit::WriteUser { user, .. }
                if !self.truth.users.contains_key(user) =>
            {
                *edit = Edit::Nothing;
                return;
            }
            _ => return,
        };
        members.retain(|user| self.truth.users.contains_key(user));
    }

    /// The user whom a request edits, if the guard does not know the id.
    fn edits_unknown(&self, send: &Send) -> Option<Id> {
        match reading::edit(&self.truth, &send.method, &send.path, body_of(send)) {
            Some(Edit::WriteUser { user, .. }) => {
                let key = UserRowKey::new(ACCOUNT, RowId::known(&user));
                let is_known = self.record.rows().users.contains_key(&key);
                (!is_known).then_some(user)
            }
            _ => None,
        }
    }

    /// Everything that the provider provisioned is on record as its own or as open, never as
    /// native.
    pub(super) fn check_owners(&mut self) {
        let mut wrong = None;
        {
            let rows = self.record.rows();
            let is_owned = |id: &str| {
                let key = UserRowKey::new(ACCOUNT, RowId::known(id));
                rows.users
                    .get(&key)
                    .is_some_and(|row| row.user.managed_by.is_some())
            };
            for (id, user) in self.truth.users.iter().filter(|(_, user)| user.managed) {
                let name = fold(&user.mail);
                let is_intended = |(key, row): (&UserRowKey, &scimguard_core::facts::UserRow)| {
                    key.id.as_known().is_none() && fold(&row.user.user_name) == name
                };
                if !is_owned(id) && !rows.users.iter().any(is_intended) {
                    wrong = Some(format!(
                        "the provider's user {id} is not on record: {user:?}"
                    ));
                }
            }
            for (id, group) in self.truth.groups.iter().filter(|(_, group)| group.managed) {
                let key = GroupRowKey::new(ACCOUNT, "", RowId::known(id));
                let row = rows.groups.get(&key);
                let is_owned = row.is_some_and(|row| row.group.managed_by.is_some());
                let is_intended = |(key, row): (&GroupRowKey, &scimguard_core::facts::GroupRow)| {
                    key.id.as_known().is_none()
                        && (row.group.display_name.as_ref() == Some(&group.name)
                            || row.group.derived_id.as_ref() == Some(id))
                };
                if !is_owned && !rows.groups.iter().any(is_intended) {
                    wrong = Some(format!(
                        "the provider's group {id} is not on record: {group:?}"
                    ));
                }
            }
        }
        if let Some(wrong) = wrong {
            self.fails(wrong);
        }
    }

    /// After a success, the client sees its change; after a definite failure, nothing has changed.
    pub(super) fn check_answer(&mut self, task: &Task, request: &Request, ended: &Ended) {
        let is_success = (200..300).contains(&ended.status);
        let why = match task.writes[..] {
            [Written::Not | Written::Refused] if is_success => {
                "nothing was done, and the client is told success"
            }
            [Written::Done] if is_definite(ended.status) && !is_success => {
                "it was done, and the client is told that it was not"
            }
            _ => return,
        };
        let why = format!(
            "{why}: {} {} {}: {} {}",
            request.method,
            request.path,
            request.body,
            ended.status,
            ended.rule.as_deref().unwrap_or_default()
        );
        self.fails(why);
    }
}

/// The body of a request to the application.
pub(super) fn body_of(send: &Send) -> &[u8] {
    match &send.body {
        Outgoing::Whole(bytes) => bytes,
        _ => &[],
    }
}
