//! Protects the provider's access, groups that look like the provider's, and whole scopes.

use super::words::shown;
use crate::act::ProvisioningEdit;
use crate::act::provisioning::{Claim, Scope, Thing};
use crate::facts::{Group, Key};
use crate::known::Stop;
use crate::permit::context::Context;
use crate::rules::okta_only::{GROUP_DELETE, GROUP_MEMBERSHIP, PROVISIONING};
use crate::rules::{Refusal, body};

/// The fact that decides about an edit.
pub(in crate::permit) fn key(edit: &ProvisioningEdit, context: &Context<'_>) -> Option<Key> {
    match edit {
        ProvisioningEdit::Claim(claim) => {
            Some(context.group_key(&claim.scope, &claimed_id(claim, context)?))
        }
        _ => None,
    }
}

pub(super) fn check(edit: &ProvisioningEdit, context: &Context<'_>) -> Result<(), Stop> {
    match edit {
        ProvisioningEdit::Touch(things) => {
            let protected = things.iter().find(|thing| is_protected(thing, context));
            Ok(protected.map_or(Ok(()), |thing| Err(untouchable(thing, context)))?)
        }
        ProvisioningEdit::Claim(claim) => may_claim(claim, context),
        // Providers push into the account: SCIM has no organisations and projects.
        ProvisioningEdit::DeleteScope(Scope::Part) => Ok(()),
        ProvisioningEdit::DeleteScope(Scope::Account) => Err(GROUP_DELETE
            .because(format!(
                "Delete pushed groups in {0}: the request deletes every group of the account, including those that {0} pushed. Name the organisation or project to delete.",
                shown(&context.account.provider)
            ))
            .into()),
        // Users of the provider may be in groups of any scope, and the request does not name them.
        ProvisioningEdit::ReplaceMembers(_) => Err(GROUP_MEMBERSHIP
            .because(format!(
                "Name the group whose members are to change: the request changes those of every group in its scope, which may include groups or users of {}.",
                shown(&context.account.provider)
            ))
            .into()),
        ProvisioningEdit::UnnamedUser { places } => Err(body::SYNTAX
            .because(format!(
                "The request does not say which user it is for, and the application would choose one. Send {places}. Nothing was forwarded."
            ))
            .into()),
    }
}

/// A request that does not name the thing may mean any of its kind; one that does not name the
/// account may mean any account.
fn is_protected(thing: &Thing, context: &Context<'_>) -> bool {
    let protected = match context.account_name {
        "" => &context.account.protected_anywhere,
        _ => &context.account.protected,
    };
    match &thing.id {
        Some(id) => protected.covers(&thing.kind, id),
        None => protected.knows(&thing.kind),
    }
}

fn untouchable(thing: &Thing, context: &Context<'_>) -> Refusal {
    let owner = shown(&context.account.provider);
    let kind = thing.kind.replace('_', " ");
    PROVISIONING.because(match &thing.id {
        Some(id) => format!(
            "The {kind} {id} carries the access of {owner}: changing it could stop the provisioning, or let somebody else write in {owner}'s name. Take it out of `protected` in the guard's policy first."
        ),
        None => format!(
            "The request does not name the {kind}, and it may be one that carries the access of {owner}. Name it."
        ),
    })
}

/// A group that exists natively, or that an operator creates, must not look like a pushed one: the
/// provider would find it and link to it.
fn may_claim(claim: &Claim, context: &Context<'_>) -> Result<(), Stop> {
    let group = match claimed_id(claim, context) {
        Some(id) => context.group(&claim.scope, &id)?,
        None => None,
    };
    let is_owned = |group: &Group| context.owned_by_other(group.managed_by.as_deref());
    // A group that is not on record belongs to nobody: the application answers an update of it.
    if group.map_or(!claim.creates, is_owned) {
        return Ok(());
    }
    let owner = shown(&context.account.provider);
    Err(PROVISIONING
        .because(format!(
            "Leave {} out of the body: the group was not pushed by {owner}, and must not look like a pushed group. Push it from {owner} if it is to be managed there.",
            claim.pointer
        ))
        .into())
}

fn claimed_id(claim: &Claim, context: &Context<'_>) -> Option<String> {
    claim.id.clone().or_else(|| {
        let name = claim.name.as_deref()?;
        context.account.derived_group_id(name)
    })
}
