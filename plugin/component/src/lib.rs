//! Face 1: the policy as a WIT component (`wit/policy.wit`), and the sign-on check beside it
//! (`wit/sign-on.wit`).
//!
//! The component imports nothing, and keeps nothing between calls but the configured policy, so a
//! host may take a snapshot of it once it is configured and give every request a fresh copy.

mod inward;
mod outward;
mod sign_on;
mod unconfigured;

use std::sync::OnceLock;

use scimguard_core::{BackendOutcome, ConfigError, Guard, Request, Settings};
use scimguard_entropy as _;

use wit::exports::scimguard::policy::guard::{Fact, Guest, Outcome, Rule, Verdict};

/// The bindings. Types of the core that have the shape of a WIT type are used as they are; those
/// that hold an enum, or are shaped for Rust's comfort, are converted in [`inward`] and [`outward`].
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
            "scimguard:policy/guard@0.1.0/request": scimguard_core::Request,
            "scimguard:policy/guard@0.1.0/body": scimguard_core::Body,
            "scimguard:policy/guard@0.1.0/principal-key": scimguard_core::facts::PrincipalKey,
            "scimguard:policy/guard@0.1.0/derived-id-key": scimguard_core::facts::DerivedIdKey,
            "scimguard:policy/guard@0.1.0/external-id-key": scimguard_core::facts::ExternalIdKey,
            "scimguard:policy/guard@0.1.0/members-key": scimguard_core::facts::MembersKey,
            "scimguard:policy/guard@0.1.0/user-groups-key": scimguard_core::facts::UserGroupsKey,
            "scimguard:policy/guard@0.1.0/principal": scimguard_core::facts::Principal,
            "scimguard:policy/guard@0.1.0/token": scimguard_core::facts::Token,
            "scimguard:policy/guard@0.1.0/origin": scimguard_core::facts::Origin,
            "scimguard:policy/guard@0.1.0/user": scimguard_core::facts::User,
            "scimguard:policy/guard@0.1.0/group": scimguard_core::facts::Group,
            "scimguard:policy/guard@0.1.0/member": scimguard_core::facts::Member,
            "scimguard:policy/guard@0.1.0/difference": scimguard_core::facts::Difference,
            "scimguard:policy/guard@0.1.0/member-record": scimguard_core::record::MemberRecord,
            "scimguard:policy/guard@0.1.0/members-record": scimguard_core::record::MembersRecord,
            "scimguard:policy/guard@0.1.0/failed-change": scimguard_core::record::FailedChange,
            "scimguard:policy/guard@0.1.0/resource-key": scimguard_core::record::ResourceKey,
            "scimguard:policy/guard@0.1.0/change": scimguard_core::Change,
            "scimguard:policy/guard@0.1.0/forward-body": scimguard_core::message::ForwardBody,
            "scimguard:policy/guard@0.1.0/response-body": scimguard_core::message::ResponseBody,
            "scimguard:policy/guard@0.1.0/response": scimguard_core::Response,
            "scimguard:policy/guard@0.1.0/reject": scimguard_core::Reject,
            "scimguard:policy/guard@0.1.0/answer-body": scimguard_core::message::AnswerBody,
            "scimguard:policy/guard@0.1.0/backend-answer": scimguard_core::message::BackendAnswer,
            "scimguard:policy/guard@0.1.0/backend-outcome": scimguard_core::BackendOutcome,
            "scimguard:policy/guard@0.1.0/config-error": scimguard_core::ConfigError,
            "scimguard:policy/guard@0.1.0/settings": scimguard_core::Settings,
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
        GUARD.get().map_or_else(
            || Verdict::Reject(unconfigured::reject()),
            |guard| guard.evaluate(&request, &inward::facts(facts), now).into(),
        )
    }

    fn observe(
        continuation: Vec<u8>,
        answer: BackendOutcome,
        facts: Vec<Fact>,
        now: u64,
    ) -> Outcome {
        GUARD.get().map_or_else(
            || Outcome::Respond(unconfigured::respond().into()),
            |guard| {
                guard
                    .observe(&continuation, &answer, &inward::facts(facts), now)
                    .into()
            },
        )
    }

    fn rules() -> Vec<Rule> {
        scimguard_core::rules().map(Into::into).collect()
    }
}
