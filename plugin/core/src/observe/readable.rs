//! Cleans the answers to the guard's own reads in the same way as the answers to clients, so that
//! one place handles the peculiar ids and lists of applications.

use super::{answer, repair};
use crate::facts::ResourceKind;
use crate::json::Json;
use crate::message::{AnswerBody, BackendAnswer};
use crate::scim::Profile;
use crate::scim::schema::ResourceType;
use crate::scim::shape::Shape;

/// Reads answers to the guard's own requests.
pub struct Readable {
    shapes: [Shape; 2],
}

// === impl Readable ===

impl Readable {
    /// For the resources of RFC 7643.
    ///
    /// # Errors
    /// The tables are part of the program; an error here is a bug in the build.
    pub fn new() -> Result<Self, String> {
        let shape = |kind| {
            let resource = ResourceType::load(kind).map_err(|error| error.to_string())?;
            Shape::new(resource, &[], false, false, Profile::Rfc).map_err(|(_, message)| message)
        };
        Ok(Self {
            shapes: [shape(ResourceKind::User)?, shape(ResourceKind::Group)?],
        })
    }

    /// The JSON text of a resource.
    #[must_use]
    pub fn resource(&self, body: &[u8]) -> Option<Vec<u8>> {
        self.repaired(read(body)?)
    }

    /// The JSON text of a list (RFC 7644 §3.4.2). `from_start`: the request asked for the first
    /// page.
    #[must_use]
    pub fn list(&self, body: &[u8], from_start: bool) -> Option<Vec<u8>> {
        self.repaired(repair::list(read(body)?, from_start).ok()?)
    }

    fn repaired(&self, mut body: Json) -> Option<Vec<u8>> {
        let [user, group] = &self.shapes;
        repair::identifiers(&mut body, &[user, group]);
        repair::activity(&mut body);
        Some(body.to_bytes())
    }
}

fn read(body: &[u8]) -> Option<Json> {
    let answer = BackendAnswer {
        status: 200,
        headers: Vec::new(),
        body: AnswerBody::Bytes(body.to_vec()),
    };
    answer::read(&answer).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guards_own_reads_are_put_right() {
        let readable = Readable::new().unwrap();
        let text = |body: Option<Vec<u8>>| body.map(|body| String::from_utf8(body).unwrap());
        let group = "\u{feff}{\"id\": 7, \"members\": [{\"value\": 8}], \"active\": \"False\"}";
        assert_eq!(
            text(readable.resource(group.as_bytes())).unwrap(),
            r#"{"id":"7","members":[{"value":"8"}],"active":false}"#
        );
        let list = r#"{"totalResults": "1", "Resources": [{"id": 7}]}"#;
        let list = text(readable.list(list.as_bytes(), true)).unwrap();
        assert!(list.contains(r#""totalResults":1"#), "{list}");
        assert!(list.contains(r#"{"id":"7"}"#), "{list}");
        let empty = text(readable.list(b"[]", true)).unwrap();
        assert!(empty.contains(r#""Resources":[]"#), "{empty}");
        for body in ["", "x", "[1]", "{}", r#"{"totalResults": 3}"#] {
            assert!(readable.list(body.as_bytes(), true).is_none(), "{body}");
        }
    }
}
