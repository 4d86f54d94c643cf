//! Adjusts a backend's description of itself (RFC 7644 §4) to the guard, so that a client that
//! reads it neither sends nor expects anything that the guard removes.

use super::answer::{invalid_answer, is_error, member};
use super::repair;
use crate::facts::ResourceKind;
use crate::json::{Json, Member};
use crate::policy::Account;
use crate::route::Discovery;
use crate::rules::Refusal;
use crate::scim::schema::Schema;
use crate::scim::shape::{Shape, Target};
use crate::scim::{CORE_URN_PREFIX, Profile};

/// Schemas of RFC 7643 §5, §6 and §7, which describe the protocol and not resources.
const OF_THE_PROTOCOL: [&str; 3] = ["ServiceProviderConfig", "ResourceType", "Schema"];

/// The document as it applies behind the guard; `None` if none of it does.
pub(super) fn through_the_guard(
    document: Discovery,
    mut body: Json,
    account: &Account,
) -> Result<Option<Json>, Refusal> {
    if !matches!(body, Json::Object(_)) || is_error(&body) {
        return Err(invalid_answer("it is not a description of the service"));
    }
    let keep: fn(&mut Json, &Account) -> bool = match document {
        Discovery::Schemas => schema,
        Discovery::ResourceTypes => resource_type,
        Discovery::ServiceProviderConfig => {
            config(&mut body, account);
            return Ok(Some(body));
        }
    };
    if member(&body, "Resources").is_some() || member(&body, "totalResults").is_some() {
        body = repair::list(body, true)?;
        listed(&mut body, |one| keep(one, account));
        return Ok(Some(body));
    }
    Ok(keep(&mut body, account).then_some(body))
}

/// Keeps the elements of a list that apply, and updates the counts.
fn listed(list: &mut Json, mut keep: impl FnMut(&mut Json) -> bool) {
    let Json::Object(members) = list else { return };
    let mut gone = 0;
    for given in members.iter_mut() {
        if let ("resources", Json::Array(all)) =
            (given.name.to_ascii_lowercase().as_str(), &mut given.value)
        {
            let before = all.len();
            all.retain_mut(&mut keep);
            gone = before - all.len();
        }
    }
    for given in members {
        let is_count = matches!(
            given.name.to_ascii_lowercase().as_str(),
            "totalresults" | "itemsperpage"
        );
        if let (true, Json::Number(text)) = (is_count, &mut given.value)
            && let Ok(count) = text.parse::<usize>()
        {
            *text = count.saturating_sub(gone).to_string();
        }
    }
}

/// Whether any part of a schema applies; removes the parts that do not.
fn schema(described: &mut Json, account: &Account) -> bool {
    let Some(urn) = member(described, "id")
        .and_then(Json::as_str)
        .map(str::to_owned)
    else {
        return false;
    };
    for kind in [ResourceKind::User, ResourceKind::Group] {
        let shape = &account.resource(kind).shape;
        if urn.eq_ignore_ascii_case(&shape.resource.core.id) {
            attributes(described, shape, None, &shape.resource.core);
            return true;
        }
        let extension = shape.resource.extension(&urn);
        if let Some(extension) = extension {
            attributes(described, shape, Some(extension), extension);
            return shape.syncs_any_of(extension);
        }
    }
    let name = urn
        .get(..CORE_URN_PREFIX.len())
        .filter(|prefix| prefix.eq_ignore_ascii_case(CORE_URN_PREFIX))
        .and_then(|_| urn.rsplit(':').next());
    name.is_some_and(|name| OF_THE_PROTOCOL.contains(&name))
}

fn attributes(described: &mut Json, shape: &Shape, extension: Option<&Schema>, schema: &Schema) {
    kept(described, "attributes", |one, name| {
        // Some backends list the attributes of every resource (RFC 7643 §3.1) with the core schema.
        let common = || {
            shape
                .resource
                .common
                .attribute(name)
                .filter(|_| extension.is_none())
        };
        let Some(attribute) = schema.attribute(name).or_else(common) else {
            return false;
        };
        let target = Target {
            extension,
            attribute,
            sub: None,
        };
        if target.is_read_only() {
            return true;
        }
        kept(one, "subAttributes", |_, name| {
            attribute.sub(name).is_some_and(|sub| {
                let target = Target {
                    sub: Some(sub),
                    ..target
                };
                target.is_read_only() || shape.passes(target)
            })
        });
        shape.is_synced(target)
    });
}

/// Keeps the matching elements of a list of attributes.
fn kept(described: &mut Json, list: &str, mut keep: impl FnMut(&mut Json, &str) -> bool) {
    let Json::Object(members) = described else {
        return;
    };
    for given in members {
        if let (true, Json::Array(all)) = (given.name.eq_ignore_ascii_case(list), &mut given.value)
        {
            all.retain_mut(|one| {
                let name = member(one, "name")
                    .and_then(Json::as_str)
                    .map(str::to_owned);
                name.is_some_and(|name| keep(one, &name))
            });
        }
    }
}

/// Whether the guard supports resources of a type; removes extensions that it does not support.
fn resource_type(described: &mut Json, account: &Account) -> bool {
    let endpoint = member(described, "endpoint").and_then(Json::as_str);
    let kind = match endpoint.map(|path| path.trim_end_matches('/').rsplit('/').next()) {
        Some(Some("Users")) => ResourceKind::User,
        Some(Some("Groups")) => ResourceKind::Group,
        _ => return false,
    };
    let shape = &account.resource(kind).shape;
    let passes = |one: &Json| {
        member(one, "schema")
            .and_then(Json::as_str)
            .and_then(|urn| shape.resource.extension(urn))
            .is_some_and(|extension| shape.syncs_any_of(extension))
    };
    let Json::Object(members) = described else {
        return false;
    };
    for given in members {
        if let (true, Json::Array(all)) = (
            given.name.eq_ignore_ascii_case("schemaExtensions"),
            &mut given.value,
        ) {
            all.retain(passes);
        }
    }
    true
}

/// RFC 7643 §5: the guard handles Bulk itself, a password that is not synced cannot be changed, and
/// a token is the only way to authenticate.
fn config(body: &mut Json, account: &Account) {
    let limits = &account.limits;
    set(
        body,
        "bulk",
        Json::object([
            ("supported", Json::Bool(limits.bulk_operations > 0)),
            (
                "maxOperations",
                Json::Number(limits.bulk_operations.to_string()),
            ),
            (
                "maxPayloadSize",
                Json::Number(limits.body_bytes.to_string()),
            ),
        ]),
    );
    // RFC 9967 §4: the guard does not forward a request for an asynchronous answer, and events do
    // not pass through it.
    if member(body, "securityEvents").is_some() {
        set(
            body,
            "securityEvents",
            Json::object([
                ("asyncRequest", Json::string("none")),
                ("eventUris", Json::Array(Vec::new())),
            ]),
        );
    }
    if account.profile == Profile::Interop {
        set(
            body,
            "etag",
            Json::object([("supported", Json::Bool(false))]),
        );
    }
    if !account.user.shape.syncs_password() {
        set(
            body,
            "changePassword",
            Json::object([("supported", Json::Bool(false))]),
        );
    }
    if let Some(Json::Array(schemes)) = member(body, "authenticationSchemes") {
        let bearer: Vec<Json> = schemes.iter().filter(|it| is_bearer(it)).cloned().collect();
        let bearer = match bearer.is_empty() {
            true => vec![bearer_token()],
            false => bearer,
        };
        set(body, "authenticationSchemes", Json::Array(bearer));
    }
}

/// Whether an authentication scheme uses the kind of token that the guard accepts (RFC 6750).
fn is_bearer(scheme: &Json) -> bool {
    let kind = member(scheme, "type").and_then(Json::as_str);
    kind.is_some_and(|kind| {
        ["oauthbearertoken", "oauth2"]
            .iter()
            .any(|bearer| kind.eq_ignore_ascii_case(bearer))
    })
}

fn bearer_token() -> Json {
    Json::object([
        ("type", Json::string("oauthbearertoken")),
        ("name", Json::string("OAuth Bearer Token")),
        (
            "description",
            Json::string("Authentication with a token of the guard (RFC 6750)"),
        ),
    ])
}

fn set(body: &mut Json, name: &str, value: Json) {
    let Json::Object(members) = body else { return };
    match members
        .iter_mut()
        .find(|member| member.name.eq_ignore_ascii_case(name))
    {
        Some(member) => member.value = value,
        None => members.push(Member::new(name, value)),
    }
}
