//! Matches requests to the routes of the application's management API that the policy names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::known_method;
use super::query::Parameter;
use super::target::{Target, ambiguous};
use crate::header_names;
use crate::message::Request;
use crate::plain::{PlainName, Unclear, is_plain_name};
use crate::policy::template::Fit;
use crate::policy::{Policy, Route, Source, Unmatched};
use crate::rules::{Refusal, route};

/// A request under one of the management prefixes.
pub(crate) struct ManagementCall<'p> {
    /// `None` if no route matches and the request is forwarded anyway.
    pub(crate) matched: Option<Match<'p>>,
    /// The account, as far as the request names it outside its body.
    pub(crate) account: Option<String>,
    /// Why the account is unclear, if the decision does not depend on it. A check that needs a
    /// token must then refuse.
    pub(crate) account_unclear: Option<Refusal>,
    /// A parameter's name differs in case from the policy's. The request is judged but not
    /// forwarded, because a case-sensitive application would ignore the parameter.
    pub(crate) misspelt: Option<Refusal>,
    /// The matched read, if the face wants to know what in its answer belongs to a provider.
    pub(crate) shown: Option<Box<Match<'p>>>,
}

/// The account and scope of the users and groups in a read's answer, and where the answer names
/// them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Described {
    pub(crate) account: String,
    /// `""`, `org` or `org/project`.
    pub(crate) scope: String,
    /// Pointers into the answer, in which `*` stands for every element.
    pub(crate) groups: Vec<String>,
    pub(crate) users: Vec<String>,
}

/// A matched route with its path parameters and target.
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
    let found = match request.method.as_str() {
        "OPTIONS" => None,
        // An application handles HEAD like GET, with the same effects.
        "GET" | "HEAD" => written_by_get(policy, &target)?,
        method => {
            target.unambiguous()?;
            target.query.unambiguous()?;
            let found = named(policy, method, &target)?;
            if found.is_none() {
                unmatched(policy, request, &target)?;
            }
            found
        }
    };
    let shown = shown(policy, request, &target);
    let Some((route, parameters)) = found else {
        return Ok(unjudged(policy, request, &target, shown));
    };
    let edit = route.edit;
    let matched = Match {
        route,
        parameters,
        target,
    };
    let misspelt = match edit.is_free() {
        true => None,
        false => matched.misspelt()?,
    };
    if edit.needs_account() {
        let named = matched.account(request)?.map(String::from);
        let account = match &policy.scim_account {
            None => named.ok_or_else(|| matched.names_no_account())?,
            // No other one may be named, not even where only other routes read it.
            Some(only) => match unjudged(policy, request, &matched.target, None).account_unclear {
                Some(unclear) => return Err(unclear),
                None => named.unwrap_or_else(|| only.clone()),
            },
        };
        return Ok(ManagementCall {
            account: Some(account),
            account_unclear: None,
            misspelt,
            shown,
            matched: Some(matched),
        });
    }
    let call = unjudged(policy, request, &matched.target, shown);
    Ok(ManagementCall {
        misspelt,
        matched: Some(matched),
        ..call
    })
}

/// Builds the call for a request that no ownership rule judges. It must not accept another
/// account's token either, so its account comes from its route and from every parameter and header
/// that any route reads the account from.
pub(super) fn unjudged<'p>(
    policy: &Policy,
    request: &Request,
    target: &Target,
    shown: Option<Box<Match<'p>>>,
) -> ManagementCall<'p> {
    let (of_route, parameters) = match named(policy, &request.method, target) {
        Ok(Some((route, parameters))) => (route.account.as_slice(), parameters),
        _ => (&[][..], BTreeMap::new()),
    };
    let sources = || of_route.iter().chain(&policy.management.account_names);
    let account = agreed(sources, &parameters, target, request, "account").and_then(|account| {
        PlainName::read(account).map_err(|Unclear| unclear("account", sources()))
    });
    let (account, account_unclear) = match account.map(|account| account.map(String::from)) {
        Ok(Some(account)) if policy.is_other_account(&account) => {
            let refusal = route::MISSING_ACCOUNT.because(format!(
                "The application has no account {account}. Name its only account, or none."
            ));
            (None, Some(refusal))
        }
        Ok(account) => (account.or_else(|| policy.scim_account.clone()), None),
        Err(refusal) => (None, Some(refusal)),
    };
    ManagementCall {
        matched: None,
        account,
        account_unclear,
        misspelt: None,
        shown,
    }
}

/// Returns the read if the face wants to know what it shows. Anything unclear is left out, since
/// reads are always allowed.
fn shown<'p>(policy: &'p Policy, request: &Request, target: &Target) -> Option<Box<Match<'p>>> {
    if !request.annotate {
        return None;
    }
    target.unambiguous().ok()?;
    let (route, parameters) = named(policy, &request.method, target).ok()??;
    let shows = |sources: &[Source]| in_answer(sources).next().is_some();
    (shows(&route.group) || shows(&route.user)).then(|| {
        Box::new(Match {
            route,
            parameters,
            target: target.clone(),
        })
    })
}

fn in_answer(sources: &[Source]) -> impl Iterator<Item = &String> {
    sources.iter().filter_map(|source| match source {
        Source::Answer(pointer) => Some(pointer),
        _ => None,
    })
}

/// Returns the scope of a group: `""`, `org` or `org/project`.
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
            .because("The organisation or project contains a slash. Name each separately."));
    }
    match (organisation, project) {
        (organisation, None) => Ok(organisation.map(String::from).unwrap_or_default()),
        (None, Some(_)) => Err(route::AMBIGUOUS_QUERY.because(
            "The request names a project without its organisation. An application that ignores the project would apply it to the account. Name both, or none.",
        )),
        (Some(organisation), Some(project)) => {
            Ok(format!("{}/{}", organisation.as_str(), project.as_str()))
        }
    }
}

/// A route and the values of its path parameters.
type Named<'p> = (&'p Route, BTreeMap<String, String>);

/// Finds the route that matches a request exactly.
fn named<'p>(
    policy: &'p Policy,
    method: &str,
    target: &Target,
) -> Result<Option<Named<'p>>, Refusal> {
    let (best, other_case) = best_fit(policy, method, &target.segments);
    if let Some((_, parameters)) = &best
        && parameters.values().any(|value| !is_plain_name(value))
    {
        return Err(ambiguous(
            "an id in it is empty or too long, or contains white space or an invisible character",
        ));
    }
    if best.is_none() && other_case {
        return Err(ambiguous("it is a known path in another case"));
    }
    Ok(best)
}

/// Returns the most literal route, and whether another route fits only when case is ignored.
fn best_fit<'p>(policy: &'p Policy, method: &str, path: &[String]) -> (Option<Named<'p>>, bool) {
    let mut best: Option<Named<'_>> = None;
    let mut other_case = false;
    let routes = policy.management.routes.iter();
    for route in routes.filter(|route| route.method == method) {
        match route.path.fit(path) {
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
    (best, other_case)
}

/// Finds the edit that a GET performs. Other reads are allowed in any spelling, unless an
/// application could take them for such an edit.
fn written_by_get<'p>(policy: &'p Policy, target: &Target) -> Result<Option<Named<'p>>, Refusal> {
    let writes = |route: &Route| !route.edit.passes_body();
    let (exact, _) = best_fit(policy, "GET", &target.segments);
    match exact {
        Some((route, _)) if writes(route) => {
            target.unambiguous()?;
            target.query.unambiguous()?;
            named(policy, "GET", target)
        }
        Some(_) if target.ambiguity.is_none() => Ok(None),
        _ => {
            let path = target.lenient();
            let routes = policy.management.routes.iter();
            let mut edits = routes.filter(|route| route.method == "GET" && writes(route));
            if edits.any(|route| route.path.fit(&path) != Fit::None) {
                target.unambiguous()?;
                return Err(ambiguous("it is a known path in another case"));
            }
            Ok(None)
        }
    }
}

/// Judges a write that matches no route.
fn unmatched(policy: &Policy, request: &Request, target: &Target) -> Result<(), Refusal> {
    let guarded = || {
        let path = target.folded();
        policy
            .management
            .guarded
            .iter()
            .any(|template| template.literal_prefix_covers(&path))
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
        "No route covers {} /{}, which lies next to what the identity provider owns. Add it to the policy's management.routes with the edit that it performs.",
        request.method,
        target.segments.join("/")
    )))
}

// === impl Match ===

impl Match<'_> {
    /// Describes what the answer of this read shows in a scope, if the account is clear.
    pub(crate) fn described(
        &self,
        policy: &Policy,
        request: &Request,
        scope: String,
    ) -> Option<Described> {
        Some(Described {
            account: match self.account(request).ok()? {
                Some(account) if !policy.is_other_account(account.as_str()) => account.into(),
                Some(_) => return None,
                None => policy.scim_account.clone()?,
            },
            scope,
            groups: in_answer(&self.route.group).cloned().collect(),
            users: in_answer(&self.route.user).cloned().collect(),
        })
    }

    /// Returns the account from everything except the body.
    fn account(&self, request: &Request) -> Result<Option<PlainName>, Refusal> {
        let named = self.outside_body(&self.route.account, request, "account")?;
        PlainName::read(named).map_err(|Unclear| unclear("account", &self.route.account))
    }

    fn names_no_account(&self) -> Refusal {
        route::MISSING_ACCOUNT.because(format!(
            "The request does not say which account it is for. Send {}.",
            describe(&self.route.account)
        ))
    }

    /// Reads every query parameter that the route uses, and refuses one in the wrong case.
    fn misspelt(&self) -> Result<Option<Refusal>, Refusal> {
        let mut misspelt = None;
        let parts = self.route.parts().into_iter().map(|(_, sources)| sources);
        let touched = self.route.touches.iter();
        for sources in parts.chain(touched.map(|(_, sources)| sources.as_slice())) {
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

    /// Returns the value of a part from outside the body; all sources must agree.
    pub(crate) fn outside_body(
        &self,
        sources: &[Source],
        request: &Request,
        part: &str,
    ) -> Result<Option<String>, Refusal> {
        let sources = || sources.iter();
        agreed(sources, &self.parameters, &self.target, request, part)
    }
}

/// Reads a value from path, query and headers; all sources must agree.
fn agreed<'s, I: Iterator<Item = &'s Source>>(
    sources: impl Fn() -> I,
    parameters: &BTreeMap<String, String>,
    target: &Target,
    request: &Request,
    part: &str,
) -> Result<Option<String>, Refusal> {
    let mut found: Option<String> = None;
    for source in sources() {
        let value = match source {
            Source::Path(name) => parameters.get(name).cloned(),
            Source::Query(name) => target.query.parameter(name)?.map(|it| it.value.clone()),
            Source::Header(name) => header(request, name)?,
            Source::Value(value) => Some(value.clone()),
            Source::Body(_) | Source::Answer(_) => None,
        };
        let Some(value) = value else { continue };
        if found.as_ref().is_some_and(|other| *other != value) {
            return Err(disagree(part, sources()));
        }
        found = Some(value);
    }
    Ok(found)
}

/// Refuses a part that is named twice with different values.
pub(crate) fn disagree<'s>(part: &str, sources: impl IntoIterator<Item = &'s Source>) -> Refusal {
    route::AMBIGUOUS_QUERY.because(format!(
        "The request names the {part} in two places, and they differ. Name one, in {}.",
        describe(sources)
    ))
}

/// Refuses a part with white space, control or invisible characters.
pub(crate) fn unclear<'s>(part: &str, sources: impl IntoIterator<Item = &'s Source>) -> Refusal {
    route::AMBIGUOUS_QUERY.because(format!(
        "There is white space, a control character or an invisible character in the {part} ({}). Remove it, or leave the {part} out.",
        describe(sources)
    ))
}

fn other_case(parameter: &Parameter, name: &str) -> Refusal {
    route::AMBIGUOUS_QUERY.because(format!(
        "The query parameter {} is spelt {name}; a case-sensitive application would ignore it. Send {name}=…",
        parameter.name
    ))
}

/// Reads a header that a rule uses. It must have the exact spelling, occur once and be ASCII, which
/// all readers decode alike; a comma would join several values (RFC 9110 §5.3).
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

/// Describes the sources of a part in words.
pub(crate) fn describe<'s>(sources: impl IntoIterator<Item = &'s Source>) -> String {
    let places: Vec<String> = sources
        .into_iter()
        .map(|source| match source {
            Source::Path(name) => format!("the path parameter {name}"),
            Source::Query(name) => format!("the query parameter {name}"),
            Source::Header(name) => format!("the header {name}"),
            Source::Body(pointer) => format!("{pointer} in the body"),
            Source::Answer(pointer) => format!("{pointer} in the answer"),
            Source::Value(value) => value.clone(),
        })
        .collect();
    places.join(" or ")
}
