//! Requests and backend answers as JSON documents.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeOwned, Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::decided::Answers;
use crate::message::{AnswerBody, BackendAnswer, BackendOutcome, Body, Headers, Request};

/// A request, as `scimguard check` reads it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestDocument {
    method: String,
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, HeaderValue>,
    #[serde(default, deserialize_with = "given")]
    body: Option<Box<RawValue>>,
    body_text: Option<String>,
    body_base64: Option<String>,
    /// Asks for the annotation, as a guard with `annotate = true` in its configuration does.
    #[serde(default)]
    annotate: bool,
}

/// A backend's answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerDocument {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, HeaderValue>,
    #[serde(default, deserialize_with = "given")]
    body: Option<Box<RawValue>>,
    body_text: Option<String>,
    body_base64: Option<String>,
}

/// The backend's answers to the requests that one request becomes: one for all of them, or a list.
/// `A` describes the request that an answer belongs to.
pub struct UpstreamDocument<A> {
    answers: Vec<ExchangeDocument<A>>,
    is_list: bool,
}

/// An answer (`null`: none), optionally with the request that it belongs to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExchangeDocument<A> {
    asked: Option<A>,
    answer: Option<AnswerDocument>,
}

/// The value of a header that is sent once or several times.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum HeaderValue {
    /// Sent once.
    Once(String),
    /// Sent once for each value.
    Several(Vec<String>),
}

impl RequestDocument {
    /// The request, with its complete body.
    ///
    /// # Errors
    /// What is wrong with it, in one sentence.
    pub fn into_request(self) -> Result<Request, String> {
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
    fn into_answer(self) -> Result<BackendAnswer, String> {
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

impl<'de, A: DeserializeOwned> Deserialize<'de> for UpstreamDocument<A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        let is_list = text.get().starts_with('[');
        let each: Result<Vec<Box<RawValue>>, _> = if is_list {
            serde_json::from_str(text.get())
        } else {
            Ok(vec![text])
        };
        each.and_then(|each| each.iter().map(|one| exchange(one)).collect())
            .map(|answers| Self { answers, is_list })
            .map_err(|error| D::Error::custom(format!("upstream: {error}")))
    }
}

fn exchange<A: DeserializeOwned>(text: &RawValue) -> serde_json::Result<ExchangeDocument<A>> {
    #[derive(Deserialize)]
    struct Named {
        #[serde(rename = "asked")]
        _asked: IgnoredAny,
    }
    if serde_json::from_str::<Named>(text.get()).is_ok() {
        return serde_json::from_str(text.get());
    }
    serde_json::from_str(text.get()).map(|answer| ExchangeDocument {
        asked: None,
        answer,
    })
}

impl<A> Default for UpstreamDocument<A> {
    /// The backend is not asked.
    fn default() -> Self {
        Self {
            answers: Vec::new(),
            is_list: true,
        }
    }
}

impl<A> UpstreamDocument<A> {
    /// The answers, and the expectations about the request that each belongs to.
    ///
    /// # Errors
    /// What is wrong with an answer, in one sentence.
    pub fn into_answers(self) -> Result<(Answers, Vec<Option<A>>), String> {
        let mut outcomes = Vec::new();
        let mut asked = Vec::new();
        for exchange in self.answers {
            asked.push(exchange.asked);
            outcomes.push(match exchange.answer {
                Some(answer) => BackendOutcome::Answered(answer.into_answer()?),
                None => BackendOutcome::Unanswered,
            });
        }
        let answers = match (outcomes.pop(), self.is_list) {
            (None, _) => Answers::Awaited,
            (Some(only), false) => Answers::Same(only),
            (Some(last), true) => {
                outcomes.push(last);
                Answers::Each(outcomes)
            }
        };
        Ok((answers, asked))
    }
}

impl HeaderValue {
    /// The values, in order.
    #[must_use]
    pub fn values(&self) -> &[String] {
        match self {
            Self::Once(value) => std::slice::from_ref(value),
            Self::Several(values) => values,
        }
    }
}

/// The members of an object have no order, so the case of names must not create one: the same
/// document with lower-case names, as in a transcript, must be the same request.
fn headers(headers: &BTreeMap<String, HeaderValue>) -> Headers {
    let mut sent: Headers = headers
        .iter()
        .flat_map(|(name, value)| value.values().iter().map(move |value| (name, value)))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.clone().into_bytes()))
        .collect();
    sent.sort_by(|(a, _), (b, _)| a.cmp(b));
    sent
}

/// A JSON body is sent as the text in the document: numbers and keys stay as written.
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
        _ => return Err("give only one of body, body_text and body_base64".to_owned()),
    };
    Ok(Some(bytes).filter(|bytes| !bytes.is_empty()))
}

/// A field that is present, even if it is `null`.
///
/// # Errors
/// Those of what the field holds.
pub fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::RequestDocument;

    #[test]
    fn the_spelling_of_header_names_makes_no_other_request() {
        let sent = |document: &str| {
            let document: RequestDocument = serde_json::from_str(document).unwrap();
            document.into_request().unwrap().headers
        };
        let spelled = r#"{"method": "GET", "path": "/", "headers": {"B": ["2", "1"], "a": "3"}}"#;
        let lower = r#"{"method": "GET", "path": "/", "headers": {"a": "3", "b": ["2", "1"]}}"#;
        assert_eq!(sent(spelled), sent(lower));
    }
}
