//! The last stages of a SCIM call whose inputs are complete: whether it is permitted, and what is
//! forwarded.

use std::sync::Arc;

use super::{Decision, Progress, forward};
use crate::act::{Act, Edit, MembersWrite};
use crate::canonical::Canonical;
use crate::continuation::{Continuation, CreatedRead, Expected, PendingRead, ScimContinuation};
use crate::facts::ResourceKind;
use crate::known::{Facts, Stop};
use crate::message::{Forward, ForwardBody, Request};
use crate::normalise::value_paths::NoTarget;
use crate::permit::{Context, Permitted, Setting, permit};
use crate::plan::{Effects, Plan, plan};
use crate::policy::{Account, Dialect, Policy};
use crate::route::{Operation, ScimCall};
use crate::rules::Refusal;
use crate::scim::Profile;
use crate::scim::location::Bases;
use crate::token::{Actor, Authorised};
use crate::write::{self, Written, write};

/// A SCIM call with its canonical message and all facts.
pub(super) struct Ready<'a> {
    pub(super) policy: &'a Policy,
    pub(super) request: &'a Arc<Request>,
    pub(super) call: &'a ScimCall,
    /// The resource was read first.
    pub(super) is_read: bool,
    /// A value path matches no value of that resource.
    pub(super) no_target: Option<NoTarget>,
    pub(super) authorised: &'a Authorised,
    pub(super) setting: Setting<'a>,
    pub(super) bases: Bases,
    pub(super) query: String,
    pub(super) canonical: Canonical,
}

/// The next step of a permitted act.
pub(super) struct Judged<'c> {
    permitted: Permitted<'c>,
    next: Next,
}

enum Next {
    /// Reads this group first.
    Read(String),
    /// Forwards the request, with these changes of the record.
    Forward(Plan),
}

// === impl Ready ===

impl Ready<'_> {
    /// Decides whether the act is permitted, and plans the changes of the record.
    pub(super) fn judge(&self, facts: &Facts) -> Result<Judged<'_>, Stop> {
        let context = self.setting.with(facts);
        let permitted = permit(&self.canonical, &context)?;
        if let Some(no_target) = &self.no_target {
            return Err(no_target.refusal().into());
        }
        let account = self.setting.account;
        let next = match incomplete_group(self.canonical.act(), account, &context)? {
            Some(group) if !self.is_read => Next::Read(group),
            _ => {
                let done = self.canonical.acted_on(self.call, account);
                let done = done.as_ref().unwrap_or(self.canonical.act());
                Next::Forward(plan(done, &context, facts.now())?)
            }
        };
        Ok(Judged { permitted, next })
    }

    /// What is forwarded.
    pub(super) fn forward(
        &self,
        judged: Judged<'_>,
        facts: &Facts,
        progress: &mut Progress,
    ) -> Result<Decision, Refusal> {
        let Self { call, request, .. } = *self;
        let account = self.setting.account;
        let path = call.upstream_path(self.policy);
        let mut headers = write::scim_headers(request, self.authorised, account.profile);
        let token_id = &self.authorised.token_id;
        let mut continuation = ScimContinuation {
            account: call.account.clone(),
            bases: self.bases.clone(),
            expected: call.expected(&self.query, &self.canonical),
            provisioner: match self.authorised.actor {
                Actor::Provisioner(_) => Some(token_id.clone()),
                Actor::Operator => None,
            },
            outcome: Effects::default(),
            profile: account.profile,
            reading: None,
            read_back: None,
            created: None,
            is_head: request.method == "HEAD",
        };
        let reading = |continuation: &ScimContinuation, resource| {
            PendingRead::new(
                request,
                continuation,
                resource,
                token_id.clone(),
                path.clone(),
                headers.clone(),
            )
        };
        let plan = match judged.next {
            Next::Read(group) => {
                let read = reading(&continuation, (ResourceKind::Group, group));
                return Ok(Decision::Forward(read.forward(Vec::new())));
            }
            Next::Forward(plan) => plan,
        };
        if let Some(resource) = call.changed()
            && !self.is_read
            && self.canonical.may_create()
        {
            continuation.reading = Some(Box::new(reading(&continuation, resource)));
        }
        match (account.profile, &call.operation) {
            (Profile::Interop, Operation::Replace(kind, id)) => {
                let read_back = reading(&continuation, (*kind, id.clone()));
                continuation.read_back = Some(Box::new(read_back));
            }
            (_, Operation::Create(_)) => {
                let read = CreatedRead::new(token_id.clone(), &path, &headers);
                continuation.created = Some(Box::new(read));
            }
            _ => {}
        }
        let mut records = plan.before;
        continuation.outcome = plan.outcome;
        let context = self.setting.with(facts);
        let written = write(&judged.permitted, call, &context, &mut progress.changes);
        let (method, body) = match written.map_err(Stop::refusal)? {
            Written::AsAsked(body) => (request.method.as_str(), body),
            Written::Patch(body) => ("PATCH", Some(body)),
            Written::Read => {
                // Nothing is changed, so nothing is recorded.
                records = Vec::new();
                continuation.outcome = Effects::default();
                if let Some((kind, id)) = call.changed() {
                    continuation.expected = Expected::Resource(kind, id);
                }
                ("GET", None)
            }
        };
        if body.is_some() {
            headers.push(write::json_content());
        }
        let continuation = Continuation::Scim(continuation);
        Ok(Decision::Forward(Forward {
            method: method.to_owned(),
            path: match self.query.is_empty() {
                true => path,
                false => format!("{path}?{}", self.query),
            },
            headers,
            body: body.map_or(ForwardBody::None, ForwardBody::Bytes),
            records,
            ..forward(&judged.permitted, &continuation, progress)
        }))
    }
}

/// The group whose members must be read before a replacement can be written as a difference.
fn incomplete_group(
    act: &Act,
    account: &Account,
    context: &Context<'_>,
) -> Result<Option<String>, Stop> {
    if account.group.dialect("members") != Dialect::Difference {
        return Ok(None);
    }
    for edit in &act.edits {
        let Edit::ChangeGroup(change) = edit else {
            continue;
        };
        let group = &change.group;
        if !matches!(change.members.net(), MembersWrite::Replace(_)) {
            continue;
        }
        let Some(key) = context.net_members_key(group, &change.members) else {
            continue;
        };
        if !context.facts.difference(&key)?.complete {
            return Ok(Some(group.id.clone()));
        }
    }
    Ok(None)
}
