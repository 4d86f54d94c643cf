//! Compiles the document to the policy: merges it over the preset, checks it and builds the tables.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::document::{AccountDocument, Emails, UnknownAttributes};
use super::faults::{check, fault, pointer_token};
use super::protected::{self, Protected};
use super::template::Template;
use super::{Account, Management, Policy, Resource, Route, Source, issuers};
use crate::ConfigError;
use crate::facts::ResourceKind;
use crate::fold;
use crate::json_schema::{Constraints, Patterns, syntax_fault};
use crate::plain::is_plain_name;
use crate::scim::schema::ResourceType;
use crate::scim::shape::Shape;

/// A document merged over its preset.
struct Merged {
    /// As written.
    given: Value,
    /// With every field, for accounts without fields of their own.
    default: Value,
}

impl Merged {
    /// The accounts with fields of their own, as written.
    fn accounts(&self) -> impl Iterator<Item = (&String, &Value)> {
        let accounts = self.given.get("accounts").and_then(Value::as_object);
        accounts.into_iter().flatten()
    }

    /// With every field of this account.
    fn of_account(&self, differing: &Value) -> Value {
        let mut merged = self.default.clone();
        overlay(&mut merged, differing);
        merged
    }
}

fn merge(text: &str) -> Result<Merged, Vec<ConfigError>> {
    let mut given = if text.trim().is_empty() {
        Value::Object(serde_json::Map::new())
    } else {
        serde_json::from_str(text)
            .map_err(|error| fault("", format!("not JSON: {}", syntax_fault(&error))))?
    };
    check(&given)?;
    protected::lengthen(&mut given);
    if let Some(Value::Object(accounts)) = given.get_mut("accounts") {
        accounts.values_mut().for_each(protected::lengthen);
    }
    let preset = given
        .get("preset")
        .and_then(Value::as_str)
        .unwrap_or("harness");
    let mut merged = preset_document(preset).map_err(|error| fault("/preset", error))?;
    overlay(&mut merged, &given);
    Ok(Merged {
        given,
        default: merged,
    })
}

/// The document with every field, as it and its preset give it; with an account, as it is for that one.
pub(crate) fn complete(text: &str, account: Option<&str>) -> Result<Value, Vec<ConfigError>> {
    let merged = merge(text)?;
    let policy = compile_merged(&merged)?;
    let differing = merged.accounts().find(|(name, _)| account == Some(name));
    let mut complete = match differing {
        Some((_, differing)) => merged.of_account(differing),
        None => merged.default,
    };
    if let (Value::Object(fields), Some(_)) = (&mut complete, account) {
        fields.remove("accounts");
    }
    // What a preset protects is nothing in an application without such routes.
    if let Some(Value::Object(kinds)) = complete.get_mut("protected") {
        kinds.retain(|kind, _| is_touched(kind, &policy.management.routes));
    }
    Ok(complete)
}

/// Compiles a policy document.
pub(crate) fn compile(text: &str) -> Result<Policy, Vec<ConfigError>> {
    compile_merged(&merge(text)?)
}

fn compile_merged(merged: &Merged) -> Result<Policy, Vec<ConfigError>> {
    let document: AccountDocument = read(&merged.default, "")?;
    let mut patterns = Patterns::default();
    let mut default = account(document, "", &mut patterns)?;
    let mut compiled = std::collections::BTreeMap::new();
    for (name, differing) in merged.accounts() {
        let pointer = format!("/accounts/{}", pointer_token(name));
        plain_account(name, &pointer)?;
        let of_account = merged.of_account(differing);
        let document: AccountDocument = read(&of_account, &pointer)?;
        compiled.insert(name.clone(), account(document, &pointer, &mut patterns)?);
    }
    let anywhere = protected_anywhere(&default, &compiled);
    default.protected_anywhere = anywhere.clone();
    for account in compiled.values_mut() {
        account.protected_anywhere = anywhere.clone();
    }
    let scim = merged.default.get("scim").unwrap_or(&Value::Null);
    let scim: super::document::Scim = read(scim, "/scim")?;
    let (base, upstream_base) = bases(&scim)?;
    if let Some(account) = &scim.account {
        plain_account(account, "/scim/account")?;
    }
    let management = management(&merged.default, &anywhere, scim.account.is_some())?;
    check_kinds(&merged.given, "", &management.routes)?;
    for (name, differing) in merged.accounts() {
        let pointer = format!("/accounts/{}", pointer_token(name));
        check_kinds(differing, &pointer, &management.routes)?;
    }
    let policy = Policy {
        base,
        upstream_base,
        scim_account: scim.account,
        management,
        default: Arc::new(default),
        accounts: compiled
            .into_iter()
            .map(|(name, account)| (name, Arc::new(account)))
            .collect(),
    };
    if policy
        .management
        .prefixes
        .iter()
        .any(|prefix| policy.base.literal_prefix_covers(prefix))
    {
        return Err(fault(
            "/management/prefixes",
            "a prefix at or below the literal part of scim.base: SCIM and management paths would be indistinguishable".to_owned(),
        ));
    }
    Ok(policy)
}

/// Refuses an account name that no request could carry.
fn plain_account(name: &str, pointer: &str) -> Result<(), Vec<ConfigError>> {
    if is_plain_name(name) {
        return Ok(());
    }
    let message =
        "an account name must not contain white space, control characters or invisible characters";
    Err(fault(pointer, message.to_owned()))
}

fn read<'a, T: Deserialize<'a>>(value: &'a Value, pointer: &str) -> Result<T, Vec<ConfigError>> {
    T::deserialize(value).map_err(|error| fault(pointer, error.to_string()))
}

/// Merges objects field by field; any other value replaces.
fn overlay(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (name, value) in over {
                match under.get_mut(name) {
                    Some(existing) => overlay(existing, value),
                    None => {
                        under.insert(name.clone(), value.clone());
                    }
                }
            }
        }
        (under, over) => *under = over.clone(),
    }
}

/// Returns the document of a preset.
fn preset_document(name: &str) -> Result<Value, String> {
    let mut document: Value =
        serde_json::from_str(include_str!("harness.json")).map_err(|error| error.to_string())?;
    if name == "harness" {
        return Ok(document);
    }
    let mut synced = serde_json::Map::new();
    for (kind, key) in [(ResourceKind::User, "User"), (ResourceKind::Group, "Group")] {
        let names = ResourceType::load(kind)
            .map_err(|error| error.to_string())?
            .writable()
            .into_iter()
            .filter(|attribute| name != "ipsie" || attribute != "password")
            .map(Value::String)
            .collect();
        synced.insert(key.to_owned(), names);
    }
    let generic = serde_json::json!({
        "scim": {
            "base": "/scim/v2/{account}",
            "emails": "all",
            "group_id": null,
        },
        "management": {"prefixes": [], "routes": []},
        "deactivated": "editable",
    });
    overlay(&mut document, &generic);
    if let Some(scim) = document.get_mut("scim").and_then(Value::as_object_mut) {
        scim.insert("synced".to_owned(), Value::Object(synced));
        scim.insert("dialect".to_owned(), serde_json::json!({}));
    }
    if name == "ipsie" {
        let strict = serde_json::json!({
            "scim": {"unknown_attributes": "reject", "profile": "interop"},
            "direct_users": "locked",
            "local_users": "deny",
        });
        overlay(&mut document, &strict);
    }
    Ok(document)
}

fn account(
    document: AccountDocument,
    pointer: &str,
    patterns: &mut Patterns,
) -> Result<Account, Vec<ConfigError>> {
    let authenticate_management = document.management.authenticate;
    let scim = document.scim;
    let mut resource =
        |kind: ResourceKind, synced: &[String]| -> Result<Resource, Vec<ConfigError>> {
            let key = match kind {
                ResourceKind::User => "User",
                ResourceKind::Group => "Group",
            };
            let mut resource_type =
                ResourceType::load(kind).map_err(|error| fault(pointer, error.to_string()))?;
            if let Some(extensions) = scim.schemas.get(key) {
                resource_type
                    .extend(extensions)
                    .map_err(|(index, message)| {
                        fault(&format!("{pointer}/scim/schemas/{key}/{index}"), message)
                    })?;
            }
            let shape = Shape::new(
                resource_type,
                synced,
                scim.emails == Emails::PrimaryOnly,
                scim.unknown_attributes == UnknownAttributes::Reject,
                scim.profile,
            )
            .map_err(|(index, message)| {
                fault(&format!("{pointer}/scim/synced/{key}/{index}"), message)
            })?;
            let constraints = Constraints::compile(&shape, scim.json_schemas.get(key), patterns)
                .map_err(|error| {
                    let place = format!("{pointer}/scim/json_schemas/{key}{}", error.pointer);
                    fault(&place, error.message)
                })?;
            let prefix = format!("{key}.");
            let mut dialect = std::collections::BTreeMap::new();
            for (name, form) in &scim.dialect {
                let Some(attribute) = name.strip_prefix(&prefix) else {
                    continue;
                };
                if !shape.defines(attribute) {
                    return Err(fault(
                        &format!("{pointer}/scim/dialect/{name}"),
                        format!("{key} has no attribute {attribute:?}"),
                    ));
                }
                dialect.insert(attribute.to_owned(), *form);
            }
            Ok(Resource {
                shape,
                constraints,
                dialect,
            })
        };
    Ok(Account {
        user: resource(ResourceKind::User, &scim.synced.user)?,
        group: resource(ResourceKind::Group, &scim.synced.group)?,
        provider: document.provider,
        group_id: scim.group_id,
        profile: scim.profile,
        limits: scim.limits,
        token_headers: document
            .tokens
            .headers
            .iter()
            .map(|name| name.to_ascii_lowercase())
            .collect(),
        permissions: document.tokens.permissions,
        issuers: issuers::compile(document.tokens.issuers)
            .map_err(|(place, message)| fault(&format!("{pointer}/tokens/{place}"), message))?,
        adopt_users: document.adopt.users,
        adopt_groups: document.adopt.groups,
        direct_users: document.direct_users,
        local_users: document.local_users,
        deactivated: document.deactivated,
        reprovision: document.reprovision,
        protected: Protected::new(document.protected),
        protected_anywhere: Protected::default(),
        authenticate_management,
        mode: document.mode,
    })
}

fn bases(scim: &super::document::Scim) -> Result<(Template, Template), Vec<ConfigError>> {
    let base = Template::parse(&scim.base).map_err(|error| fault("/scim/base", error))?;
    let upstream = scim.upstream_base.as_ref().unwrap_or(&scim.base);
    let upstream_base =
        Template::parse(upstream).map_err(|error| fault("/scim/upstream_base", error))?;
    if upstream_base.parameters().any(|name| name != "account") {
        return Err(fault(
            "/scim/upstream_base",
            "only {account} is allowed here".to_owned(),
        ));
    }
    if upstream_base.parameters().next().is_none() && scim.account.is_none() {
        return Err(fault(
            "/scim/upstream_base",
            "without {account} it needs scim.account, the one account of this backend".to_owned(),
        ));
    }
    Ok((base, upstream_base))
}

fn protected_anywhere<'a>(
    default: &'a Account,
    accounts: &'a std::collections::BTreeMap<String, Account>,
) -> Protected {
    let every = std::iter::once(default).chain(accounts.values());
    every.fold(Protected::default(), |all, account| {
        all.with(&account.protected)
    })
}

fn management(
    merged: &Value,
    protected: &Protected,
    has_one_account: bool,
) -> Result<Management, Vec<ConfigError>> {
    let document: super::document::ManagementDocument = read(
        merged.get("management").unwrap_or(&Value::Null),
        "/management",
    )?;
    let mut routes = Vec::with_capacity(document.routes.len());
    let mut faults = Vec::new();
    for (index, route) in document.routes.into_iter().enumerate() {
        match Route::compile(route, has_one_account) {
            Ok(route) => routes.push(route),
            Err(found) => faults.extend(found.into_iter().flat_map(|(part, message)| {
                fault(&format!("/management/routes/{index}/{part}"), message)
            })),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let prefixes = document
        .prefixes
        .iter()
        .map(|prefix| {
            prefix
                .split('/')
                .filter(|segment| !segment.is_empty())
                .map(|segment| fold::key(segment).into_owned())
                .collect()
        })
        .collect();
    let account_names = routes
        .iter()
        .flat_map(|route| &route.account)
        .filter(|source| matches!(source, Source::Query(_) | Source::Header(_)));
    let mut distinct: Vec<Source> = Vec::new();
    for source in account_names {
        if !distinct.contains(source) {
            distinct.push(source.clone());
        }
    }
    let guarded = routes
        .iter()
        .filter(|route| route.guards(|kind| protected.knows(kind)))
        .map(|route| route.path.clone())
        .collect();
    Ok(Management {
        prefixes,
        unmatched: document.unmatched,
        content_types: document.content_types,
        routes,
        guarded,
        account_names: distinct,
    })
}

/// Whether a route touches things of this kind.
fn is_touched(kind: &str, routes: &[Route]) -> bool {
    let mut touched = routes.iter().flat_map(|route| &route.touches);
    kind == protected::ANY || touched.any(|(known, _)| known == kind)
}

/// Reports a kind that no route names: it protects nothing and is probably misspelt.
fn check_kinds(given: &Value, pointer: &str, routes: &[Route]) -> Result<(), Vec<ConfigError>> {
    let Some(Value::Object(kinds)) = given.get("protected") else {
        return Ok(());
    };
    match kinds.keys().find(|kind| !is_touched(kind, routes)) {
        None => Ok(()),
        Some(kind) => Err(fault(
            &format!("{pointer}/protected/{}", pointer_token(kind)),
            format!("no route in management.routes touches things of the kind {kind:?}"),
        )),
    }
}
