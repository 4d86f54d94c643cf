//! The decision log: one line for each request, without bodies, tokens and query values.

use std::time::{Duration, Instant};

use scimguard_core::{Forward, Proceed, Reject, Respond};
use scimguard_wire::{Head, Verdict as Told};

/// No value in the log is longer.
const LONGEST: usize = 256;

/// What is logged of a request.
pub(super) struct Line {
    pub(super) started: Instant,
    /// The gateway that decided, if it was not this process.
    gateway: Option<String>,
    method: String,
    path: String,
    account: Option<String>,
    token: Option<String>,
    pub(super) decision: &'static str,
    changes: usize,
    pub(super) rule: Option<String>,
    pub(super) backend: Duration,
    /// One of very many that say the same: not worth a line each.
    pub(super) repeats: bool,
}

impl Line {
    pub(super) fn new(method: &str, path: &str) -> Self {
        Self {
            started: Instant::now(),
            gateway: None,
            method: printable(method),
            path: printable(&without_values(path)),
            account: None,
            token: None,
            decision: "reject",
            changes: 0,
            rule: None,
            backend: Duration::ZERO,
            repeats: false,
        }
    }

    /// What a gateway decided, of a request that began for this service at that time.
    pub(super) fn of_gateway(gateway: &str, started: Instant, head: &Head, told: &Told) -> Self {
        let mut line = Self::new(&head.method, &head.path);
        line.started = started;
        line.gateway = Some(gateway.to_owned());
        line.account.clone_from(&told.account);
        line.token.clone_from(&told.verified_token);
        line.rule.clone_from(&told.rule);
        if told.status.is_none() {
            line.decision = "forward";
        }
        line
    }

    pub(super) fn rejected(&mut self, reject: &Reject) {
        self.account.clone_from(&reject.account);
        self.token.clone_from(&reject.verified_token);
        self.changes = reject.changes.len();
        self.rule = Some(reject.rule.clone());
    }

    pub(super) fn forwarded(&mut self, forward: &Forward) {
        self.decision = "forward";
        self.account.clone_from(&forward.account);
        self.token.clone_from(&forward.verified_token);
        self.changes += forward.changes.len();
        self.ruled(forward.rule.as_ref());
    }

    /// A part of the request is done.
    pub(super) fn proceeded(&mut self, proceed: &Proceed) {
        if proceed.account.is_some() {
            self.account.clone_from(&proceed.account);
            self.token.clone_from(&proceed.verified_token);
        }
        self.changes += proceed.changes.len();
        self.ruled(proceed.rule.as_ref());
    }

    pub(super) fn responded(&mut self, respond: &Respond) {
        self.ruled(respond.rule.as_ref());
    }

    /// The host itself refused.
    pub(super) fn refused(&mut self, rule: &str) {
        self.rule = Some(rule.to_owned());
    }

    fn ruled(&mut self, rule: Option<&String>) {
        if rule.is_some() {
            self.rule = rule.cloned();
        }
    }

    /// `status`: what the client gets, where this process knows it.
    pub(super) fn write(self, status: Option<http::StatusCode>) {
        if self.repeats {
            tracing::debug!(target: "scimguard::decision", rule = self.rule, "not logged in full");
            return;
        }
        tracing::info!(
            target: "scimguard::decision",
            gateway = self.gateway,
            method = self.method,
            path = self.path,
            account = self.account.as_deref().map(printable),
            decision = self.decision,
            rule = self.rule,
            status = status.map(|status| status.as_u16()),
            token = self.token.as_deref().map(printable),
            changes = self.gateway.is_none().then_some(self.changes),
            micros = micros(self.started.elapsed()),
            backend_micros = self.gateway.is_none().then(|| micros(self.backend)),
            "decided"
        );
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The path with the names of its query's parameters: their values may be names or secrets.
pub(crate) fn without_values(path: &str) -> String {
    let Some((path, query)) = path.split_once('?') else {
        return path.to_owned();
    };
    let names: Vec<&str> = query
        .split('&')
        .map(|pair| pair.split('=').next().unwrap_or_default())
        .collect();
    format!("{path}?{}", names.join("&"))
}

/// Cut, and without characters that change what a terminal shows.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if out.len() >= LONGEST {
            out.push('…');
            break;
        }
        let hidden = c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        if hidden {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_cut_and_left_out() {
        assert_eq!(
            without_values("/a?filter=userName&x=secret&y"),
            "/a?filter&x&y"
        );
        assert_eq!(printable("a\nb\u{202e}"), "a\\u{a}b\\u{202e}");
        assert_eq!(printable(&"x".repeat(10_000)).chars().count(), LONGEST + 1);
    }
}
