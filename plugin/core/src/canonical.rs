//! The canonical message of a request and its effect: what is judged is also what is written.

use crate::act::{self, Act};
use crate::budget::Budget;
use crate::json::Json;
use crate::message::Normalisation;
use crate::normalise::replacement;
use crate::normalise::value_paths;
use crate::policy::{Account, Resource};
use crate::route::{Operation, ScimCall};
use crate::rules::{Refusal, normalise};

/// A message that is not canonical yet.
pub(crate) enum Message {
    None,
    Resource(Json),
    Patch(Vec<crate::scim::operation::Operation>),
    Search(Json),
}

/// A message in its canonical form, with its effect. Both are immutable, so what is judged is what
/// is written.
pub(crate) struct Canonical {
    message: Message,
    act: Act,
}

// === impl Canonical ===

impl Canonical {
    /// For a SCIM call with its message.
    pub(crate) fn scim(call: &ScimCall, message: Message) -> Self {
        let act = act_of(call, &message);
        Self { message, act }
    }

    /// For a request whose bytes are forwarded as they came.
    pub(crate) fn as_received(act: Act) -> Self {
        Self {
            message: Message::None,
            act,
        }
    }

    pub(crate) fn message(&self) -> &Message {
        &self.message
    }

    /// What the request would do.
    pub(crate) fn act(&self) -> &Act {
        &self.act
    }

    /// What the request does according to a successful answer, since the application may ignore
    /// attributes. `None`: all of [`Canonical::act`].
    pub(crate) fn acted_on(&self, call: &ScimCall, account: &Account) -> Option<Act> {
        let (Message::Patch(operations), Some((kind, _))) = (&self.message, call.changed()) else {
            return None;
        };
        let resource = account.resource(kind);
        let is_done =
            |operation: &&crate::scim::operation::Operation| resource.acts_on(&operation.attribute);
        if operations.iter().all(|operation| is_done(&operation)) {
            return None;
        }
        let done = operations.iter().filter(is_done).cloned();
        Some(act_of(call, &Message::Patch(done.collect())))
    }

    /// Whether a value path may be intended to create a value.
    pub(crate) fn may_create(&self) -> bool {
        matches!(&self.message, Message::Patch(operations) if value_paths::may_create(operations))
    }

    /// Checks the message against the JSON Schemas: those of its attribute table, and the account's own.
    pub(crate) fn check(
        &self,
        call: &ScimCall,
        account: &Account,
        budget: &Budget,
    ) -> Result<(), Refusal> {
        let constraints = |kind| &account.resource(kind).constraints;
        match (&self.message, &call.operation) {
            (
                Message::Resource(resource),
                Operation::Create(kind) | Operation::Replace(kind, _),
            ) => constraints(*kind).check_resource(resource, budget),
            (Message::Patch(operations), Operation::Patch(kind, _)) if !operations.is_empty() => {
                constraints(*kind).check_patch(operations, budget)
            }
            _ => Ok(()),
        }
    }

    /// The operations that a PUT amounts to. They are still judged as a PUT.
    pub(crate) fn written_as_patch(
        self,
        resource: &Resource,
        changes: &mut Vec<Normalisation>,
    ) -> Self {
        let Message::Resource(whole) = &self.message else {
            return self;
        };
        changes.push(normalise::PATH.normalisation(
            "the request",
            "the PUT is written as a PATCH, as the interoperability profile requires",
        ));
        Self {
            message: Message::Patch(replacement::operations(whole, &resource.shape)),
            act: self.act,
        }
    }
}

fn act_of(call: &ScimCall, message: &Message) -> Act {
    match (&call.operation, message) {
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
