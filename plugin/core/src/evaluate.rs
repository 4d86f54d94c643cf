//! One way through: route, token, parse, normalise, permit, write.

use std::collections::BTreeSet;

use crate::act::{self, Act, Edit, Members};
use crate::facts::{Facts, Stop};
use crate::json::Json;
use crate::message::{
    AnswerHandling, Body, Change, Forward, ForwardBody, Reject, Request, Verdict,
};
use crate::normalise::{Normaliser, query, search};
use crate::observe::{Bases, Completing, Continuation, Expected, ScimContinuation};
use crate::parse;
use crate::permit::{Permitted, Scene, permit};
use crate::policy::{Account, Dialect, EditKind, Policy};
use crate::record::plan::{Plan, plan};
use crate::refusal::ErrorForm;
use crate::route::{ManagementCall, Operation, Routed, ScimCall, management, route};
use crate::rules::normalise;
use crate::scim::shape::Shape;
use crate::token::{Actor, Authorised, authorise_management, authorise_scim};
use crate::write;

/// What is known of a request by the time it is refused.
struct Progress {
    form: ErrorForm,
    account: Option<String>,
    verified_token: Option<String>,
    changes: Vec<Change>,
}

/// The canonical message of a SCIM call.
enum Message {
    None,
    Resource(Json),
    Patch(Vec<crate::normalise::patch::Operation>),
    Search(Json),
}

/// Decides a request as far as the facts reach.
pub(crate) fn evaluate(
    policy: &Policy,
    request: &Request,
    facts: &Facts<'_>,
    now: u64,
    completed: Option<&BTreeSet<String>>,
) -> Verdict {
    let mut progress = Progress {
        form: ErrorForm::Scim,
        account: None,
        verified_token: None,
        changes: Vec::new(),
    };
    let verdict = match route(policy, request) {
        Err(misrouted) => {
            progress.form = misrouted.form;
            Err(Stop::Refuse(misrouted.refusal))
        }
        Ok(Routed::Scim(call)) => {
            scim(policy, request, &call, facts, now, completed, &mut progress)
        }
        Ok(Routed::Management(call)) => {
            progress.form = ErrorForm::Problem;
            manage(policy, request, &call, facts, now, &mut progress)
        }
    };
    match verdict {
        Ok(forward) => Verdict::Forward(forward),
        Err(Stop::Need(need)) => Verdict::Need(need),
        Err(Stop::Refuse(refusal)) => Verdict::Reject(Reject {
            response: refusal.response(progress.form),
            rule: refusal.rule.to_owned(),
            changes: progress.changes,
            account: progress.account,
            verified_token: progress.verified_token,
        }),
    }
}

fn scim(
    policy: &Policy,
    request: &Request,
    call: &ScimCall,
    facts: &Facts<'_>,
    now: u64,
    completed: Option<&BTreeSet<String>>,
    progress: &mut Progress,
) -> Result<Forward, Stop> {
    progress.account = Some(call.account.clone());
    let account = policy.account(&call.account);
    let authorised = authorise_scim(
        request,
        &call.account,
        policy.scim_account.as_deref(),
        account,
        facts,
        now,
    )?;
    progress.verified_token = Some(authorised.token_id.clone());
    let query = query::canonical(call, &call.shapes(account), &mut progress.changes)?;
    let message = message(call, request, account, &mut progress.changes)?;
    let act = call.act(&message);
    let scene = Scene {
        account_name: &call.account,
        account,
        actor: &authorised.actor,
        facts,
        completed,
    };
    let permitted = permit(&act, &scene)?;
    let path = call.upstream_path(policy);
    let bases = bases(policy, call, request);
    if completed.is_none()
        && let Some(group) = incomplete_group(&act, account, &scene)?
    {
        return Ok(complete_first(
            request,
            &authorised,
            path,
            group,
            bases,
            progress,
        ));
    }
    let plan = plan(&act, &scene, now)?;
    let written = Written::new(call, message, &act, account, &scene, progress)?;
    let expected = if written.is_read {
        match &call.operation {
            Operation::Patch(kind, id) => Expected::Resource(*kind, id.clone()),
            _ => call.expected(&act),
        }
    } else {
        call.expected(&act)
    };
    let continuation = Continuation::Scim(ScimContinuation {
        account: call.account.clone(),
        bases,
        expected,
        provisions: matches!(authorised.actor, Actor::Provisioner(_)),
        outcome: if written.is_read {
            crate::record::plan::Outcome::default()
        } else {
            plan.outcome.clone()
        },
    });
    Ok(Forward {
        method: if written.is_read {
            "GET".to_owned()
        } else {
            request.method.clone()
        },
        path: if query.is_empty() {
            path
        } else {
            format!("{path}?{query}")
        },
        headers: write::scim_headers(request, &authorised, written.body.is_some()),
        body: written.body.map_or(ForwardBody::None, ForwardBody::Bytes),
        records: if written.is_read {
            Vec::new()
        } else {
            plan.before
        },
        ..forward(permitted, &continuation, progress)
    })
}

/// The parts of a forward that every way has.
fn forward(permitted: Permitted, continuation: &Continuation, progress: &mut Progress) -> Forward {
    Forward {
        method: String::new(),
        path: String::new(),
        headers: Vec::new(),
        body: ForwardBody::None,
        answer: AnswerHandling::Observe,
        // Plain data with string keys: writing it cannot fail.
        continuation: serde_json::to_vec(continuation).unwrap_or_default(),
        changes: std::mem::take(&mut progress.changes),
        records: Vec::new(),
        account: progress.account.clone(),
        verified_token: progress.verified_token.clone(),
        rule: permitted.watched.map(|refusal| refusal.rule.to_owned()),
    }
}

/// A message in the backend's dialect.
struct Written {
    body: Option<Vec<u8>>,
    /// Nothing is left to change: the resource is read instead.
    is_read: bool,
}

// === impl Written ===

impl Written {
    fn new(
        call: &ScimCall,
        message: Message,
        act: &Act,
        account: &Account,
        scene: &Scene<'_>,
        progress: &mut Progress,
    ) -> Result<Self, Stop> {
        match (message, &call.operation) {
            (Message::Resource(message) | Message::Search(message), _) => Ok(Self {
                body: Some(message.to_bytes()),
                is_read: false,
            }),
            (Message::Patch(operations), Operation::Patch(kind, _)) => {
                let resource = account.resource(*kind);
                let changes = &mut progress.changes;
                let operations = write::in_dialect(operations, resource, act, scene, changes)?;
                if operations.is_empty() {
                    if changes.iter().all(|c| c.rule != normalise::NO_EFFECT.id) {
                        changes.push(Change {
                            rule: normalise::NO_EFFECT.id.to_owned(),
                            path: "Operations".to_owned(),
                            detail: "no operation is left: the resource is read instead".to_owned(),
                        });
                    }
                    return Ok(Self {
                        body: None,
                        is_read: true,
                    });
                }
                let message = write::patch_message(&operations, resource, changes);
                Ok(Self {
                    body: Some(message.to_bytes()),
                    is_read: false,
                })
            }
            _ => Ok(Self {
                body: None,
                is_read: false,
            }),
        }
    }
}

/// The group whose members must be read before a replacement can be written as a difference.
fn incomplete_group(
    act: &Act,
    account: &Account,
    scene: &Scene<'_>,
) -> Result<Option<String>, Stop> {
    if account.group.dialect("members") != Dialect::Difference {
        return Ok(None);
    }
    for edit in &act.edits {
        let Edit::ChangeGroup(change) = edit else {
            continue;
        };
        let group = &change.group;
        if !matches!(change.members, Members::Absolute(_)) {
            continue;
        }
        let Some(key) = scene.members_key(&group.scope, &group.id, &change.members) else {
            continue;
        };
        if !scene.facts.difference(&key)?.complete {
            return Ok(Some(group.id.clone()));
        }
    }
    Ok(None)
}

fn complete_first(
    request: &Request,
    authorised: &Authorised,
    path: String,
    group: String,
    bases: Bases,
    progress: &mut Progress,
) -> Forward {
    let continuation = Continuation::Completing(Completing {
        method: request.method.clone(),
        path: request.path.clone(),
        headers: request.headers.clone(),
        body: match &request.body {
            Body::Bytes(bytes) => bytes.clone(),
            _ => Vec::new(),
        },
        group,
        bases,
    });
    let permitted = Permitted { watched: None };
    let mut headers = write::scim_headers(request, authorised, false);
    headers.retain(|(name, _)| !name.starts_with("if-"));
    Forward {
        method: "GET".to_owned(),
        path,
        headers,
        ..forward(permitted, &continuation, progress)
    }
}

fn bases(policy: &Policy, call: &ScimCall, request: &Request) -> Bases {
    let (client, upstream) = call.bases(policy);
    Bases {
        client,
        upstream,
        authority: request
            .headers
            .iter()
            .find(|(name, _)| name == "host")
            .and_then(|(_, value)| String::from_utf8(value.clone()).ok()),
    }
}

/// Reads and normalises the body of a SCIM call.
fn message(
    call: &ScimCall,
    request: &Request,
    account: &Account,
    changes: &mut Vec<Change>,
) -> Result<Message, Stop> {
    let (kind, id) = match &call.operation {
        Operation::Search(_) => {
            let (body, reading) = parse::required(request, account)?;
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
    let (body, reading) = parse::required(request, account)?;
    let resource = account.resource(kind);
    let mut normaliser = Normaliser {
        shape: &resource.shape,
        reading,
        changes: Vec::new(),
    };
    let result = if matches!(call.operation, Operation::Patch(..)) {
        normaliser
            .patch(body, &account.limits)
            .and_then(|operations| {
                if !operations.is_empty() {
                    let message = write::patch_message(&operations, resource, &mut Vec::new());
                    resource.constraints.check_patch(&message, &operations)?;
                }
                Ok(Message::Patch(operations))
            })
    } else {
        normaliser.resource(body, id).and_then(|body| {
            resource.constraints.check_resource(&body)?;
            Ok(Message::Resource(body))
        })
    };
    changes.append(&mut normaliser.changes);
    let message = result?;
    call.act(&message).within(&account.limits)?;
    Ok(message)
}

fn manage(
    policy: &Policy,
    request: &Request,
    call: &ManagementCall<'_>,
    facts: &Facts<'_>,
    now: u64,
    progress: &mut Progress,
) -> Result<Forward, Stop> {
    progress.account.clone_from(&call.account);
    let account = call
        .account
        .as_deref()
        .map_or(policy.default_account(), |name| policy.account(name));
    if account.authenticate_management {
        let authorised =
            authorise_management(request, call.account.as_deref(), account, facts, now)?;
        progress.verified_token = Some(authorised.token_id);
    }
    let (permitted, plan) = match &call.matched {
        Some(matched) if matched.route.edit != EditKind::Read => {
            let name = call.account.as_deref().unwrap_or_default();
            let act = managed_act(matched, request, name, account)?;
            let scene = Scene {
                account_name: name,
                account,
                actor: &Actor::Operator,
                facts,
                completed: None,
            };
            (permit(&act, &scene)?, plan(&act, &scene, now)?)
        }
        _ => (Permitted { watched: None }, Plan::default()),
    };
    let observed = plan.outcome != crate::record::plan::Outcome::default();
    let continuation = Continuation::Management(plan.outcome);
    Ok(Forward {
        method: request.method.clone(),
        path: request.path.clone(),
        headers: write::management_headers(request),
        body: ForwardBody::AsReceived,
        answer: if observed {
            AnswerHandling::Observe
        } else {
            AnswerHandling::Pass
        },
        records: plan.before,
        ..forward(permitted, &continuation, progress)
    })
}

fn managed_act(
    matched: &management::Match<'_>,
    request: &Request,
    account_name: &str,
    account: &Account,
) -> Result<Act, Stop> {
    let body = if matched.route.needs_body() {
        Some(parse::required(request, account)?.0)
    } else {
        parse::optional(request, account)?
    };
    let act = act::management::act(matched, request, body.as_ref(), account_name)?;
    act.within(&account.limits)?;
    Ok(act)
}

// === impl ScimCall ===

impl ScimCall {
    /// The shapes of the resources that it is about.
    fn shapes<'a>(&self, account: &'a Account) -> Vec<&'a Shape> {
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
            Operation::Discover => Vec::new(),
        }
    }

    /// What it amounts to.
    fn act(&self, message: &Message) -> Act {
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
    fn expected(&self, act: &Act) -> Expected {
        match &self.operation {
            Operation::List(kind) | Operation::Search(kind) => Expected::List(*kind),
            Operation::Read(kind, id) => Expected::Resource(*kind, id.clone()),
            Operation::Create(kind) => {
                let name = act.edits.iter().find_map(|edit| match edit {
                    Edit::CreateUser(new) => Some(new.user_name.clone()),
                    Edit::CreateGroup(new) => new.name.clone(),
                    _ => None,
                });
                Expected::Created(*kind, name.unwrap_or_default())
            }
            Operation::Replace(kind, id) | Operation::Patch(kind, id) => {
                Expected::Written(*kind, id.clone())
            }
            Operation::Delete(..) => Expected::Deleted,
            Operation::Discover => Expected::Discovery,
        }
    }
}
