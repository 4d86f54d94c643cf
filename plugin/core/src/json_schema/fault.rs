//! What makes a JSON Schema one that the guard does not take.

/// What is wrong with a schema, and where in it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SchemaFault {
    /// JSON Pointer; empty for the schema as a whole.
    pub(crate) pointer: String,
    pub(crate) message: String,
}

// === impl SchemaFault ===

impl SchemaFault {
    /// Of the schema as a whole.
    pub(super) fn whole(message: impl Into<String>) -> Self {
        Self {
            pointer: String::new(),
            message: message.into(),
        }
    }
}
