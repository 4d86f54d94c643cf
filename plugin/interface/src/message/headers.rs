//! Headers for languages with text strings: a value is text if it is UTF-8, otherwise bytes.

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Headers;

#[derive(Serialize)]
#[serde(untagged)]
enum Shown<'a> {
    Text(&'a str),
    Bytes(&'a serde_bytes::Bytes),
}

/// A value in either form.
struct Value(Vec<u8>);

pub(super) fn serialize<S: Serializer>(headers: &Headers, to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(headers.iter().map(|(name, value)| {
        let value = match std::str::from_utf8(value) {
            Ok(text) => Shown::Text(text),
            Err(_) => Shown::Bytes(serde_bytes::Bytes::new(value)),
        };
        (name, value)
    }))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Headers, D::Error> {
    let headers: Vec<(String, Value)> = Vec::deserialize(from)?;
    Ok(headers
        .into_iter()
        .map(|(name, Value(value))| (name, value))
        .collect())
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or bytes")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
                Ok(Value(text.as_bytes().to_vec()))
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Value, E> {
                Ok(Value(bytes.to_vec()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut bytes: A) -> Result<Value, A::Error> {
                let mut value = Vec::new();
                while let Some(byte) = bytes.next_element()? {
                    value.push(byte);
                }
                Ok(Value(value))
            }
        }

        from.deserialize_any(Either)
    }
}
