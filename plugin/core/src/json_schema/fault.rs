//! Why the guard refuses a JSON Schema.

/// A fault in a schema, with its place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SchemaFault {
    /// JSON Pointer; empty for the schema as a whole.
    pub(crate) pointer: String,
    pub(crate) message: String,
}

// === impl SchemaFault ===

impl SchemaFault {
    /// A fault of the schema as a whole.
    pub(super) fn whole(message: impl Into<String>) -> Self {
        Self {
            pointer: String::new(),
            message: message.into(),
        }
    }
}
