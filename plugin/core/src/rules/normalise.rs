//! Kinds of normalisation. None refuses anything: the forwarded request means the same, in
//! canonical form.

super::rules! {
    /// The attribute was removed: it is not synced, unknown, read-only, or cannot be written this
    /// way.
    NOT_SYNCED = "normalise.not-synced", None, None, "Harness documentation: the only fields synced";
    /// An attribute name, a URN or a canonical value was in another case than in its schema.
    NAME = "normalise.name", None, None, "RFC 7643 §2.1, §7";
    /// A boolean came as a string.
    BOOLEAN = "normalise.boolean", None, None, "RFC 7643 §2.3.2; Entra sends \"False\"";
    /// An operation's name was not in lower case.
    OP = "normalise.op", None, None, "RFC 7644 §3.5.2; Entra sends \"Replace\"";
    /// An operation was rewritten with an explicit path for each attribute, or a key that contains
    /// a path was resolved.
    PATH = "normalise.path", None, None, "RFC 7644 §3.5.2; Okta sends values without a path";
    /// One primary value was chosen or marked, and other values were removed.
    PRIMARY = "normalise.primary", None, None, "RFC 7643 §2.4";
    /// The query was rewritten in canonical form: filter, bounds, unknown parameters.
    QUERY = "normalise.query", None, None, "RFC 7644 §3.4.2";
    /// A single value was put into a list where a list is expected, a PATCH's list of one value was
    /// replaced by that value, or a repeated value was removed.
    LIST = "normalise.list", None, None, "RFC 7643 §2.4";
    /// An operation would change nothing and was left out. If none is left, the request becomes a
    /// read of the resource.
    NO_EFFECT = "normalise.no-effect", None, None, "RFC 7644 §3.5.2.1";
}
