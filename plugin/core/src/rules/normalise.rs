//! Kinds of change. None refuses anything: what leaves the guard means the same, in canonical form.

super::rules! {
    /// Removed: the attribute is not synced, not known, read-only, or not to be had by this way.
    NOT_SYNCED = "normalise.not-synced", None, None, "Harness documentation: the only fields synced";
    /// An attribute name, a URN or a canonical value was written in another case than its schema's.
    NAME = "normalise.name", None, None, "RFC 7643 §2.1, §7";
    /// A boolean came as a string.
    BOOLEAN = "normalise.boolean", None, None, "RFC 7643 §2.3.2; Entra sends \"False\"";
    /// An operation was not in lower case.
    OP = "normalise.op", None, None, "RFC 7644 §3.5.2; Entra sends \"Replace\"";
    /// An operation was written with an explicit path for each attribute, or a key with a path was
    /// resolved.
    PATH = "normalise.path", None, None, "RFC 7644 §3.5.2; Okta sends values without a path";
    /// The one primary value was chosen or marked, and others were removed.
    PRIMARY = "normalise.primary", None, None, "RFC 7643 §2.4";
    /// The query was written canonically: filter, bounds, unknown parameters.
    QUERY = "normalise.query", None, None, "RFC 7644 §3.4.2";
    /// A single value was put into the list that belongs there, a list of one taken for its value
    /// in a PATCH, or a repeated one taken out.
    LIST = "normalise.list", None, None, "RFC 7643 §2.4";
    /// An operation would change nothing and was left out. If none is left the request becomes a
    /// read of the resource.
    NO_EFFECT = "normalise.no-effect", None, None, "RFC 7644 §3.5.2.1";
}
