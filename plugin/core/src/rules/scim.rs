//! What is refused because it is not SCIM.

super::rules! {
    /// `schemas` is absent or empty.
    SCHEMA_MISSING_URN = "schema.missing-urn", Some(400), Some("invalidSyntax"), "RFC 7643 §3";
    /// `schemas` names the URN of another resource or message.
    SCHEMA_WRONG_URN = "schema.wrong-urn", Some(400), Some("invalidSyntax"), "RFC 7643 §3";
    /// A required attribute is absent or unassigned.
    SCHEMA_MISSING_ATTRIBUTE = "schema.missing-attribute", Some(400), Some("invalidValue"), "RFC 7643 §7";
    /// A value is of another type than the attribute.
    SCHEMA_INVALID_TYPE = "schema.invalid-type", Some(400), Some("invalidValue"), "RFC 7643 §2.3";
    /// A value is of the right type and still not possible: a control character or a bidirectional
    /// override in a name, a date that is none, an empty user name.
    SCHEMA_INVALID_VALUE = "schema.invalid-value", Some(400), Some("invalidValue"), "RFC 7643 §2.3, Unicode TR 36 §2";
    /// More than one value of a multi-valued attribute is marked as primary.
    SCHEMA_MULTIPLE_PRIMARY = "schema.multiple-primary", Some(400), Some("invalidValue"), "RFC 7643 §2.4";
    /// The value breaks a constraint of the account's own (`scim.json_schemas`).
    SCHEMA_CUSTOM = "schema.custom", Some(400), Some("invalidValue"), "JSON Schema 2020-12";
    /// An attribute that no known schema defines, where the policy says `unknown_attributes:
    /// reject`. Most often a misspelt mapping in the identity provider.
    SCHEMA_UNKNOWN_ATTRIBUTE = "schema.unknown-attribute", Some(400), Some("invalidSyntax"), "SCIM 2.0 Interoperability Profile";
    /// An operation is none of add, remove and replace.
    PATCH_INVALID_OP = "patch.invalid-op", Some(400), Some("invalidSyntax"), "RFC 7644 §3.5.2";
    /// `Operations` is absent or empty.
    PATCH_MISSING_OPERATIONS = "patch.missing-operations", Some(400), Some("invalidSyntax"), "RFC 7644 §3.5.2";
    /// A path that does not parse, or that names members in a way that could take out anybody.
    PATCH_INVALID_PATH = "patch.invalid-path", Some(400), Some("invalidPath"), "RFC 7644 §3.5.2, figure 7";
    /// An add or replace without a value.
    PATCH_MISSING_VALUE = "patch.missing-value", Some(400), Some("invalidValue"), "RFC 7644 §3.5.2.1";
    /// A remove without a path.
    PATCH_NO_TARGET = "patch.no-target", Some(400), Some("noTarget"), "RFC 7644 §3.5.2.2";
    /// More operations, or more members, than the policy's limits allow in one request.
    PATCH_TOO_MANY = "patch.too-many", Some(413), None, "RFC 7644 §3.5.2, scimguard policy, limits";
    /// A filter that does not parse, or that asks for an attribute that is not there to be asked for.
    FILTER_INVALID = "filter.invalid", Some(400), Some("invalidFilter"), "RFC 7644 §3.4.2.2";
    /// More operations than the policy's `limits.bulk_operations` allows in one Bulk request.
    BULK_TOO_MANY = "bulk.too-many", Some(413), None, "RFC 7644 §3.7.4";
    /// A Bulk request that cannot be taken apart: no operations, a method, path or `bulkId` that is
    /// none, no data. Nothing of it is done.
    BULK_INVALID = "bulk.invalid", Some(400), Some("invalidSyntax"), "RFC 7644 §3.7";
    /// A `bulkId` that no operation of the request creates, that leads in a circle, or that stands
    /// where no id does.
    BULK_REFERENCE = "bulk.reference", Some(400), Some("invalidValue"), "RFC 7644 §3.7.1, §3.7.2";
    /// A PATCH path names a read-only attribute.
    MUTABILITY_READ_ONLY = "mutability.read-only", Some(400), Some("mutability"), "RFC 7643 §2.2, RFC 7644 §3.5.2";
    /// A PATCH would take away an attribute that every resource of the type has.
    MUTABILITY_REQUIRED = "mutability.required", Some(400), Some("mutability"), "RFC 7644 §3.5.2.2";
    /// A PATCH would take away an attribute that is set once and for all.
    MUTABILITY_IMMUTABLE = "mutability.immutable", Some(400), Some("mutability"), "RFC 7643 §7, RFC 7644 §3.5.2.2";
    /// The id in the body of a PUT is not the id in its path.
    MUTABILITY_ID = "mutability.id", Some(400), Some("mutability"), "RFC 7643 §3.1";
}
