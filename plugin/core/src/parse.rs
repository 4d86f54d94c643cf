//! The body of a request: whether it may be read, and its JSON value, parsed strictly.

use crate::budget::Budget;
use crate::header_names;
use crate::json::{self, Json, Source};
use crate::media_type::MediaType;
use crate::message::{Body, Request};
use crate::policy::Account;
use crate::rules::{Refusal, Stage, body as rules};

/// Media types of SCIM messages (RFC 7644 §3.1, §8.1).
const SCIM: &[&str] = &["application/scim+json", "application/json"];

/// Media types of an edit: whole JSON documents, so that a route can name their members.
const EDIT: &[&str] = &["application/json"];

/// The same for PATCH, the only method for which RFC 7396 defines its type.
const PATCH: &[&str] = &["application/json", "application/merge-patch+json"];

/// The body of a SCIM call that needs one.
pub(crate) fn required<'r>(
    request: &'r Request,
    account: &Account,
    budget: &Budget,
) -> Result<(Json, Source<'r>), Refusal> {
    read(request, account, budget, SCIM)
}

/// The body of a request of the management API, whether its edit needs one or not.
pub(crate) fn edit(
    request: &Request,
    account: &Account,
    budget: &Budget,
    is_needed: bool,
) -> Result<Option<Json>, Refusal> {
    let is_empty = match &request.body {
        Body::None => true,
        Body::Bytes(bytes) => bytes.is_empty(),
        Body::Unread | Body::OverLimit => false,
    };
    if is_empty && !is_needed {
        return Ok(None);
    }
    let types = match request.method.as_str() {
        "PATCH" => PATCH,
        _ => EDIT,
    };
    read(request, account, budget, types).map(|(body, _)| Some(body))
}

fn read<'r>(
    request: &'r Request,
    account: &Account,
    budget: &Budget,
    types: &[&str],
) -> Result<(Json, Source<'r>), Refusal> {
    budget.enter(Stage::Parse);
    let bytes = body(request, account)?;
    json_content(request, types)?;
    budget.body(bytes)?;
    Ok(json::read(bytes, account.limits.depth)?)
}

/// The bytes of the body; an error if it is missing or too large.
fn body<'r>(request: &'r Request, account: &Account) -> Result<&'r [u8], Refusal> {
    let limit = account.limits.body_bytes;
    let too_large = || {
        rules::TOO_LARGE.because(format!(
            "The body is larger than {limit} bytes. Send fewer members or operations at once."
        ))
    };
    match &request.body {
        Body::OverLimit => Err(too_large()),
        Body::Bytes(bytes) if bytes.len() as u64 > limit => Err(too_large()),
        Body::Bytes(bytes) if !bytes.is_empty() => Ok(bytes),
        Body::Bytes(_) | Body::None | Body::Unread => {
            Err(rules::MISSING.because("The request has no body. Send a JSON document."))
        }
    }
}

/// Checks for JSON of one of these types, in UTF-8 and not compressed.
fn json_content(request: &Request, types: &[&str]) -> Result<(), Refusal> {
    let coded =
        || rules::CONTENT_TYPE.because("The body is compressed. Send it without Content-Encoding.");
    for name in ["content-encoding", "x-content-encoding"] {
        if let Some(coding) = only(request, name, coded)?
            && !coding.eq_ignore_ascii_case(b"identity")
        {
            return Err(coded());
        }
    }
    let wrong = || {
        rules::CONTENT_TYPE.because(format!(
            "The body must be declared once as Content-Type: {}, in UTF-8.",
            types.join(" or ")
        ))
    };
    let declared = only(request, "content-type", wrong)?.ok_or_else(wrong)?;
    let media_type = MediaType::parse(declared).ok_or_else(wrong)?;
    if types.contains(&media_type.essence.as_str()) && media_type.is_utf8() {
        Ok(())
    } else {
        Err(wrong())
    }
}

/// The value of a header that may appear only once, as it was sent.
fn only<'r>(
    request: &'r Request,
    name: &str,
    wrong: impl Fn() -> Refusal,
) -> Result<Option<&'r [u8]>, Refusal> {
    let mut same = request
        .headers
        .iter()
        .filter(|(other, _)| header_names::same(other, name));
    match (same.next(), same.next()) {
        (None, _) => Ok(None),
        (Some((spelt, value)), None) if spelt.eq_ignore_ascii_case(name) => Ok(Some(value)),
        _ => Err(wrong()),
    }
}

/// Whether a body that the guard does not read may pass: JSON, or one of these types. A request
/// without a declared type passes: it has no body, or the application does not read it.
pub(crate) fn passes(request: &Request, types: &[String]) -> Result<(), Refusal> {
    let wrong = || {
        let other: String = types.iter().map(|other| format!(" or {other}")).collect();
        rules::CONTENT_TYPE.because(format!(
            "The body must be declared once as Content-Type: application/json{other}. Other types pass where the policy names them in `content_types`."
        ))
    };
    let Some(declared) = only(request, "content-type", wrong)? else {
        return Ok(());
    };
    let media_type = MediaType::parse(declared).ok_or_else(wrong)?;
    let essence = media_type.essence.as_str();
    let is_json = essence.starts_with("application/") && essence.ends_with("+json");
    if is_json || EDIT.contains(&essence) || types.iter().any(|other| other == essence) {
        Ok(())
    } else {
        Err(wrong())
    }
}
