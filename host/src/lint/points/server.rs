//! Points about servers.

use super::points;

points! { Server:
    /// A create succeeded with a status other than 201.
    CREATED_STATUS = "created.status", Departure, [Rfc "RFC 7644 §3.3"];
    /// A create succeeded without the header Location.
    CREATED_LOCATION = "created.location", Departure, [Rfc "RFC 7644 §3.3"];
    /// A create succeeded, but the answer does not show the resource.
    CREATED_BODY = "created.body", Departure, [Rfc "RFC 7644 §3.3"];
    /// A second user got a user name that was taken.
    CREATED_TWICE = "created.twice", Departure, [Rfc "RFC 7644 §3.3, RFC 7643 §4.1.1", Interop "Interoperability Profile, Uniqueness Conflicts"];
    /// A user name that is taken is refused with a status other than 409.
    DUPLICATE_STATUS = "duplicate.status", Departure, [Rfc "RFC 7644 §3.3", Interop "Interoperability Profile, Uniqueness Conflicts"];
    /// A 409 does not say `"scimType": "uniqueness"`.
    DUPLICATE_TYPE = "duplicate.scim-type", Departure, [Rfc "RFC 7644 §3.3, §3.12", Interop "Interoperability Profile, Uniqueness Conflicts"];
    /// A read succeeded with a status other than 200, or without a body.
    READ_STATUS = "read.status", Departure, [Rfc "RFC 7644 §3.4.1"];
    /// A PUT succeeded with a status other than 200, or without the resource.
    REPLACED_STATUS = "replaced.status", Departure, [Rfc "RFC 7644 §3.5.1"];
    /// A PATCH succeeded with something other than 200 and the resource, or 204 and nothing.
    PATCHED_STATUS = "patched.status", Departure, [Rfc "RFC 7644 §3.5.2"];
    /// A DELETE succeeded with something other than 204 and nothing.
    DELETED_STATUS = "deleted.status", Departure, [Rfc "RFC 7644 §3.6"];
    /// A deleted resource still exists.
    DELETED_FOUND = "deleted.found", Departure, [Rfc "RFC 7644 §3.6", Interop "Interoperability Profile, Resource Lifecycle"];
    /// A deleted resource is still listed.
    DELETED_LISTED = "deleted.listed", Departure, [Rfc "RFC 7644 §3.6", Interop "Interoperability Profile, Resource Lifecycle"];
    /// The user name of a deleted user cannot be used again.
    DELETED_NAME = "deleted.name", Departure, [Rfc "RFC 7644 §3.6", Interop "Interoperability Profile, Resource Lifecycle", Ipsie "IPSIE SCIM profile, Delete User"];
    /// The answer is neither application/scim+json nor application/json.
    MEDIA_TYPE = "answer.media-type", Departure, [Rfc "RFC 7644 §3.1, §8.1"];
    /// The answer is application/json. The profile requires application/scim+json.
    CONTENT_TYPE = "answer.content-type", Departure, [Interop "Interoperability Profile, Data Format and HTTP Headers"];
    /// The body of an answer is not JSON.
    JSON = "answer.json", Departure, [Rfc "RFC 7644 §3.1, RFC 8259 §2"];
    /// The body of an answer begins with a byte order mark.
    BYTE_ORDER_MARK = "answer.byte-order-mark", Departure, [Rfc "RFC 8259 §8.1"];
    /// An object of an answer has a key twice.
    DUPLICATE_KEY = "answer.duplicate-key", Departure, [Rfc "RFC 8259 §4, RFC 7643 §2.1"];
    /// A resource does not name its schemas, or names other schemas.
    SCHEMAS = "answer.schemas", Departure, [Rfc "RFC 7643 §3"];
    /// A resource has no id, or its id is not a string.
    ID = "answer.id", Departure, [Rfc "RFC 7643 §3.1"];
    /// A resource has a different id than requested.
    OTHER_ID = "answer.other-id", Departure, [Rfc "RFC 7643 §3.1, RFC 7644 §3.4.1"];
    /// A resource does not have its type in `meta.resourceType`.
    RESOURCE_TYPE = "answer.resource-type", Departure, [Rfc "RFC 7643 §3.1"];
    /// A resource does not have its URL in `meta.location`.
    LOCATION = "answer.location", Departure, [Rfc "RFC 7643 §3.1, RFC 7644 §3.3"];
    /// The header Location and `meta.location` name different URLs.
    OTHER_LOCATION = "answer.other-location", Departure, [Rfc "RFC 7644 §3.3"];
    /// An answer shows what is never returned.
    NEVER_RETURNED = "answer.never-returned", Departure, [Rfc "RFC 7643 §4.1.1, §7", Ipsie "IPSIE SCIM profile, password is not supported"];
    /// An attribute is written in another case than its schema's. Names are compared without case, but
    /// many clients do not.
    NAME = "answer.name", Departure, [Rfc "RFC 7643 §2.1"];
    /// A boolean is written as a string.
    BOOLEAN = "answer.boolean", Departure, [Rfc "RFC 7643 §2.3.2"];
    /// A multi-valued attribute is not a list, or has a value twice.
    LIST = "answer.list", Departure, [Rfc "RFC 7643 §2.4"];
    /// A value does not have the type of its attribute, or is not possible.
    TYPE = "answer.type", Departure, [Rfc "RFC 7643 §2.3"];
    /// More than one value is marked as primary.
    PRIMARY = "answer.primary", Departure, [Rfc "RFC 7643 §2.4"];
    /// An attribute belongs to no schema of the resource.
    UNKNOWN = "answer.unknown-attribute", Departure, [Rfc "RFC 7643 §3, §3.3"];
    /// A required attribute is missing.
    REQUIRED = "answer.required", Departure, [Rfc "RFC 7643 §7"];
    /// The header ETag is present without `meta.version`, or vice versa.
    VERSION = "answer.version", Departure, [Rfc "RFC 7644 §3.14, RFC 7643 §3.1"];
    /// The answer has an ETag. Clients of the profile do not use it.
    ETAG = "answer.etag", Note, [Interop "Interoperability Profile, Concurrency and Versioning"];
    /// A PATCH operation without a path was carried out. Servers of the profile answer 400
    /// invalidSyntax.
    ACCEPTED_WITHOUT_PATH = "accepted.without-path", Departure, [Interop "Interoperability Profile, General PATCH Constraints"];
    /// An attribute that no schema defines was accepted. Servers of the profile answer 400
    /// invalidSyntax.
    ACCEPTED_UNKNOWN = "accepted.unknown-attribute", Departure, [Interop "Interoperability Profile, Attribute and Schema Handling"];
    /// An invalid filter, or one on an unknown attribute, was accepted. It requires 400
    /// invalidFilter.
    ACCEPTED_FILTER = "accepted.filter", Departure, [Rfc "RFC 7644 §3.4.2.2, §3.12", Interop "Interoperability Profile, Filtering"];
    /// A list does not have the schema of one.
    LIST_SCHEMAS = "list.schemas", Departure, [Rfc "RFC 7644 §3.4.2"];
    /// `totalResults` is missing, not a number, or less than what is listed.
    LIST_TOTAL = "list.total", Departure, [Rfc "RFC 7644 §3.4.2"];
    /// `Resources` is missing although there are results, or not a list of objects.
    LIST_RESOURCES = "list.resources", Departure, [Rfc "RFC 7644 §3.4.2"];
    /// A page does not identify itself by `startIndex` and `itemsPerPage`, or does so wrongly.
    LIST_PAGE = "list.page", Departure, [Rfc "RFC 7644 §3.4.2, §3.4.2.4"];
    /// A cursor of a page is not a string, or empty.
    LIST_CURSOR = "list.cursor", Departure, [Rfc "RFC 9865 §2"];
    /// A page has more resources than requested.
    LIST_COUNT = "list.count", Departure, [Rfc "RFC 7644 §3.4.2.4"];
    /// A query without results is answered 404. It requires 200 with `"totalResults": 0`.
    LIST_NOT_FOUND = "list.not-found", Departure, [Rfc "RFC 7644 §3.4.2"];
    /// A listed resource does not match the filter.
    LIST_FILTER = "list.filter", Departure, [Rfc "RFC 7644 §3.4.2.2", Interop "Interoperability Profile, Case Sensitivity"];
    /// An error does not have the form of a SCIM error.
    ERROR_FORM = "error.form", Departure, [Rfc "RFC 7644 §3.12", Ipsie "IPSIE SCIM profile, Security Considerations"];
    /// The `status` of an error is not the HTTP status as a string.
    ERROR_STATUS = "error.status", Departure, [Rfc "RFC 7644 §3.12"];
    /// The `scimType` of an error is unknown, or belongs to another status.
    ERROR_TYPE = "error.scim-type", Departure, [Rfc "RFC 7644 §3.12, table 9"];
    /// An error reveals internals of the application.
    ERROR_INTERNALS = "error.internals", Departure, [Ipsie "IPSIE SCIM profile, Security Considerations"];
    /// A 429 does not say when to retry.
    RETRY_AFTER = "error.retry-after", Departure, [Ipsie "IPSIE SCIM profile, Get All Users"];
    /// A 401 does not say how to authenticate.
    CHALLENGE = "error.challenge", Departure, [Rfc "RFC 9110 §15.5.2, RFC 7644 §2"];
    /// The answer to a bulk request is not a BulkResponse with one status for each operation.
    BULK = "answer.bulk", Departure, [Rfc "RFC 7644 §3.7.3"];
    /// The ServiceProviderConfig lacks a member, or one is not as defined.
    CONFIG = "discovery.config", Departure, [Rfc "RFC 7643 §5, RFC 9865 §4"];
    /// The server does not declare conformance to the profile.
    CONFORMANT = "discovery.conformant", Note, [Interop "Interoperability Profile, Scope and Conformance"];
    /// A definition in `/Schemas` does not have the form of one.
    DEFINITION = "discovery.definition", Departure, [Rfc "RFC 7643 §7"];
    /// A `type` sub-attribute is defined without its possible values.
    CANONICAL_VALUES = "discovery.canonical-values", Departure, [Interop "Interoperability Profile, Canonical Values for Typed Attributes"];
    /// A resource type lacks its name, endpoint or schema.
    TYPE_DEFINITION = "discovery.resource-type", Departure, [Rfc "RFC 7643 §6"];
    /// The id of a resource type is not its name.
    TYPE_ID = "discovery.resource-type-id", Departure, [Interop "Interoperability Profile, Discovery Endpoints"];
    /// The application answered success with something that was not requested, and the guard passed
    /// none of it on.
    INVALID = "log.invalid-answer", Departure, [Rfc "RFC 7644 §3.3"];
}
