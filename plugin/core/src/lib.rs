//! The policy of scimguard: what may pass between an identity provider, an application's
//! administrators and the application, and in which form.
//!
//! Everything here is a pure function of its arguments. There is no clock, no I/O and no global
//! state; what the policy has to know beyond the request it asks for with [`Verdict::Need`].

mod act;
mod budget;
mod bulk;
mod continuation;
pub mod decision;
mod edit;
mod evaluate;
pub mod facts;
mod fold;
mod hash;
pub mod header_names;
pub mod history;
mod json;
mod json_schema;
mod jwt;
mod known;
mod media_type;
pub mod message;
mod nearest;
mod normalise;
mod observe;
mod parse;
mod permit;
mod plain;
mod plan;
mod policy;
pub mod record;
mod refusal;
mod resume;
mod route;
mod rules;
mod scim;
mod secrets;
pub mod sign_on;
mod token;
mod write;

pub use edit::NamedEdit;
pub use fold::{fold, skeleton};
pub use hash::sha256_hex;
pub use json::{Json, Member, pretty};
pub use json_schema::syntax_fault;
pub use message::{
    BackendOutcome, Body, Change, Forward, Headers, Need, Outcome, Proceed, Reject, Request,
    Respond, Response, Verdict,
};
pub use nearest::{meant, nearest};
pub use observe::Readable;
pub use plain::is_plain_name;
pub use refusal::{ErrorForm, refusal};
pub use route::account::NamedAccount;
pub use rules::{Rule, Stage, all as rules, stage};
pub use secrets::{HIDDEN, hide_secrets};

use std::collections::BTreeSet;

use evaluate::Given;
use facts::Fact;
use known::Facts;
use policy::Policy;

/// Needs per pass: the token, the body, the record, and the earlier record of a user who comes back.
/// Issuers of tokens add some.
const ROUNDS: u32 = 4;

/// Passes that one request, or one operation of a Bulk request, may take: it is decided, a group is
/// read first, the answer is observed.
const PASSES: u32 = 3;

/// A configured policy.
pub struct Guard {
    policy: Policy,
    settings: Settings,
}

/// What a face must know of the policy.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Settings {
    /// The largest body that any account may send, in bytes.
    pub body_limit: u64,
    /// The largest observed answer, in bytes.
    pub answer_limit: u64,
    /// Needs per pass.
    pub rounds: u32,
    /// Passes per request.
    pub passes: u32,
    /// Path template of the SCIM end points as clients see them, with `{account}`.
    pub scim_base: String,
    /// The same at the backend.
    pub upstream_base: String,
    /// The one account of a backend whose base names none.
    pub scim_account: Option<String>,
}

/// A fault in the policy document.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ConfigError {
    /// JSON Pointer of the place.
    pub pointer: String,
    /// What is wrong and what is expected.
    pub message: String,
}

// === impl Guard ===

impl Guard {
    /// Reads a policy document (JSON text; empty text is the default policy).
    ///
    /// # Errors
    /// Every fault of the document, with its place.
    pub fn configure(policy: &str) -> Result<Self, Vec<ConfigError>> {
        let policy = policy::compile(policy)?;
        let limits = || policy.every_account().map(|account| account.limits);
        let settings = Settings {
            body_limit: limits().map(|l| l.body_bytes).max().unwrap_or_default(),
            answer_limit: limits().map(|l| l.answer_bytes).max().unwrap_or_default(),
            rounds: policy
                .every_account()
                .map(token::more_rounds)
                .max()
                .unwrap_or_default()
                .saturating_add(ROUNDS),
            passes: limits()
                .map(|l| u32::try_from(l.bulk_operations).unwrap_or(u32::MAX))
                .max()
                .unwrap_or_default()
                .saturating_add(1)
                .saturating_mul(PASSES),
            scim_base: policy.base.to_string(),
            upstream_base: policy.upstream_base.to_string(),
            scim_account: policy.scim_account.clone(),
        };
        Ok(Self { policy, settings })
    }

    /// What the face must know.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The identity provider of an account: whoever has one of its tokens is the provisioner there.
    #[must_use]
    pub fn provider(&self, account: &str) -> &str {
        &self.policy.account(account).provider
    }

    /// The identity providers of all accounts that the policy names, and of all others.
    #[must_use]
    pub fn providers(&self) -> BTreeSet<&str> {
        let accounts = self.policy.every_account();
        accounts.map(|account| account.provider.as_str()).collect()
    }

    /// The id that a group's name gives in this account, where ids are derived.
    #[must_use]
    pub fn derived_group_id(&self, account: &str, name: &str) -> Option<String> {
        self.policy.account(account).derived_group_id(name)
    }

    /// Whether a request is a SCIM call, or would be one if it were in order; all else is the
    /// application's own.
    #[must_use]
    pub fn is_scim(&self, request: &Request) -> bool {
        edit::is_scim(&self.policy, request)
    }

    /// The account that a request names in its path and query, by the same reading as its decision.
    #[must_use]
    pub fn named_account(&self, method: &str, path: &str) -> NamedAccount {
        route::account::named_account(&self.policy, method, path)
    }

    /// What a request of the management API is called in a log.
    #[must_use]
    pub fn named_edit(&self, request: &Request) -> Option<NamedEdit> {
        edit::named(&self.policy, request)
    }

    /// Decides a request as far as the facts reach. `now` is in milliseconds since 1970.
    #[must_use]
    pub fn evaluate(&self, request: &Request, facts: &[Fact], now: u64) -> Verdict {
        self.evaluate_counted(request, facts, now).0
    }

    /// Decides like [`Guard::evaluate`], and says how many steps of its budget that took.
    #[must_use]
    pub fn evaluate_counted(&self, request: &Request, facts: &[Fact], now: u64) -> (Verdict, u64) {
        let facts = Facts::new(facts);
        let verdict = evaluate::evaluate(&self.policy, request, &facts, now, Given::default());
        (verdict, facts.budget().spent())
    }

    /// Judges the backend's answer to a forwarded request.
    #[must_use]
    pub fn observe(
        &self,
        continuation: &[u8],
        answer: &BackendOutcome,
        facts: &[Fact],
        now: u64,
    ) -> Outcome {
        self.observe_counted(continuation, answer, facts, now).0
    }

    /// Judges like [`Guard::observe`], and says how many steps of its budget that took.
    #[must_use]
    pub fn observe_counted(
        &self,
        continuation: &[u8],
        answer: &BackendOutcome,
        facts: &[Fact],
        now: u64,
    ) -> (Outcome, u64) {
        let facts = Facts::new(facts);
        let outcome = resume::resume(&self.policy, continuation, answer, &facts, now);
        (outcome, facts.budget().spent())
    }
}

/// The names, in lower case, of SCIM attributes that no answer ever has, such as a password.
#[must_use]
pub fn never_returned() -> BTreeSet<String> {
    scim::schema::never_returned()
}
