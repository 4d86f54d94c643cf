//! What follows from a verdict of the policy, and from its judgement of an answer.

use std::rc::Rc;

use scimguard_core::facts::Key;
use scimguard_core::message::{AnswerBody, AnswerHandling, ForwardBody, ResponseBody};
use scimguard_core::{
    BackendOutcome, Body, Forward, Need, Outcome, Proceed, Reject, Respond, Verdict,
};
use scimguard_wire::{Ask, Stage, Verdict as Told};

use super::{Answer, At, Exchange, Gateway, Next, Outgoing, Send, Then};
use crate::{Refused, Seen, headers};

/// An answer of the policy.
enum Judged {
    Verdict(Verdict),
    Outcome(Outcome),
}

impl Exchange {
    /// One evaluation or observation with the facts of now.
    pub(super) fn go_on(&mut self) -> Next {
        if self.rounds == u32::MAX {
            return self.refuse(&Refused::trapped());
        }
        self.rounds = self.rounds.checked_sub(1).unwrap_or(u32::MAX);
        let gateway = Rc::clone(&self.gateway);
        let guard = &gateway.guard;
        let mut trust = std::mem::take(&mut self.trust);
        let seen = self.seen(&gateway);
        let (answer, checked) = match &self.at {
            At::Deciding => {
                let verdict = guard.evaluate(&self.request, &self.facts, self.now);
                let checked = trust.decided(&seen, &verdict);
                (Judged::Verdict(verdict), checked)
            }
            At::Observing {
                continuation,
                outcome,
            } => {
                let observed = guard.observe(continuation, outcome, &self.facts, self.now);
                let checked = trust.observed(&seen, &observed);
                (Judged::Outcome(observed), checked)
            }
        };
        self.trust = trust;
        if checked.is_err() {
            return self.refuse(&Refused::trapped());
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

    /// What the policy had to go by.
    pub(super) fn seen<'a>(&'a self, gateway: &'a Gateway) -> Seen<'a> {
        Seen {
            paths: &gateway.paths,
            request: &self.request,
            facts: &self.facts,
            now: self.now,
        }
    }

    /// The body comes first: a slow client must not hold leases.
    fn provide(&mut self, need: Need) -> Next {
        self.wanted = need;
        match self.wanted.body_limit {
            Some(limit) if self.request.body == Body::Unread => {
                Next::ReadBody(limit.min(self.gateway.guard.settings().body_limit))
            }
            _ => self.ask(),
        }
    }

    pub(super) fn ask(&mut self) -> Next {
        let keys = std::mem::take(&mut self.wanted).keys;
        if keys.is_empty() {
            return self.go_on();
        }
        if let Err(refused) = self.may_ask(&keys) {
            return self.refuse(&refused);
        }
        if self.first {
            self.asked.clear();
        }
        self.asked.extend_from_slice(&keys);
        let answered = matches!(
            &self.at,
            At::Observing { outcome, .. } if *outcome != BackendOutcome::NotAsked
        );
        Next::Ask(Ask {
            pass: self.pass.clone(),
            head: self.head.clone(),
            stage: match answered {
                true => Stage::Observe,
                false => Stage::Decide,
            },
            first: self.first,
            keys,
        })
    }

    /// Whether the service may be asked about a token now, where it would be.
    fn may_ask(&self, keys: &[Key]) -> Result<(), Refused> {
        let is_token = |key: &Key| matches!(key, Key::Token(_) | Key::Verified(_));
        match &self.head.source {
            Some(source) if keys.iter().any(is_token) => {
                let credentials = self.head.credentials.iter();
                let credentials = credentials.map(|(_, text)| text.as_str());
                self.gateway.strangers.ask(source, credentials, self.begun)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn observe(&mut self, continuation: Vec<u8>, outcome: BackendOutcome) -> Next {
        self.at = At::Observing {
            continuation,
            outcome,
        };
        self.facts = Vec::new();
        self.first = true;
        self.rounds = self.gateway.guard.settings().rounds;
        self.go_on()
    }

    fn forward(&mut self, mut forward: Forward) -> Next {
        self.passes += 1;
        if self.passes > self.gateway.guard.settings().passes {
            return self.refuse(&Refused::trapped());
        }
        self.decided(&forward.account, &forward.verified_token, forward.rule);
        let observe = forward.answer == AnswerHandling::Observe;
        forward.headers.retain(|(name, _)| {
            // What comes back has to be read.
            !(headers::is_own(name) || observe && name == "accept-encoding")
        });
        let send = Send {
            method: forward.method,
            path: forward.path,
            headers: forward.headers,
            body: self.outgoing(forward.body),
            observe,
            farewell: None,
        };
        if let Some(refused) = self.beyond_room(&send.body) {
            return self.refuse(&refused);
        }
        if forward.records.is_empty() {
            return self.send(send, forward.continuation);
        }
        self.then = Then::Send(send, forward.continuation);
        Next::Tell(self.tell(forward.records))
    }

    /// The request's own body goes on through the gateway's buffer.
    fn beyond_room(&self, body: &Outgoing) -> Option<Refused> {
        let room = self.gateway.room.get()?;
        match body {
            Outgoing::Whole(bytes) if !self.in_parts() && bytes.len() as u64 > room => {
                Some(Refused::no_room(room))
            }
            _ => None,
        }
    }

    pub(super) fn send(&mut self, mut send: Send, continuation: Vec<u8>) -> Next {
        if send.observe {
            self.then = Then::Observe(continuation);
        } else {
            send.farewell = self.farewell(Vec::new());
        }
        Next::Send(send)
    }

    fn outgoing(&mut self, body: ForwardBody) -> Outgoing {
        match (body, &self.request.body) {
            (ForwardBody::Bytes(bytes), _) if !bytes.is_empty() => Outgoing::Whole(bytes),
            (ForwardBody::AsReceived, Body::Unread) => Outgoing::AsItComes,
            (ForwardBody::AsReceived, Body::Bytes(bytes)) => Outgoing::Whole(bytes.clone()),
            _ => Outgoing::None,
        }
    }

    fn proceed(&mut self, proceed: Proceed) -> Next {
        self.passes += 1;
        if self.passes > self.gateway.guard.settings().passes {
            return self.refuse(&Refused::trapped());
        }
        self.decided(&proceed.account, &proceed.verified_token, None);
        if proceed.records.is_empty() && self.pass.is_none() {
            return self.observe(proceed.continuation, BackendOutcome::NotAsked);
        }
        self.then = Then::Begin(proceed.continuation);
        Next::Tell(self.last(proceed.records))
    }

    fn respond(&mut self, respond: Respond) -> Next {
        let mut answer = Answer {
            response: respond.response,
            rule: respond.rule,
            farewell: None,
        };
        if answer.response.body == ResponseBody::AsReceived {
            answer.response.body = self.received();
        }
        let response = &mut answer.response;
        response.headers.retain(|(name, _)| !headers::is_own(name));
        if respond.records.is_empty() {
            answer.farewell = self.farewell(Vec::new());
            return Next::Answer(answer);
        }
        self.then = Then::Answer(answer);
        Next::Tell(self.last(respond.records))
    }

    /// The backend's bytes.
    fn received(&mut self) -> ResponseBody {
        match &mut self.at {
            At::Observing {
                outcome: BackendOutcome::Answered(answer),
                ..
            } => match std::mem::replace(&mut answer.body, AnswerBody::None) {
                AnswerBody::Bytes(bytes) => ResponseBody::Bytes(bytes),
                AnswerBody::None | AnswerBody::OverLimit => ResponseBody::None,
            },
            _ => ResponseBody::None,
        }
    }

    fn reject(&mut self, reject: Reject) -> Next {
        let status = reject.response.status;
        let answer = Answer {
            response: reject.response,
            rule: Some(reject.rule.clone()),
            farewell: None,
        };
        if self.pass.is_none() && status != 401 {
            return Next::Answer(answer);
        }
        self.verdict = Some(Told {
            account: reject.account,
            verified_token: reject.verified_token,
            rule: Some(reject.rule),
            status: Some(status),
        });
        self.then = Then::Refuse(answer);
        Next::Tell(self.last(Vec::new()))
    }
}
