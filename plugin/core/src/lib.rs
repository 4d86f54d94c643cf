//! The policy of scimguard: what may pass between an identity provider, an application's
//! administrators and the application, and in which form.
//!
//! Everything here is a pure function of its arguments, without clock, I/O or global state. If the
//! policy has to know more than the request, it asks with [`Verdict::Need`].

mod act;
mod budget;
mod bulk;
mod canonical;
mod continuation;
pub mod decision;
mod edit;
mod evaluate;
pub mod facts;
mod fold;
mod hash;
pub mod header_names;
pub mod history;
mod inputs;
mod json;
mod json_schema;
mod jwt;
mod known;
mod media_type;
mod nearest;
mod normalise;
mod observe;
mod parse;
mod pass;
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
pub use inputs::{Effort, More};
pub use json::{Json, Member, pretty};
pub use json_schema::syntax_fault;
pub use message::{
    BackendOutcome, Body, Forward, Headers, Need, Normalisation, Outcome, Proceed, Reject, Request,
    Respond, Response, Verdict,
};
pub use nearest::{meant, nearest};
pub use observe::Readable;
pub use pass::Pass;
pub use plain::is_plain_name;
pub use refusal::{ErrorForm, refusal};
pub use route::account::NamedAccount;
pub use rules::{Rule, Stage, all as rules, stage};
pub use scimguard_interface::message;
pub use scimguard_interface::{ConfigError, Settings};
pub use secrets::{HIDDEN, hide_secrets};

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use facts::Fact;
use policy::Policy;
use scimguard_interface::Observed;

/// The JSON Schema of policy documents.
pub const POLICY_SCHEMA: &str = policy::SCHEMA;

/// A policy document (JSON text; empty text is the default policy) with every field, as it and its
/// preset give it; with an account, as it is for that one.
///
/// # Errors
/// Every fault of the document, with its place.
pub fn complete_policy(policy: &str, account: Option<&str>) -> Result<Value, Vec<ConfigError>> {
    policy::complete(policy, account)
}

/// Needs per pass: the token, the body, the record, and the earlier record of a returning user.
/// Token issuers add some.
const ROUNDS: u32 = 4;

/// Passes that one request, or one operation of a Bulk request, may take: the decision, the read of
/// a group before it, and the answer.
const PASSES: u32 = 3;

/// A configured policy. Cheap to copy.
#[derive(Clone)]
pub struct Guard {
    policy: Arc<Policy>,
    settings: Arc<Settings>,
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
        Ok(Self {
            policy: Arc::new(policy),
            settings: Arc::new(settings),
        })
    }

    /// Prepares a pass: one decision, or one judged answer.
    #[must_use]
    pub fn pass(&self) -> Pass {
        Pass::new(self)
    }

    /// Decides a request by the given facts, in a pass that is not resumed. `now`: milliseconds
    /// since 1970.
    #[must_use]
    pub fn evaluate(&self, request: &Request, facts: &[Fact], now: u64) -> Verdict {
        self.pass().evaluate(More {
            request: Arc::new(request.clone()),
            facts: Arc::new(facts.to_vec()),
            from: 0,
            now,
        })
    }

    /// Judges an answer by the given facts, in a pass that is not resumed. `now`: milliseconds
    /// since 1970.
    #[must_use]
    pub fn observe(
        &self,
        continuation: &[u8],
        outcome: &BackendOutcome,
        facts: &[Fact],
        now: u64,
    ) -> Outcome {
        let observed = Observed {
            continuation: continuation.to_vec(),
            outcome: outcome.clone(),
        };
        let more = More {
            request: Arc::default(),
            facts: Arc::new(facts.to_vec()),
            from: 0,
            now,
        };
        self.pass().observe(Arc::new(observed), more)
    }

    /// What the host must know.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The identity provider of an account. A request with one of its tokens acts as the
    /// provisioner there.
    #[must_use]
    pub fn provider(&self, account: &str) -> &str {
        &self.policy.account(account).provider
    }

    /// The identity providers of all accounts that the policy names, and the one of all others.
    #[must_use]
    pub fn providers(&self) -> BTreeSet<&str> {
        let accounts = self.policy.every_account();
        accounts.map(|account| account.provider.as_str()).collect()
    }

    /// The id that this account derives from a group's name, if it derives ids.
    #[must_use]
    pub fn derived_group_id(&self, account: &str, name: &str) -> Option<String> {
        self.policy.account(account).derived_group_id(name)
    }

    /// Whether a request is a SCIM call, or would be one if it were valid; all other requests are
    /// the application's own.
    #[must_use]
    pub fn is_scim(&self, request: &Request) -> bool {
        edit::is_scim(&self.policy, request)
    }

    /// The account that a request names in its path and query, read the same way as in its
    /// decision.
    #[must_use]
    pub fn named_account(&self, method: &str, path: &str) -> NamedAccount {
        route::account::named_account(&self.policy, method, path)
    }

    /// How logs name a request of the management API.
    #[must_use]
    pub fn named_edit(&self, request: &Request) -> Option<NamedEdit> {
        edit::named(&self.policy, request)
    }
}

/// The names, in lower case, of SCIM attributes that are never returned, such as a password.
#[must_use]
pub fn never_returned() -> BTreeSet<String> {
    scim::schema::never_returned()
}
