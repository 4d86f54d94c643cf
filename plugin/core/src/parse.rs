//! The body of a request: whether it may be read, and the JSON value that it strictly is.

use crate::facts::Stop;
use crate::json::{self, Json, Reading};
use crate::message::{Body, Need, Request};
use crate::policy::Account;
use crate::refusal::Refusal;
use crate::rules::body as rules;

/// The body of a request that needs one.
pub(crate) fn required<'r>(
    request: &'r Request,
    account: &Account,
) -> Result<(Json, Reading<'r>), Stop> {
    let bytes = body(request, account)?;
    json_content(request)?;
    Ok(json::read(bytes, account.limits.depth)?)
}

/// The body of a request that may have one.
pub(crate) fn optional(request: &Request, account: &Account) -> Result<Option<Json>, Stop> {
    let empty = match &request.body {
        Body::None => true,
        Body::Bytes(bytes) => bytes.is_empty(),
        Body::Unread | Body::OverLimit => false,
    };
    if empty {
        return Ok(None);
    }
    required(request, account).map(|(body, _)| Some(body))
}

/// The body, asked for if nobody has read it yet.
fn body<'r>(request: &'r Request, account: &Account) -> Result<&'r [u8], Stop> {
    let limit = account.limits.body_bytes;
    let too_large = || {
        rules::TOO_LARGE.because(format!(
            "The body is larger than {limit} bytes. Send fewer members or operations at once."
        ))
    };
    match &request.body {
        Body::Unread => Err(Stop::Need(Need {
            keys: Vec::new(),
            body_limit: Some(limit),
        })),
        Body::OverLimit => Err(too_large().into()),
        Body::Bytes(bytes) if bytes.len() as u64 > limit => Err(too_large().into()),
        Body::Bytes(bytes) if !bytes.is_empty() => Ok(bytes),
        Body::Bytes(_) | Body::None => Err(rules::MISSING
            .because("The request has no body. Send a JSON document.")
            .into()),
    }
}

/// JSON, in UTF-8, not compressed.
fn json_content(request: &Request) -> Result<(), Refusal> {
    let values = |name: &'static str| {
        request
            .headers
            .iter()
            .filter(move |(other, _)| other == name)
            .map(|(_, value)| String::from_utf8_lossy(value).to_ascii_lowercase())
    };
    if values("content-encoding").any(|coding| coding.trim() != "identity") {
        return Err(rules::CONTENT_TYPE
            .because("The body is compressed. Send it without Content-Encoding."));
    }
    let wrong = || {
        rules::CONTENT_TYPE
            .because("The body must be declared as Content-Type: application/scim+json or application/json, in UTF-8.")
    };
    let mut types = values("content-type");
    let declared = types.next().ok_or_else(wrong)?;
    if types.next().is_some() {
        return Err(wrong());
    }
    let mut parameters = declared.split(';').map(str::trim);
    let essence = parameters.next().unwrap_or_default();
    let is_json = essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"));
    let is_utf8 = parameters
        .filter_map(|parameter| parameter.strip_prefix("charset="))
        .all(|charset| matches!(charset.trim_matches('"'), "utf-8" | "utf8"));
    if is_json && is_utf8 {
        Ok(())
    } else {
        Err(wrong())
    }
}
