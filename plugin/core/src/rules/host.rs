//! Refusals because something around the policy does not answer.

super::rules! {
    /// There are too many requests for one account, or too many wrong credentials from one place or
    /// for one token. Repeat the request after the time in `retry-after`. Wrong credentials of
    /// others never limit a token that was valid recently. If an issuer or a facts service must be
    /// asked about a new token, the token may have to wait while wrong ones come from its address.
    RATE_LIMITED = "rate.limited", Some(429), None, "RFC 6585 §4, IPSIE SCIM profile: rate limits on all end points";
    /// A fact that the decision depends on is not available now. Nothing is decided without it;
    /// repeat the request after the time in `retry-after`.
    FACTS_UNAVAILABLE = "facts.unavailable", Some(503), None, "RFC 9110 §15.6.4";
    /// The plugin failed on this request. The request was not forwarded; other requests are not
    /// affected.
    PLUGIN_TRAPPED = "plugin.trapped", Some(500), None, "WebAssembly core specification, traps";
    /// The plugin used more time than a decision may take. The request was not forwarded.
    PLUGIN_TIMEOUT = "plugin.timeout", Some(503), None, "RFC 9110 §15.6.4";
    /// The application did not answer. It may or may not have acted; repeat the request after the
    /// time in `retry-after`.
    UPSTREAM_UNAVAILABLE = "upstream.unavailable", Some(503), None, "RFC 9110 §15.6.4";
    /// The application answered success with something that was not asked for: not a SCIM resource,
    /// another resource, or too much. None of it is passed on or recorded.
    UPSTREAM_INVALID = "upstream.invalid", Some(502), None, "RFC 9110 §15.6.3, RFC 7644 §3.3";
}
