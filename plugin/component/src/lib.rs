//! The policy as a WIT component (`wit/policy.wit`), with the sign-on check (`wit/sign-on.wit`).
//!
//! The component imports nothing and keeps only the configured policy and its one pass. So a host can
//! take a snapshot once it is configured, and give every pass a fresh copy.

mod pass;
mod sign_on;
mod unconfigured;

use std::sync::OnceLock;

use scimguard_core::Guard;
use scimguard_entropy as _;
use scimguard_interface::{
    BackendOutcome, Body, ConfigError, Fact, Outcome, Request, Settings, Verdict,
};

use wit::exports::scimguard::policy::guard::{Guest, Rule};

/// The bindings, which lift and lower the interface's types directly.
#[expect(
    unsafe_code,
    reason = "generated: exported functions in the component model's flat calling convention"
)]
mod wit {
    use super::Component;

    wit_bindgen::generate!({
        path: "../../wit",
        world: "scimguard",
        with: {
            "scimguard:policy/guard@0.2.0/request": scimguard_interface::Request,
            "scimguard:policy/guard@0.2.0/body": scimguard_interface::Body,
            "scimguard:policy/guard@0.2.0/unseen": scimguard_interface::Unseen,
            "scimguard:policy/guard@0.2.0/token-text": scimguard_interface::TokenText,
            "scimguard:policy/guard@0.2.0/verified-key": scimguard_interface::VerifiedKey,
            "scimguard:policy/guard@0.2.0/principal-key": scimguard_interface::PrincipalKey,
            "scimguard:policy/guard@0.2.0/user-key": scimguard_interface::UserKey,
            "scimguard:policy/guard@0.2.0/group-key": scimguard_interface::GroupKey,
            "scimguard:policy/guard@0.2.0/derived-id-key": scimguard_interface::DerivedIdKey,
            "scimguard:policy/guard@0.2.0/external-id-key": scimguard_interface::ExternalIdKey,
            "scimguard:policy/guard@0.2.0/members-key": scimguard_interface::MembersKey,
            "scimguard:policy/guard@0.2.0/user-groups-key": scimguard_interface::UserGroupsKey,
            "scimguard:policy/guard@0.2.0/key": scimguard_interface::Key,
            "scimguard:policy/guard@0.2.0/principal": scimguard_interface::Principal,
            "scimguard:policy/guard@0.2.0/token": scimguard_interface::Token,
            "scimguard:policy/guard@0.2.0/origin": scimguard_interface::Origin,
            "scimguard:policy/guard@0.2.0/user": scimguard_interface::User,
            "scimguard:policy/guard@0.2.0/group": scimguard_interface::Group,
            "scimguard:policy/guard@0.2.0/membership": scimguard_interface::Membership,
            "scimguard:policy/guard@0.2.0/resource-kind": scimguard_interface::ResourceKind,
            "scimguard:policy/guard@0.2.0/holder": scimguard_interface::Holder,
            "scimguard:policy/guard@0.2.0/member": scimguard_interface::Member,
            "scimguard:policy/guard@0.2.0/difference": scimguard_interface::Difference,
            "scimguard:policy/guard@0.2.0/answer": scimguard_interface::Answer,
            "scimguard:policy/guard@0.2.0/fact": scimguard_interface::Fact,
            "scimguard:policy/guard@0.2.0/member-record": scimguard_interface::MemberRecord,
            "scimguard:policy/guard@0.2.0/members-record": scimguard_interface::MembersRecord,
            "scimguard:policy/guard@0.2.0/failed-change": scimguard_interface::FailedChange,
            "scimguard:policy/guard@0.2.0/intent": scimguard_interface::Intent,
            "scimguard:policy/guard@0.2.0/intent-key": scimguard_interface::IntentKey,
            "scimguard:policy/guard@0.2.0/settled": scimguard_interface::Settled,
            "scimguard:policy/guard@0.2.0/resource-key": scimguard_interface::ResourceKey,
            "scimguard:policy/guard@0.2.0/record": scimguard_interface::Record,
            "scimguard:policy/guard@0.2.0/normalisation": scimguard_interface::Normalisation,
            "scimguard:policy/guard@0.2.0/need": scimguard_interface::Need,
            "scimguard:policy/guard@0.2.0/forward-body": scimguard_interface::ForwardBody,
            "scimguard:policy/guard@0.2.0/answer-handling": scimguard_interface::AnswerHandling,
            "scimguard:policy/guard@0.2.0/forward": scimguard_interface::Forward,
            "scimguard:policy/guard@0.2.0/response-body": scimguard_interface::ResponseBody,
            "scimguard:policy/guard@0.2.0/response": scimguard_interface::Response,
            "scimguard:policy/guard@0.2.0/reject": scimguard_interface::Reject,
            "scimguard:policy/guard@0.2.0/proceed": scimguard_interface::Proceed,
            "scimguard:policy/guard@0.2.0/verdict": scimguard_interface::Verdict,
            "scimguard:policy/guard@0.2.0/answer-body": scimguard_interface::AnswerBody,
            "scimguard:policy/guard@0.2.0/backend-answer": scimguard_interface::BackendAnswer,
            "scimguard:policy/guard@0.2.0/backend-outcome": scimguard_interface::BackendOutcome,
            "scimguard:policy/guard@0.2.0/respond": scimguard_interface::Respond,
            "scimguard:policy/guard@0.2.0/outcome": scimguard_interface::Outcome,
            "scimguard:policy/guard@0.2.0/config-error": scimguard_interface::ConfigError,
            "scimguard:policy/guard@0.2.0/settings": scimguard_interface::Settings,
        },
    });

    export!(Component with_types_in self);
}

static GUARD: OnceLock<Guard> = OnceLock::new();

struct Component;

impl Guest for Component {
    fn configure(policy: String) -> Result<Settings, Vec<ConfigError>> {
        let guard = Guard::configure(&policy)?;
        let settings = guard.settings().clone();
        GUARD
            .set(guard)
            .map_err(|_| vec![unconfigured::already()])?;
        Ok(settings)
    }

    fn evaluate(request: Request, facts: Vec<Fact>, now: u64) -> Verdict {
        match GUARD.get() {
            Some(guard) => pass::evaluate(guard, request, facts, now),
            None => Verdict::Reject(unconfigured::reject()),
        }
    }

    fn resume_evaluate(body: Option<Body>, facts: Vec<Fact>, now: u64) -> Verdict {
        pass::resume_evaluate(body, facts, now)
            .unwrap_or_else(|| Verdict::Reject(unconfigured::reject()))
    }

    fn observe(
        continuation: Vec<u8>,
        answer: BackendOutcome,
        facts: Vec<Fact>,
        now: u64,
    ) -> Outcome {
        match GUARD.get() {
            Some(guard) => pass::observe(guard, continuation, answer, facts, now),
            None => Outcome::Respond(unconfigured::respond()),
        }
    }

    fn resume_observe(facts: Vec<Fact>, now: u64) -> Outcome {
        pass::resume_observe(facts, now)
            .unwrap_or_else(|| Outcome::Respond(unconfigured::respond()))
    }

    fn rules() -> Vec<Rule> {
        scimguard_core::rules()
            .map(|rule| Rule {
                id: rule.id.to_owned(),
                status: rule.status,
                scim_type: rule.scim_type.map(ToOwned::to_owned),
                doc: rule.doc.to_owned(),
                source: rule.source.to_owned(),
            })
            .collect()
    }
}
