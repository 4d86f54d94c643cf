//! The message that wraps the operations of a PATCH (RFC 7644 §3.5.2).

use super::Normaliser;
use crate::json::Json;
use crate::rules::{Refusal, normalise, scim};
use crate::scim::PATCH_URN;

impl Normaliser<'_> {
    /// Returns the list of operations in a PatchOp message.
    pub(super) fn envelope(&mut self, body: Json) -> Result<Vec<Json>, Refusal> {
        let Json::Object(members) = body else {
            return Err(scim::SCHEMA_INVALID_TYPE
                .because(format!("The body must be an object, not {}.", body.kind())));
        };
        let mut urns = None;
        let mut operations = None;
        for given in members {
            let canonical = match given.name.to_ascii_lowercase().as_str() {
                "schemas" => {
                    urns = Some(given.value);
                    "schemas"
                }
                "operations" => {
                    operations = Some(given.value);
                    "Operations"
                }
                _ => {
                    self.unknown(&given.name, &given.name)?;
                    continue;
                }
            };
            self.renamed(canonical, &given.name, canonical);
        }
        let urns = urns.ok_or_else(|| {
            scim::SCHEMA_MISSING_URN.because(format!("schemas is missing. Send [\"{PATCH_URN}\"]."))
        })?;
        for urn in self.urns(urns)? {
            if !urn.eq_ignore_ascii_case(PATCH_URN) {
                return Err(scim::SCHEMA_WRONG_URN.because(format!(
                    "schemas: {urn:?} is not the schema of a PATCH. Send {PATCH_URN:?}."
                )));
            }
            self.renamed("schemas", &urn, PATCH_URN);
        }
        match operations {
            Some(Json::Array(operations)) if !operations.is_empty() => Ok(operations),
            Some(operation @ Json::Object(_)) => {
                self.changed(
                    &normalise::LIST,
                    "Operations",
                    "a single operation became a list of one",
                );
                Ok(vec![operation])
            }
            None | Some(Json::Null | Json::Array(_)) => Err(scim::PATCH_MISSING_OPERATIONS
                .because("Operations is missing or empty. Send at least one operation.")),
            Some(other) => Err(scim::SCHEMA_INVALID_TYPE
                .because(format!("Operations must be a list, not {}.", other.kind()))),
        }
    }
}
