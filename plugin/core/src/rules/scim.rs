//! Refusals because the request is not valid SCIM.

super::rules! {
    /// `schemas` is absent or empty.
    SCHEMA_MISSING_URN = "schema.missing-urn", Some(400), Some("invalidSyntax"), "RFC 7643 §3";
    /// `schemas` names the URN of another resource or message.
    SCHEMA_WRONG_URN = "schema.wrong-urn", Some(400), Some("invalidSyntax"), "RFC 7643 §3";
    /// A required attribute is absent or unassigned.
    SCHEMA_MISSING_ATTRIBUTE = "schema.missing-attribute", Some(400), Some("invalidValue"), "RFC 7643 §7";
    /// A value has another type than its attribute.
    SCHEMA_INVALID_TYPE = "schema.invalid-type", Some(400), Some("invalidValue"), "RFC 7643 §2.3";
    /// A value has the right type but is not allowed: a control character or a bidirectional
    /// override in a name, an invalid date, an empty user name.
    SCHEMA_INVALID_VALUE = "schema.invalid-value", Some(400), Some("invalidValue"), "RFC 7643 §2.3, Unicode TR 36 §2";
    /// More than one value of a multi-valued attribute is marked as primary.
    SCHEMA_MULTIPLE_PRIMARY = "schema.multiple-primary", Some(400), Some("invalidValue"), "RFC 7643 §2.4";
    /// The value violates one of the account's own constraints (`scim.json_schemas`).
    SCHEMA_CUSTOM = "schema.custom", Some(400), Some("invalidValue"), "JSON Schema 2020-12";
    /// No known schema defines the attribute, and the policy says `unknown_attributes: reject`. The
    /// usual cause is a misspelt mapping in the identity provider.
    SCHEMA_UNKNOWN_ATTRIBUTE = "schema.unknown-attribute", Some(400), Some("invalidSyntax"), "SCIM 2.0 Interoperability Profile";
    /// An operation is not add, remove or replace.
    PATCH_INVALID_OP = "patch.invalid-op", Some(400), Some("invalidSyntax"), "RFC 7644 §3.5.2";
    /// `Operations` is absent or empty.
    PATCH_MISSING_OPERATIONS = "patch.missing-operations", Some(400), Some("invalidSyntax"), "RFC 7644 §3.5.2";
    /// A path does not parse, or names members in a way that could remove anybody.
    PATCH_INVALID_PATH = "patch.invalid-path", Some(400), Some("invalidPath"), "RFC 7644 §3.5.2, figure 7";
    /// An add or replace has no value.
    PATCH_MISSING_VALUE = "patch.missing-value", Some(400), Some("invalidValue"), "RFC 7644 §3.5.2.1";
    /// A remove has no path.
    PATCH_NO_TARGET = "patch.no-target", Some(400), Some("noTarget"), "RFC 7644 §3.5.2.2";
    /// The request has more operations, or more members, than the policy's limits allow.
    PATCH_TOO_MANY = "patch.too-many", Some(413), None, "RFC 7644 §3.5.2, scimguard policy, limits";
    /// A filter does not parse, or uses an attribute that cannot be searched.
    FILTER_INVALID = "filter.invalid", Some(400), Some("invalidFilter"), "RFC 7644 §3.4.2.2";
    /// A Bulk request has more operations than the policy's `limits.bulk_operations` allows.
    BULK_TOO_MANY = "bulk.too-many", Some(413), None, "RFC 7644 §3.7.4";
    /// A Bulk request cannot be split into operations: it has no operations or no data, or an
    /// invalid method, path or `bulkId`. None of it is done.
    BULK_INVALID = "bulk.invalid", Some(400), Some("invalidSyntax"), "RFC 7644 §3.7";
    /// No operation of the request creates the resource of a `bulkId`, the references form a
    /// circle, or a `bulkId` is used where no id is expected.
    BULK_REFERENCE = "bulk.reference", Some(400), Some("invalidValue"), "RFC 7644 §3.7.1, §3.7.2";
    /// A PATCH path names a read-only attribute.
    MUTABILITY_READ_ONLY = "mutability.read-only", Some(400), Some("mutability"), "RFC 7643 §2.2, RFC 7644 §3.5.2";
    /// A PATCH would remove an attribute that every resource of the type has.
    MUTABILITY_REQUIRED = "mutability.required", Some(400), Some("mutability"), "RFC 7644 §3.5.2.2";
    /// A PATCH would remove an attribute that can be set only once.
    MUTABILITY_IMMUTABLE = "mutability.immutable", Some(400), Some("mutability"), "RFC 7643 §7, RFC 7644 §3.5.2.2";
    /// The id in the body of a PUT is not the id in its path.
    MUTABILITY_ID = "mutability.id", Some(400), Some("mutability"), "RFC 7643 §3.1";
}
