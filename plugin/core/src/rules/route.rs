//! Refusals before the caller is authenticated.

super::rules! {
    /// The path is neither a SCIM end point of the configured base nor a path of the application's
    /// management API. The guard forwards only paths that it knows.
    UNKNOWN = "route.unknown", Some(404), None, "RFC 7644 §3.2";
    /// The end point does not support this method, or the method is not in upper case.
    METHOD = "route.method", Some(405), None, "RFC 9110 §9.1, RFC 7644 §3.2";
    /// The path can be read in two ways: an encoded slash or dot segment, a double slash, a control
    /// or invisible character, an invalid percent-encoding, or a known path in another case. The
    /// guard and the application could take it for different resources.
    AMBIGUOUS_PATH = "route.ambiguous-path", Some(400), None, "RFC 3986 §6.2, CVE-2025-41115";
    /// A query parameter that a rule reads appears twice or in another spelling, a write has a
    /// semicolon in its query, a name or id contains an invisible character, or two places name
    /// different things where only one is allowed. The guard and the application could each use a
    /// different one.
    AMBIGUOUS_QUERY = "route.ambiguous-query", Some(400), None, "RFC 3986 §3.4";
    /// A management request that is judged by the account's record does not name the account, or names
    /// another one than the only account of the application.
    MISSING_ACCOUNT = "route.missing-account", Some(400), None, "Harness API reference, accountIdentifier";
    /// The request writes at or below a collection that the policy guards, by a route that the
    /// policy does not name. Add the route to `management.routes`, or set `management.unmatched` to
    /// `forward`.
    UNGUARDED = "route.unguarded", Some(403), None, "scimguard policy, management.unmatched";
}
