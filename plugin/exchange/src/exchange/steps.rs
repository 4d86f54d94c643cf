//! The steps that follow from the policy's verdict and from its judgement of an answer.

use std::fmt::Display;
use std::sync::Arc;

use scimguard_core::message::{AnswerBody, AnswerHandling, ForwardBody, ResponseBody};
use scimguard_core::{
    BackendOutcome, Body, Forward, Need, Outcome, Proceed, Reject, Respond, Verdict,
};
use scimguard_interface::{Given, Observed, Pass as _, Policy};

use scimguard_wire::{DecisionReport, Stage};

use super::{Answer, At, CREDENTIALS, Exchange, Needed, Outgoing, Report, Send, Step, Then};
use crate::trust::Seen;
use crate::{Refused, Setup, Witness, headers};

/// An answer of the policy.
pub(super) enum Judged {
    Verdict(Verdict),
    Outcome(Outcome),
}

impl<P, W> Exchange<P, W>
where
    P: Policy<Fault: Into<Refused> + Display> + ?Sized,
    W: Witness,
{
    /// Calls the policy once with the current facts.
    pub(super) fn judge(&mut self) -> Step {
        if self.rounds == u32::MAX {
            return self.trapped("it never stops asking for facts");
        }
        self.rounds = self.rounds.checked_sub(1).unwrap_or(u32::MAX);
        let setup = Arc::clone(&self.setup);
        let given = Given {
            request: &self.request,
            facts: &self.facts,
            now: self.now,
        };
        let mut trust = std::mem::take(&mut self.trust);
        if matches!(self.at, At::Deciding) {
            self.witness.evaluates(given);
        }
        let answer = call(&setup.policy, &mut self.pass, &self.at, given);
        let answer = match answer {
            Ok(answer) => answer,
            Err(fault) => {
                self.witness.trapped(&fault.to_string());
                return self.refuse(&fault.into());
            }
        };
        let seen = self.seen(&setup);
        let checked = match &answer {
            Judged::Verdict(verdict) => trust.decided(&seen, verdict),
            Judged::Outcome(outcome) => trust.observed(&seen, outcome),
        };
        self.trust = trust;
        if let Err(why) = checked {
            return self.trapped(why);
        }
        match &answer {
            Judged::Verdict(verdict) => self.witness.decided(verdict),
            Judged::Outcome(outcome) => {
                let begins = matches!(
                    &self.at,
                    At::Observing(observed) if observed.outcome == BackendOutcome::NotAsked
                );
                self.witness.observed(given, begins, outcome);
            }
        }
        match answer {
            Judged::Verdict(Verdict::Need(need)) | Judged::Outcome(Outcome::Need(need)) => {
                self.provide(need)
            }
            Judged::Verdict(Verdict::Forward(forward))
            | Judged::Outcome(Outcome::Forward(forward)) => self.forward(forward),
            Judged::Verdict(Verdict::Proceed(proceed))
            | Judged::Outcome(Outcome::Proceed(proceed)) => self.proceed(proceed),
            Judged::Verdict(Verdict::Reject(reject)) => self.reject(reject),
            Judged::Outcome(Outcome::Respond(respond)) => self.respond(respond),
        }
    }

    /// What the policy has seen.
    pub(super) fn seen<'a>(&'a self, setup: &'a Setup<P>) -> Seen<'a> {
        Seen {
            paths: &setup.paths,
            request: &self.request,
            facts: &self.facts,
            now: self.now,
        }
    }

    /// Refuses because the policy broke the protocol.
    pub(super) fn trapped(&mut self, why: &str) -> Step {
        self.witness.trapped(why);
        self.refuse(&Refused::trapped())
    }

    /// Meets a need. The body comes before facts, so that a slow client holds no leases.
    pub(super) fn provide(&mut self, need: Need) -> Step {
        let lacks_body = self.lacks_body(&need);
        self.wanted = need;
        match self.wanted.body_limit {
            Some(limit) if lacks_body => Step::ReadBody(limit.min(self.setup.body_limit())),
            _ => self.ask(),
        }
    }

    pub(super) fn lacks_body(&self, need: &Need) -> bool {
        need.body_limit.is_some() && self.request.body == Body::Unread
    }

    pub(super) fn ask(&mut self) -> Step {
        let keys = std::mem::take(&mut self.wanted).keys;
        if keys.is_empty() {
            return self.judge();
        }
        if self.first {
            self.asked.clear();
        }
        self.asked.extend_from_slice(&keys);
        let answered = matches!(
            &self.at,
            At::Observing(observed) if observed.outcome != BackendOutcome::NotAsked
        );
        Step::GetFacts(Needed {
            stage: match answered {
                true => Stage::Observe,
                false => Stage::Decide,
            },
            first: self.first,
            keys,
        })
    }

    pub(super) fn observe(&mut self, continuation: Vec<u8>, outcome: BackendOutcome) -> Step {
        self.at = At::Observing(Arc::new(Observed {
            continuation,
            outcome,
        }));
        self.pass = None;
        self.facts = Arc::default();
        self.first = true;
        self.rounds = self.setup.policy.settings().rounds;
        self.judge()
    }

    fn forward(&mut self, mut forward: Forward) -> Step {
        if !self.another_pass() {
            return self.trapped("it never ends the request");
        }
        let observe = forward.answer == AnswerHandling::Observe;
        let own_credential = self.setup.lends && forward.verified_token.is_some();
        // The token that the verdict names has already been checked against the request's.
        if own_credential && !self.trust.lends(&self.setup.paths, &self.request) {
            return self.refuse(&Refused::of_other_account());
        }
        forward.headers.retain(|(name, _)| {
            // An observed answer must be readable, so it must not be compressed.
            let is_encoding = observe && name == "accept-encoding";
            let is_replaced = own_credential && CREDENTIALS.contains(&name.as_str());
            !(headers::is_own(name) || is_encoding || is_replaced)
        });
        let send = Send {
            method: forward.method,
            path: forward.path,
            headers: forward.headers,
            body: self.outgoing(forward.body),
            own_credential,
            observe,
            final_report: None,
        };
        if let Some(refused) = self.beyond_room(&send.body) {
            return self.refuse(&refused);
        }
        let decision = self.decision(&forward.account, &forward.verified_token, forward.rule);
        if decision.is_none() && forward.records.is_empty() {
            return self.send(send, forward.continuation);
        }
        self.then = Then::Send(send, forward.continuation);
        Step::Store(Report {
            decision,
            records: forward.records,
            sends: true,
            ends: false,
        })
    }

    fn another_pass(&mut self) -> bool {
        self.passes += 1;
        self.passes <= self.setup.policy.settings().passes
    }

    /// Refuses a body that does not fit into the gateway's buffer.
    fn beyond_room(&self, body: &Outgoing) -> Option<Refused> {
        let room = self.setup.known_room()?;
        match body {
            Outgoing::Whole(bytes) if !self.in_parts() && bytes.len() as u64 > room => {
                Some(Refused::no_room(room))
            }
            _ => None,
        }
    }

    pub(super) fn send(&mut self, mut send: Send, continuation: Vec<u8>) -> Step {
        if send.observe {
            self.then = Then::Observe(continuation);
        } else {
            send.final_report = self.final_report(Vec::new());
        }
        Step::Send(send)
    }

    fn outgoing(&mut self, body: ForwardBody) -> Outgoing {
        match (body, &self.request.body) {
            (ForwardBody::Bytes(bytes), _) if !bytes.is_empty() => Outgoing::Whole(bytes),
            (ForwardBody::AsReceived, Body::Unread) => Outgoing::AsItComes,
            (ForwardBody::AsReceived, Body::Bytes(bytes)) => Outgoing::Whole(bytes.clone()),
            _ => Outgoing::None,
        }
    }

    fn proceed(&mut self, proceed: Proceed) -> Step {
        if !self.another_pass() {
            return self.trapped("it never ends the request");
        }
        let decision = self.decision(&proceed.account, &proceed.verified_token, proceed.rule);
        if decision.is_none() && proceed.records.is_empty() && !self.holds {
            return self.observe(proceed.continuation, BackendOutcome::NotAsked);
        }
        self.then = Then::Begin(proceed.continuation);
        Step::Store(self.last(decision, proceed.records))
    }

    fn respond(&mut self, respond: Respond) -> Step {
        let mut answer = Answer {
            response: respond.response,
            rule: respond.rule,
            final_report: None,
        };
        if answer.response.body == ResponseBody::AsReceived {
            answer.response.body = self.received();
        }
        let response = &mut answer.response;
        response.headers.retain(|(name, _)| !headers::is_own(name));
        if respond.records.is_empty() {
            answer.final_report = self.final_report(Vec::new());
            return Step::Respond(answer);
        }
        self.then = Then::Respond(answer);
        Step::Store(self.last(None, respond.records))
    }

    /// The body of the backend's answer.
    fn received(&mut self) -> ResponseBody {
        let At::Observing(observed) = &mut self.at else {
            return ResponseBody::None;
        };
        let body = match Arc::get_mut(observed).map(|observed| &mut observed.outcome) {
            Some(BackendOutcome::Answered(answer)) => {
                std::mem::replace(&mut answer.body, AnswerBody::None)
            }
            // There is no answer. A finished pass never shares one.
            _ => AnswerBody::None,
        };
        match body {
            AnswerBody::Bytes(bytes) => ResponseBody::Bytes(bytes),
            AnswerBody::None | AnswerBody::OverLimit => ResponseBody::None,
        }
    }

    fn reject(&mut self, reject: Reject) -> Step {
        let status = reject.response.status;
        let decision = DecisionReport {
            account: reject.account,
            verified_token: reject.verified_token,
            rule: Some(reject.rule.clone()),
            status: Some(status),
        };
        self.then = Then::Refuse(Answer {
            response: reject.response,
            rule: Some(reject.rule),
            final_report: None,
        });
        Step::Store(self.last(Some(decision), Vec::new()))
    }
}

/// Begins or resumes a pass, and keeps it while it needs something.
pub(super) fn call<P: Policy + ?Sized>(
    policy: &P,
    waiting: &mut Option<P::Pass>,
    at: &At,
    given: Given<'_>,
) -> Result<Judged, P::Fault> {
    let (mut pass, resumes) = match waiting.take() {
        Some(pass) => (pass, true),
        None => (policy.pass()?, false),
    };
    let answer = match (at, resumes) {
        (At::Deciding, false) => Judged::Verdict(pass.evaluate(given)?),
        (At::Deciding, true) => Judged::Verdict(pass.resume_evaluate(given)?),
        (At::Observing(observed), false) => Judged::Outcome(pass.observe(observed, given)?),
        (At::Observing(_), true) => Judged::Outcome(pass.resume_observe(given)?),
    };
    if let Judged::Verdict(Verdict::Need(_)) | Judged::Outcome(Outcome::Need(_)) = answer {
        *waiting = Some(pass);
    }
    Ok(answer)
}
