//! What is refused because something around the policy does not answer.

super::rules! {
    /// Too many requests of one account, or too many wrong credentials from one place or for one token.
    /// Repeat the request after the time in `retry-after`. A token that was valid lately is never
    /// limited because of others' wrong ones; where an issuer or a facts service has to be asked about a
    /// new one, it may have to wait while wrong ones come from its address.
    RATE_LIMITED = "rate.limited", Some(429), None, "RFC 6585 §4, IPSIE SCIM profile: rate limits on all end points";
    /// A fact that the decision depends on cannot be had now. Nothing is decided without it; repeat
    /// the request after the time in `retry-after`.
    FACTS_UNAVAILABLE = "facts.unavailable", Some(503), None, "RFC 9110 §15.6.4";
    /// The plugin broke off while it judged this request. The request was not forwarded; others are
    /// not touched.
    PLUGIN_TRAPPED = "plugin.trapped", Some(500), None, "WebAssembly core specification, traps";
    /// The plugin used more time than a decision may take. The request was not forwarded.
    PLUGIN_TIMEOUT = "plugin.timeout", Some(503), None, "RFC 9110 §15.6.4";
    /// The application gave no answer. It may or may not have acted; repeat the request after the
    /// time in `retry-after`.
    UPSTREAM_UNAVAILABLE = "upstream.unavailable", Some(503), None, "RFC 9110 §15.6.4";
    /// The application answered success with something that was not asked for: no SCIM resource,
    /// another one, or too much. Nothing of it is passed on or recorded.
    UPSTREAM_INVALID = "upstream.invalid", Some(502), None, "RFC 9110 §15.6.3, RFC 7644 §3.3";
}
