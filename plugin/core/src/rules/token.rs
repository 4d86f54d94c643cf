//! Refusals because of the caller's credentials.

super::rules! {
    /// The request carries no credential in any of the headers that the policy reads.
    MISSING = "token.missing", Some(401), None, "RFC 6750 §3.1, RFC 7644 §2";
    /// The credentials are not exactly one Bearer or API-key token: another scheme, two tokens, or
    /// text that is not a token. The same applies to a JWT that is unsigned or malformed.
    MALFORMED = "token.malformed", Some(401), None, "RFC 6750 §2.1";
    /// The token does not exist, or no issuer of the account has verified it. The answer is the
    /// same for an unknown account, token, secret or issuer, a bad signature and claims that do not
    /// fit.
    UNKNOWN = "token.unknown", Some(401), None, "RFC 6750 §3.1, RFC 7519 §7.2, RFC 7662 §2.2";
    /// The token has expired. Create a new one and enter it in the identity provider.
    EXPIRED = "token.expired", Some(401), None, "Harness documentation: the token must be unexpired";
    /// The token was revoked.
    REVOKED = "token.revoked", Some(401), None, "RFC 6750 §3.1";
    /// The user or service account that the token belongs to is disabled or deleted, so its tokens
    /// are invalid.
    INACTIVE_PRINCIPAL = "token.inactive-principal", Some(401), None, "Harness documentation: a token inherits from its user or service account";
    /// The account in the path, the account of the token and the account of its principal are not
    /// the same.
    WRONG_ACCOUNT = "token.wrong-account", Some(403), None, "Harness documentation: SCIM base URL with the account id";
    /// The token's principal lacks a permission. It needs all Users and User Groups permissions.
    INSUFFICIENT_PERMISSION = "token.insufficient-permission", Some(403), None, "Harness documentation: all Users and User Groups permissions";
}
