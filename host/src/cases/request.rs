//! Requests and backend answers as JSON documents.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scimguard_core::message::{AnswerBody, BackendAnswer};
use scimguard_core::{Body, Headers, Request};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A request, as `scimguard check` reads it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestDocument {
    method: String,
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, HeaderValue>,
    #[serde(default, deserialize_with = "given")]
    body: Option<Box<RawValue>>,
    body_text: Option<String>,
    body_base64: Option<String>,
    /// As a guard with `annotate = true` in its configuration would be asked.
    #[serde(default)]
    annotate: bool,
}

/// A backend's answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AnswerDocument {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, HeaderValue>,
    #[serde(default, deserialize_with = "given")]
    body: Option<Box<RawValue>>,
    body_text: Option<String>,
    body_base64: Option<String>,
}

/// A header that is sent once or several times.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum HeaderValue {
    Once(String),
    Several(Vec<String>),
}

impl RequestDocument {
    /// The request, with the whole of its body.
    pub(crate) fn into_request(self) -> Result<Request, String> {
        Ok(Request {
            method: self.method,
            path: self.path,
            headers: headers(&self.headers),
            body: body(self.body, self.body_text, self.body_base64)?
                .map_or(Body::None, Body::Bytes),
            annotate: self.annotate,
        })
    }
}

impl AnswerDocument {
    pub(super) fn into_answer(self) -> Result<BackendAnswer, String> {
        let mut headers = headers(&self.headers);
        let is_json = self.body.is_some();
        if is_json && !headers.iter().any(|(name, _)| name == "content-type") {
            headers.push(("content-type".to_owned(), b"application/scim+json".to_vec()));
        }
        Ok(BackendAnswer {
            status: self.status,
            headers,
            body: body(self.body, self.body_text, self.body_base64)?
                .map_or(AnswerBody::None, AnswerBody::Bytes),
        })
    }
}

impl HeaderValue {
    pub(super) fn values(&self) -> &[String] {
        match self {
            Self::Once(value) => std::slice::from_ref(value),
            Self::Several(values) => values,
        }
    }
}

fn headers(headers: &BTreeMap<String, HeaderValue>) -> Headers {
    headers
        .iter()
        .flat_map(|(name, value)| value.values().iter().map(move |value| (name, value)))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.clone().into_bytes()))
        .collect()
}

/// A JSON body is sent as its text stands in the document: numbers and keys stay as written.
fn body(
    json: Option<Box<RawValue>>,
    text: Option<String>,
    base64: Option<String>,
) -> Result<Option<Vec<u8>>, String> {
    let bytes = match (json, text, base64) {
        (None, None, None) => return Ok(None),
        (Some(json), None, None) => json.get().as_bytes().to_vec(),
        (None, Some(text), None) => text.into_bytes(),
        (None, None, Some(base64)) => STANDARD
            .decode(base64)
            .map_err(|error| format!("body_base64: {error}"))?,
        _ => return Err("give one of body, body_text and body_base64".to_owned()),
    };
    Ok(Some(bytes).filter(|bytes| !bytes.is_empty()))
}

/// A field that is there, even if it is `null`.
pub(super) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
