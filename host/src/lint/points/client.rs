//! Points about clients beyond the guard's own rules.

use super::points;

points! { Client:
    /// A body is sent as application/json. Servers of the profile accept application/scim+json.
    CONTENT_TYPE = "request.content-type", Departure, [Interop "Interoperability Profile, Data Format and HTTP Headers"];
    /// A request does not name the client that sends it.
    USER_AGENT = "request.user-agent", Departure, [Interop "Interoperability Profile, Data Format and HTTP Headers"];
    /// A request is conditional. Servers of the profile may ignore the condition.
    CONDITION = "request.condition", Departure, [Interop "Interoperability Profile, Concurrency and Versioning"];
    /// A request carries another credential than a Bearer token.
    CREDENTIAL = "request.credential", Departure, [Ipsie "IPSIE SCIM profile, Authentication and Authorization"];
    /// A password is sent. No credential belongs in an attribute.
    PASSWORD = "request.password", Departure, [Ipsie "IPSIE SCIM profile, password is not supported"];
    /// A resource is replaced by PUT. Clients of the profile update by PATCH.
    PUT = "request.put", Departure, [Interop "Interoperability Profile, Updating Resources"];
    /// The URL of a write has a filter.
    FILTER_ON_WRITE = "request.filter-on-write", Departure, [Interop "Interoperability Profile, Filtering"];
    /// A filter uses more than `eq` and `and`.
    OPERATOR = "filter.operator", Departure, [Interop "Interoperability Profile, Filtering"];
    /// A PATCH operation has no path; what it changes is hidden in the keys of its value.
    WITHOUT_PATH = "patch.without-path", Departure, [Interop "Interoperability Profile, General PATCH Constraints"];
    /// A dot follows the URN of a schema. A colon belongs there.
    DOTTED_URN = "patch.dotted-urn", Departure, [Rfc "RFC 7644 §3.10"];
    /// Two operations of one PATCH have the same path.
    REPEATED_PATH = "patch.repeated-path", Departure, [Interop "Interoperability Profile, Multi-Attribute Updates"];
    /// The path of a PATCH operation has a filter and names the element itself instead of a
    /// sub-attribute. Removing one member, for which there is no other way, is allowed.
    ELEMENT = "patch.element", Departure, [Interop "Interoperability Profile, Multi-valued Attributes"];
    /// A remove operation has a value. The path alone says what to remove.
    REMOVE_WITH_VALUE = "patch.remove-with-value", Departure, [Rfc "RFC 7644 §3.5.2.2", Ipsie "IPSIE SCIM profile, Add or Remove Group Members"];
    /// Members are replaced as a whole. They should be added and removed.
    REPLACED_MEMBERS = "patch.replaced-members", Departure, [Ipsie "IPSIE SCIM profile, Add or Remove Group Members"];
    /// A key is a path: it has a dot, a filter, or the URN of a schema before an attribute. Names
    /// of attributes have none of these; sub-attributes and extensions are objects.
    KEY_IS_PATH = "attribute.key-is-path", Departure, [Rfc "RFC 7643 §2.1, §2.3.8, §3.3"];
    /// The manager is plain text. It must be an object with a value.
    PLAIN_MANAGER = "attribute.plain-manager", Departure, [Rfc "RFC 7643 §4.3"];
    /// The guard had to rewrite the request. The log has no bodies; lint a recorded exchange to see
    /// where.
    REWRITTEN = "log.rewritten", Note, [Rfc "RFC 7643, RFC 7644"];
}
