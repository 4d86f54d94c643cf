//! Routes of the application's management API, as the policy names them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::known_method;
use super::query::Parameter;
use super::target::{Target, ambiguous};
use super::template::Fit;
use crate::header_names;
use crate::message::Request;
use crate::plain::{PlainName, is_plain_name};
use crate::policy::{Policy, Route, Source, Unmatched};
use crate::refusal::Refusal;
use crate::rules::route;

/// A request under one of the management prefixes.
pub(crate) struct ManagementCall<'p> {
    /// `None` if no route names it and it is forwarded all the same.
    pub(crate) matched: Option<Match<'p>>,
    /// As far as the request says without its body.
    pub(crate) account: Option<String>,
    /// Why it cannot be told, where the decision does not depend on it: whoever asks for a token has
    /// to refuse then.
    pub(crate) account_unclear: Option<Refusal>,
    /// A parameter's name is in another case than the policy's. It is judged all the same, but not
    /// forwarded: an application to which case matters would read a request without it.
    pub(crate) misspelt: Option<Refusal>,
    /// Set where the face wants to know what in the answer is a provider's.
    pub(crate) described: Option<Described>,
}

/// Whose users and groups the answer of a read shows, and where it names them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Described {
    pub(crate) account: String,
    /// `""`, `org` or `org/project`.
    pub(crate) scope: String,
    /// Pointers into the answer, in which `*` stands for every element.
    pub(crate) groups: Vec<String>,
    pub(crate) users: Vec<String>,
}

/// A named route and where its parts stand.
pub(crate) struct Match<'p> {
    pub(crate) route: &'p Route,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) target: Target,
}

/// Finds the route.
pub(super) fn call<'p>(
    policy: &'p Policy,
    request: &Request,
    target: Target,
) -> Result<ManagementCall<'p>, Refusal> {
    known_method(&request.method)?;
    let writes = !matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS");
    if !writes {
        let described = described(policy, request, &target);
        return Ok(unjudged(policy, request, &target, described));
    }
    target.unambiguous()?;
    target.query.unambiguous()?;
    let Some((route, parameters)) = named(policy, &request.method, &target)? else {
        unmatched(policy, request, &target)?;
        return Ok(unjudged(policy, request, &target, None));
    };
    let described = described(policy, request, &target);
    if route.edit.is_free() {
        let mut call = unjudged(policy, request, &target, described);
        call.matched = Some(Match {
            route,
            parameters,
            target,
        });
        return Ok(call);
    }
    let matched = Match {
        route,
        parameters,
        target,
    };
    Ok(ManagementCall {
        account: Some(matched.account(request)?.into()),
        account_unclear: None,
        misspelt: matched.misspelt()?,
        described,
        matched: Some(matched),
    })
}

/// A request that no rule of ownership judges. A token of another account is not good for it either,
/// so its account is what its route says, and the parameters and headers that any route reads the
/// account from.
fn unjudged<'p>(
    policy: &Policy,
    request: &Request,
    target: &Target,
    described: Option<Described>,
) -> ManagementCall<'p> {
    let (of_route, parameters) = match named(policy, &request.method, target) {
        Ok(Some((route, parameters))) => (route.account.as_slice(), parameters),
        _ => (&[][..], BTreeMap::new()),
    };
    let sources = of_route.iter().chain(&policy.management.account_names);
    let account = told(sources, &parameters, target, request, "account")
        .and_then(|account| PlainName::read(account, "account"));
    let (account, account_unclear) = match account {
        Ok(account) => (account.map(String::from), None),
        Err(refusal) => (None, Some(refusal)),
    };
    ManagementCall {
        matched: None,
        account,
        account_unclear,
        misspelt: None,
        described,
    }
}

/// What a read shows, if the face wants to know. Whatever cannot be told stays untold: reads pass.
fn described(policy: &Policy, request: &Request, target: &Target) -> Option<Described> {
    if !request.annotate {
        return None;
    }
    target.unambiguous().ok()?;
    let (route, parameters) = named(policy, &request.method, target).ok()??;
    let matched = Match {
        route,
        parameters,
        target: target.clone(),
    };
    let groups = in_answer(&route.group);
    let users = in_answer(&route.user);
    if groups.is_empty() && users.is_empty() {
        return None;
    }
    let part = |sources, name| {
        let told = matched.outside_body(sources, request, name).ok()?;
        PlainName::read(told, name).ok()
    };
    Some(Described {
        account: matched.account(request).ok()?.into(),
        scope: scope(
            part(&route.organisation, "organisation")?,
            part(&route.project, "project")?,
        )
        .ok()?,
        groups,
        users,
    })
}

fn in_answer(sources: &[Source]) -> Vec<String> {
    let pointers = sources.iter().filter_map(|source| match source {
        Source::Answer(pointer) => Some(pointer.clone()),
        _ => None,
    });
    pointers.collect()
}

/// The scope of a group: `""`, `org` or `org/project`.
pub(crate) fn scope(
    organisation: Option<PlainName>,
    project: Option<PlainName>,
) -> Result<String, Refusal> {
    let has_slash = |part: &Option<PlainName>| {
        let part = part.as_ref();
        part.is_some_and(|name| name.as_str().contains('/'))
    };
    if has_slash(&organisation) || has_slash(&project) {
        return Err(route::AMBIGUOUS_QUERY
            .because("The organisation or project has a slash in it. Name each by itself."));
    }
    match (organisation, project) {
        (organisation, None) => Ok(organisation.map(String::from).unwrap_or_default()),
        (None, Some(_)) => Err(route::AMBIGUOUS_QUERY.because(
            "The request names a project without its organisation. An application that overlooks the project would take it for the account. Name both, or none.",
        )),
        (Some(organisation), Some(project)) => {
            Ok(format!("{}/{}", organisation.as_str(), project.as_str()))
        }
    }
}

/// A route and the values of its path parameters.
type Named<'p> = (&'p Route, BTreeMap<String, String>);

fn named<'p>(
    policy: &'p Policy,
    method: &str,
    target: &Target,
) -> Result<Option<Named<'p>>, Refusal> {
    let mut best: Option<Named<'_>> = None;
    let mut other_case = false;
    for route in policy
        .management
        .routes
        .iter()
        .filter(|r| r.method == method)
    {
        match route.path.fit(&target.segments) {
            Fit::Exact(parameters) => {
                if best
                    .as_ref()
                    .is_none_or(|(other, _)| route.path.more_literal_than(&other.path))
                {
                    best = Some((route, parameters));
                }
            }
            Fit::OtherCase => other_case = true,
            Fit::None => {}
        }
    }
    if let Some((_, parameters)) = &best
        && parameters.values().any(|value| !is_plain_name(value))
    {
        return Err(ambiguous(
            "an id in it is empty, too long, or has white space or an invisible character in it",
        ));
    }
    if best.is_none() && other_case {
        return Err(ambiguous("it is a known path in another case"));
    }
    Ok(best)
}

/// Decides about a write that no route names.
fn unmatched(policy: &Policy, request: &Request, target: &Target) -> Result<(), Refusal> {
    let guarded = || {
        let path = target.folded();
        policy
            .management
            .routes
            .iter()
            .filter(|route| !route.edit.is_free())
            .any(|route| route.path.literal_prefix_covers(&path))
    };
    let refused = match policy.management.unmatched {
        Unmatched::Forward => false,
        Unmatched::Reject => true,
        Unmatched::Guarded => guarded(),
    };
    if !refused {
        return Ok(());
    }
    Err(route::UNGUARDED.because(format!(
        "No rule knows {} /{}, which lies next to what the identity provider owns. Name it in the policy's management.routes with the edit that it is.",
        request.method,
        target.segments.join("/")
    )))
}

// === impl Match ===

impl Match<'_> {
    /// The account, from everything but the body.
    fn account(&self, request: &Request) -> Result<PlainName, Refusal> {
        let told = self.outside_body(&self.route.account, request, "account")?;
        PlainName::read(told, "account")?.ok_or_else(|| {
            route::MISSING_ACCOUNT.because(format!(
                "The request does not say which account it is for. Send {}.",
                describe(&self.route.account)
            ))
        })
    }

    /// Reads every parameter of the query that the route has a use for.
    fn misspelt(&self) -> Result<Option<Refusal>, Refusal> {
        let mut misspelt = None;
        for (_, sources) in self.route.parts() {
            for source in sources {
                if let Source::Query(name) = source
                    && let Some(parameter) = self.target.query.parameter(name)?
                    && parameter.name != *name
                {
                    misspelt.get_or_insert_with(|| other_case(parameter, name));
                }
            }
        }
        Ok(misspelt)
    }

    /// The value of a part, as far as it stands outside the body; all sources must agree.
    pub(crate) fn outside_body(
        &self,
        sources: &[Source],
        request: &Request,
        part: &str,
    ) -> Result<Option<String>, Refusal> {
        told(sources, &self.parameters, &self.target, request, part)
    }
}

/// What path, query and headers say; all sources must agree.
fn told<'s>(
    sources: impl IntoIterator<Item = &'s Source>,
    parameters: &BTreeMap<String, String>,
    target: &Target,
    request: &Request,
    part: &str,
) -> Result<Option<String>, Refusal> {
    let mut found: Option<String> = None;
    for source in sources {
        let value = match source {
            Source::Path(name) => parameters.get(name).cloned(),
            Source::Query(name) => target.query.parameter(name)?.map(|it| it.value.clone()),
            Source::Header(name) => header(request, name)?,
            Source::Body(_) | Source::Answer(_) => None,
        };
        let Some(value) = value else { continue };
        if found.as_ref().is_some_and(|other| *other != value) {
            return Err(disagree(part));
        }
        found = Some(value);
    }
    Ok(found)
}

/// The refusal of a part that is named twice, differently.
pub(crate) fn disagree(part: &str) -> Refusal {
    route::AMBIGUOUS_QUERY.because(format!(
        "The request names the {part} in two places, and they differ. Name one."
    ))
}

fn other_case(parameter: &Parameter, name: &str) -> Refusal {
    route::AMBIGUOUS_QUERY.because(format!(
        "The query parameter {} is spelt {name}; an application to which case matters would overlook it. Send {name}=…",
        parameter.name
    ))
}

/// The value of a header that a rule reads: spelt as it is, once, and in ASCII, for which alone all
/// readers have one reading; a comma would join several values (RFC 9110 §5.3).
fn header(request: &Request, name: &str) -> Result<Option<String>, Refusal> {
    let mut same = request
        .headers
        .iter()
        .filter(|(other, _)| header_names::same(other, name));
    let Some((spelt, value)) = same.next() else {
        return Ok(None);
    };
    let is_plain = spelt.eq_ignore_ascii_case(name) && value.is_ascii() && !value.contains(&b',');
    let text = String::from_utf8(value.clone()).ok().filter(|_| is_plain);
    match (text, same.next()) {
        (Some(text), None) => Ok(Some(text)),
        _ => Err(route::AMBIGUOUS_QUERY.because(format!(
            "The header {name} can be read in two ways. Send it once, as plain text, in this spelling."
        ))),
    }
}

fn describe(sources: &[Source]) -> String {
    let places: Vec<String> = sources
        .iter()
        .map(|source| match source {
            Source::Path(name) => format!("the path parameter {name}"),
            Source::Query(name) => format!("the query parameter {name}"),
            Source::Header(name) => format!("the header {name}"),
            Source::Body(pointer) => format!("{pointer} in the body"),
            Source::Answer(pointer) => format!("{pointer} in the answer"),
        })
        .collect();
    places.join(" or ")
}
