//! One request tried on an account: what becomes of it in the application, on record and in the model.

use std::cell::RefCell;
use std::collections::BTreeSet;

use proptest::test_runner::TestCaseError;
use scimguard_core::facts::Table;
use scimguard_core::{Body, Request};
use serde_json::{Value, json};

use crate::application::{Application, body, outcome, replace, text};
use crate::drive::{Driven, Sent, drive};
use crate::fixtures::{TOKEN, request};
use crate::management::PREFIX;
use crate::model::{Active, Actor, Edit, Id, Rule, Verdict};
use crate::patch::apply;
use crate::presets::Preset;
use crate::world::{Account, OPERATOR, Told, differences, edits};

/// An account under a policy, and who acts.
pub(crate) struct Trial<'a> {
    pub(crate) preset: &'a Preset,
    pub(crate) account: &'a Account,
    pub(crate) actor: Actor,
    /// The requests are for the routes of the management API.
    pub(crate) on_routes: bool,
    /// The application shows what it has after a change.
    pub(crate) shows: bool,
}

/// A request below the account's base: method, path, body.
pub(crate) type Call = (&'static str, String, Value);

/// The PATCH of these operations.
pub(crate) fn patch_call(path: &str, operations: &[Value]) -> Call {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations,
    });
    ("PATCH", path.to_owned(), body)
}

/// Whether a rule protects what a provider owns.
pub(crate) fn protects(rule: &str) -> bool {
    let kinds = ["okta-only.", "ownership.", "user.deactivated"];
    kinds.iter().any(|kind| rule.starts_with(kind))
}

impl Trial<'_> {
    pub(crate) fn application(&self) -> Application {
        self.account.application(self.preset.derives_ids)
    }

    /// Sends a SCIM request through the guard.
    pub(crate) fn send(
        &self,
        (method, path, body): &Call,
        table: &mut Table,
        application: impl FnMut(&Sent<'_>) -> scimguard_core::BackendOutcome,
    ) -> Driven {
        let token = match self.actor {
            Actor::Provisioner => TOKEN,
            Actor::Operator => OPERATOR,
        };
        let body = match body {
            Value::Null => Body::None,
            body => Body::Bytes(body.to_string().into_bytes()),
        };
        let request = match self.on_routes {
            false => request(method, &format!("{}{path}", self.preset.base), token, body),
            true => Request {
                headers: vec![("content-type".to_owned(), b"application/json".to_vec())],
                ..request(
                    method,
                    &format!("{PREFIX}{path}?accountIdentifier=ACC1"),
                    "",
                    body,
                )
            },
        };
        drive(&self.preset.setup, &request, table, application)
    }

    /// The rule that refuses a SCIM request, if any.
    pub(crate) fn refusal(&self, call: &Call) -> Option<String> {
        let mut application = self.application();
        let driven = self.send(call, &mut self.account.table(), |sent| {
            outcome(self.answer(&mut application, sent))
        });
        driven.rule
    }

    /// What the application answers to what the guard sends.
    pub(crate) fn answer(&self, application: &mut Application, sent: &Sent<'_>) -> (u16, Value) {
        if self.on_routes {
            let path = sent
                .path
                .split('?')
                .next()
                .and_then(|path| path.strip_prefix(PREFIX));
            let path = path.expect("the prefix").to_owned();
            return application.management(&(method(sent), path, body(sent)));
        }
        let path = sent.path.strip_prefix(self.preset.base);
        let answer = application.scim(sent.method, path.expect("the base"), &body(sent));
        match (answer, sent.method) {
            ((200, _), "PUT" | "PATCH") if !self.shows => (204, Value::Null),
            (answer, _) => answer,
        }
    }

    /// Sends a request. What it changes must be allowed, in its parts and together, and be what is
    /// recorded.
    pub(crate) fn check(&self, call: &Call) -> Result<Driven, TestCaseError> {
        let before = self.application();
        let mut after = before.clone();
        let mut table = self.account.table();
        let forwarded = RefCell::new(Vec::new());
        let driven = self.send(call, &mut table, |sent| {
            forwarded
                .borrow_mut()
                .push((sent.method.to_owned(), body(sent)));
            outcome(self.answer(&mut after, sent))
        });
        let returning = self.returning();
        let forwarded = forwarded.into_inner();
        for (method, message) in forwarded.iter().filter(|(method, _)| method != "GET") {
            let said = said(message);
            let edits = |after: &Application| edits(&before, after, said, &returning);
            // A PUT that is written as a PATCH is judged as a PUT (RFC 7644 §3.5.1): together.
            if method == "PATCH" && call.0 == "PATCH" {
                for operation in message["Operations"].as_array().into_iter().flatten() {
                    let alone = alone(&before, &call.1, operation);
                    self.allows(&edits(&alone), &before, &alone, message)?;
                }
            }
            self.allows(&edits(&after), &before, &after, message)?;
        }
        let told = match (self.on_routes, self.shows) {
            (true, _) => Told::Routes,
            (false, true) => Told::All,
            (false, false) => Told::Nothing,
        };
        let differences = differences(&table, &after, told);
        if !differences.is_empty() {
            let text = format!("{forwarded:?} leaves {differences:#?}");
            return Err(TestCaseError::fail(text));
        }
        Ok(driven)
    }

    /// The provider's deactivated users. It may create such a person again under another name, with
    /// the same external id (DECISIONS.md: `reprovision`). The model has no such setting.
    fn returning(&self) -> BTreeSet<Id> {
        let users = self.account.world().users;
        let mut returning = BTreeSet::new();
        if self.actor == Actor::Provisioner {
            let deactivated = users
                .into_iter()
                .filter(|(_, user)| user.managed && !user.active);
            returning.extend(deactivated.map(|(id, _)| id));
        }
        returning
    }

    /// Such a person, if all parts of a message that write an external id write that of the person.
    pub(crate) fn returned(&self, message: &Value) -> Option<Id> {
        let operations = message["Operations"].as_array().into_iter().flatten();
        let patched = operations.filter_map(|operation| match operation["path"].as_str() {
            Some("externalId") => Some(&operation["value"]),
            None => operation["value"].get("externalId"),
            Some(_) => None,
        });
        let written = patched.chain(message.get("externalId"));
        let written: BTreeSet<&str> = written.map(|id| id.as_str().unwrap_or_default()).collect();
        let users = self.account.world().users;
        let has = |id: &Id| {
            users[id]
                .external_id
                .as_deref()
                .is_some_and(|id| written.contains(id))
        };
        let mut returning = self.returning().into_iter();
        returning.find(|id| written.len() == 1 && has(id))
    }

    /// Fails if the model forbids any of these edits to the actor.
    pub(crate) fn allows(
        &self,
        edits: &[Edit],
        before: &Application,
        after: &Application,
        message: &Value,
    ) -> Result<(), TestCaseError> {
        let world = self.account.world();
        let returned = self.returned(message);
        for edit in edits {
            let Verdict::Refuse(rules) = world.judge(self.preset.policy, self.actor, edit) else {
                continue;
            };
            // The model has none of `deactivated: editable`, `group_id: null` and `reprovision`.
            let counts = |rule: &Rule| match rule {
                Rule::Deactivated => self.preset.locks_deactivated,
                Rule::GroupId => self.preset.derives_ids,
                Rule::UserName => returned.is_none(),
                _ => true,
            };
            if rules.iter().any(counts) {
                let text = format!("{message}: {edit:?} is {rules:?}");
                return Err(TestCaseError::fail(text));
            }
        }
        if self.actor == Actor::Provisioner {
            return Ok(());
        }
        // The provider finds what it owns by the external id. The table does not name it.
        let users = before.users.iter().map(|(id, was)| {
            let is_managed = world.users.get(id).is_some_and(|user| user.managed);
            (is_managed, was, after.users.get(id))
        });
        let groups = before.groups.iter();
        let groups = groups.map(|(id, was)| (world.is_pushed(id), was, after.groups.get(id)));
        for (is_managed, was, is) in users.chain(groups) {
            if is_managed && is.is_some_and(|is| text(is, "externalId") != text(was, "externalId"))
            {
                let text = format!("{message}: {was} becomes {is:?}");
                return Err(TestCaseError::fail(text));
            }
        }
        Ok(())
    }
}

fn method(sent: &Sent<'_>) -> &'static str {
    let methods = ["PUT", "POST", "DELETE"];
    let method = methods.into_iter().find(|method| *method == sent.method);
    method.expect("a method of a route")
}

/// The application after one operation alone; as before if it has no target.
fn alone(before: &Application, path: &str, operation: &Value) -> Application {
    let mut after = before.clone();
    let (kind, id) = path[1..].split_once('/').expect("a resource");
    let resources = match kind {
        "Users" => &mut after.users,
        _ => &mut after.groups,
    };
    if let Some(known) = resources.get_mut(id) {
        let mut changed = known.clone();
        if apply(&mut changed, operation).is_ok() {
            replace(known, &changed);
        }
    }
    after
}

/// What a message says of a user's activity, if it always says the same.
pub(crate) fn said(message: &Value) -> Active {
    let is = |value: &Value| match value {
        Value::String(text) => text.to_lowercase().parse().ok(),
        value => value.as_bool(),
    };
    let operations = message["Operations"].as_array().into_iter().flatten();
    let patched = operations.filter_map(|operation| match operation["path"].as_str() {
        Some("active") => Some(is(&operation["value"])),
        None => operation["value"].get("active").map(is),
        Some(_) => None,
    });
    let whole = message.get("active").map(is);
    let all: Vec<Option<bool>> = patched.chain(whole).collect();
    match all.as_slice() {
        [] => Active::Kept,
        all if all.iter().all(|one| *one == Some(true)) => Active::On,
        all if all.iter().all(|one| *one == Some(false)) => Active::Off,
        _ => Active::Kept,
    }
}
