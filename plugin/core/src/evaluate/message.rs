//! The message of a SCIM call, parsed and normalised, and its effect.

use std::collections::BTreeMap;

use super::Known;
use crate::act::Edit;
use crate::budget::{Budget, BudgetExceeded};
use crate::bulk::references;
use crate::canonical::{Canonical, Message};
use crate::continuation::Expected;
use crate::json::Json;
use crate::message::{Normalisation, Request};
use crate::normalise::value_paths::{self, NoTarget};
use crate::normalise::{Normaliser, query, search};
use crate::parse;
use crate::policy::Account;
use crate::route::{Operation, ScimCall};
use crate::rules::{Refusal, Stage};
use crate::scim::location::Bases;
use crate::scim::shape::Shape;

// === impl Message ===

impl Message {
    /// Makes references point to the backend's base, as the guard makes them point to its own in
    /// answers.
    pub(super) fn redirect(&mut self, bases: &Bases) {
        if bases.client == bases.upstream {
            return;
        }
        let mut redirect = |name: &str, text: &mut String| {
            if name == "$ref" {
                *text = bases.inward(text);
            }
        };
        match self {
            Self::Resource(resource) => resource.each_text(&mut redirect),
            Self::Patch(operations) => {
                for operation in operations {
                    match (&mut operation.value, operation.sub.as_deref()) {
                        (Some(Json::String(text)), Some(sub)) => redirect(sub, text),
                        (Some(value), _) => value.each_text(&mut redirect),
                        (None, _) => {}
                    }
                }
            }
            Self::None | Self::Search(_) => {}
        }
    }

    /// Rewrites values that do not exist in the read resource yet as additions.
    pub(super) fn create_missing(
        &mut self,
        call: &ScimCall,
        resource: &Json,
        account: &Account,
        budget: &Budget,
        changes: &mut Vec<Normalisation>,
    ) -> Result<Option<NoTarget>, BudgetExceeded> {
        let (Self::Patch(operations), Some((kind, _))) = (self, call.changed()) else {
            return Ok(None);
        };
        let searches = operations.iter().filter(|it| it.filter.is_some()).count();
        budget.searches(searches, resource)?;
        let shape = &account.resource(kind).shape;
        Ok(value_paths::create_missing(
            operations, resource, shape, changes,
        ))
    }

    /// Replaces references to other operations of a Bulk request with ids.
    fn resolve(&mut self, shape: &Shape, ids: &BTreeMap<String, String>) -> Result<(), Refusal> {
        match self {
            Self::Resource(resource) => references::resolve_resource(resource, shape, ids),
            Self::Patch(operations) => references::resolve_operations(operations, shape, ids),
            Self::None | Self::Search(_) => Ok(()),
        }
    }
}

/// Reads and normalises the body of a SCIM call.
pub(super) fn message(
    call: &ScimCall,
    request: &Request,
    account: &Account,
    budget: &Budget,
    bases: &Bases,
    known: Known<'_>,
    changes: &mut Vec<Normalisation>,
) -> Result<Message, Refusal> {
    let (kind, id) = match &call.operation {
        Operation::Search(_) => {
            let (body, reading) = parse::required(request, account, budget)?;
            budget.enter(Stage::Normalise);
            let shapes = call.shapes(account);
            return Ok(Message::Search(search::canonical(
                body, reading, &shapes, changes,
            )?));
        }
        Operation::Create(kind) => (*kind, None),
        Operation::Replace(kind, id) => (*kind, Some(id.as_str())),
        Operation::Patch(kind, _) => (*kind, None),
        _ => return Ok(Message::None),
    };
    let (body, reading) = parse::required(request, account, budget)?;
    budget.enter(Stage::Normalise);
    let resource = account.resource(kind);
    let mut normaliser = Normaliser::new(&resource.shape, bases, reading);
    let result = if matches!(call.operation, Operation::Patch(..)) {
        normaliser.patch(body, &account.limits).map(Message::Patch)
    } else {
        normaliser.resource(body, id).map(Message::Resource)
    };
    changes.append(&mut normaliser.changes);
    let mut message = result?;
    if let Some(ids) = known.bulk_ids {
        message.resolve(&resource.shape, ids)?;
    }
    Ok(message)
}

// === impl ScimCall ===

impl ScimCall {
    /// The shapes of the resources that the call is about.
    pub(super) fn shapes<'a>(&self, account: &'a Account) -> Vec<&'a Shape> {
        match &self.operation {
            Operation::List(Some(kind))
            | Operation::Search(Some(kind))
            | Operation::Create(kind)
            | Operation::Read(kind, _)
            | Operation::Replace(kind, _)
            | Operation::Patch(kind, _)
            | Operation::Delete(kind, _) => vec![&account.resource(*kind).shape],
            Operation::List(None) | Operation::Search(None) => {
                vec![&account.user.shape, &account.group.shape]
            }
            Operation::Discover(_) | Operation::Bulk => Vec::new(),
        }
    }

    /// Whether the call has a body.
    pub(super) fn has_body(&self) -> bool {
        matches!(
            self.operation,
            Operation::Search(_)
                | Operation::Create(_)
                | Operation::Replace(..)
                | Operation::Patch(..)
        )
    }

    /// The expected form of a success.
    pub(super) fn expected(&self, query: &str, canonical: &Canonical) -> Expected {
        match &self.operation {
            Operation::List(kind) | Operation::Search(kind) => Expected::List {
                kind: *kind,
                from_start: match canonical.message() {
                    Message::Search(search) => search::is_from_start(search),
                    _ => query::is_from_start(query),
                },
            },
            Operation::Read(kind, id) => Expected::Resource(*kind, id.clone()),
            Operation::Create(kind) => {
                let name = canonical.act().edits.iter().find_map(|edit| match edit {
                    Edit::CreateUser(new) => Some(new.user_name.clone()),
                    Edit::CreateGroup(new) => new.name.clone(),
                    _ => None,
                });
                Expected::Created {
                    kind: *kind,
                    name: name.unwrap_or_default(),
                    at: None,
                }
            }
            Operation::Replace(kind, id) | Operation::Patch(kind, id) => {
                Expected::Written(*kind, id.clone())
            }
            Operation::Delete(..) => Expected::Deleted,
            Operation::Discover(document) => Expected::Discovery(*document),
            // Bulk requests are split into operations before an answer is expected.
            Operation::Bulk => Expected::Deleted,
        }
    }
}
