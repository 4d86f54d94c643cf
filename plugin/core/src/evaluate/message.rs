//! The message of a SCIM call: read, normalised, and what it amounts to.

use std::collections::BTreeMap;

use super::Known;
use crate::act::{self, Act, Edit};
use crate::budget::{Budget, BudgetExceeded};
use crate::bulk::references;
use crate::continuation::Expected;
use crate::facts::ResourceKind;
use crate::json::Json;
use crate::message::{Normalisation, Request};
use crate::normalise::value_paths::{self, NoTarget};
use crate::normalise::{Normaliser, query, search};
use crate::parse;
use crate::policy::{Account, Resource};
use crate::route::{Operation, ScimCall};
use crate::rules::{Refusal, Stage, normalise};
use crate::scim::location::Bases;
use crate::scim::shape::Shape;
use crate::write::replacement;

/// The canonical message of a SCIM call.
pub(super) enum Message {
    None,
    Resource(Json),
    Patch(Vec<crate::scim::operation::Operation>),
    Search(Json),
}

// === impl Message ===

impl Message {
    /// Checks it against the JSON Schemas: those of its attribute table, and the account's own.
    pub(super) fn check(
        &self,
        call: &ScimCall,
        account: &Account,
        budget: &Budget,
    ) -> Result<(), Refusal> {
        let constraints = |kind| &account.resource(kind).constraints;
        match (self, &call.operation) {
            (Self::Resource(resource), Operation::Create(kind) | Operation::Replace(kind, _)) => {
                constraints(*kind).check_resource(resource, budget)
            }
            (Self::Patch(operations), Operation::Patch(kind, _)) if !operations.is_empty() => {
                constraints(*kind).check_patch(operations, budget)
            }
            _ => Ok(()),
        }
    }

    /// Points references to the backend's base, as they point to the client's in answers.
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

    /// What of it the application does if it says so; `None`: all.
    pub(super) fn acted_on(&self, call: &ScimCall, account: &Account) -> Option<Self> {
        let (Self::Patch(operations), Some((kind, _))) = (self, call.changed()) else {
            return None;
        };
        let resource = account.resource(kind);
        let is_done =
            |operation: &&crate::scim::operation::Operation| resource.acts_on(&operation.attribute);
        if operations.iter().all(|operation| is_done(&operation)) {
            return None;
        }
        let done = operations.iter().filter(is_done).cloned();
        Some(Self::Patch(done.collect()))
    }

    /// Whether a value path may be meant to create a value.
    pub(super) fn may_create(&self) -> bool {
        matches!(self, Self::Patch(operations) if value_paths::may_create(operations))
    }

    /// Writes what is to be created as additions, given the resource as it is.
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

    /// Writes a whole resource as the operations that it amounts to.
    pub(super) fn as_patch(&mut self, resource: &Resource, changes: &mut Vec<Normalisation>) {
        if let Self::Resource(whole) = self {
            changes.push(normalise::PATH.normalisation(
                "the request",
                "the PUT is written as a PATCH, as the interoperability profile asks",
            ));
            *self = Self::Patch(replacement::operations(whole, &resource.shape));
        }
    }

    /// Puts ids in place of references to other operations of a Bulk request.
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
    /// The shapes of the resources that it is about.
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

    /// Whether a body comes with it.
    pub(super) fn has_body(&self) -> bool {
        matches!(
            self.operation,
            Operation::Search(_)
                | Operation::Create(_)
                | Operation::Replace(..)
                | Operation::Patch(..)
        )
    }

    /// The resource that a PUT or PATCH is for.
    pub(super) fn changed(&self) -> Option<(ResourceKind, String)> {
        match &self.operation {
            Operation::Patch(kind, id) | Operation::Replace(kind, id) => Some((*kind, id.clone())),
            _ => None,
        }
    }

    /// What it amounts to.
    pub(super) fn act(&self, message: &Message) -> Act {
        match (&self.operation, message) {
            (Operation::Create(kind), Message::Resource(resource)) => {
                act::scim::create(*kind, resource)
            }
            (Operation::Replace(kind, id), Message::Resource(resource)) => {
                act::scim::replace(*kind, id, resource)
            }
            (Operation::Patch(kind, id), Message::Patch(operations)) => {
                act::scim::patch(*kind, id, operations)
            }
            (Operation::Delete(kind, id), _) => act::scim::delete(*kind, id),
            _ => Act::default(),
        }
    }

    /// What a success looks like.
    pub(super) fn expected(&self, act: &Act, query: &str, message: &Message) -> Expected {
        match &self.operation {
            Operation::List(kind) | Operation::Search(kind) => Expected::List {
                kind: *kind,
                from_start: match message {
                    Message::Search(search) => search::is_from_start(search),
                    _ => query::is_from_start(query),
                },
            },
            Operation::Read(kind, id) => Expected::Resource(*kind, id.clone()),
            Operation::Create(kind) => {
                let name = act.edits.iter().find_map(|edit| match edit {
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
            // Taken apart before anything is expected of it.
            Operation::Bulk => Expected::Deleted,
        }
    }
}
