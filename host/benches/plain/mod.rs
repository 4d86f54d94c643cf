//! The same proxy without a policy.

use std::sync::Arc;

use scimguard::engine::Fault;
use scimguard_core::message::{AnswerHandling, ForwardBody, ResponseBody};
use scimguard_core::{BackendOutcome, Forward, Outcome, Respond, Response, Settings, Verdict};
use scimguard_interface::{Given, Observed, Pass, Policy};

/// The proxy alone: everything is forwarded as it comes.
pub(crate) struct NoPolicy {
    pub(crate) settings: Settings,
    pub(crate) answer: AnswerHandling,
}

impl Policy for NoPolicy {
    type Fault = Fault;
    type Pass = Box<dyn Pass<Fault = Fault> + Send>;

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn pass(&self) -> Result<Self::Pass, Fault> {
        Ok(Box::new(PassedOn(self.answer)))
    }
}

/// A pass in which nothing is asked.
pub(crate) struct PassedOn(AnswerHandling);

impl Pass for PassedOn {
    type Fault = Fault;

    fn evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Fault> {
        let request = given.request;
        Ok(Verdict::Forward(Forward {
            method: request.method.clone(),
            path: request.path.clone(),
            headers: request.headers.clone(),
            body: ForwardBody::AsReceived,
            answer: self.0,
            continuation: Vec::new(),
            changes: Vec::new(),
            records: Vec::new(),
            account: None,
            verified_token: None,
            rule: None,
        }))
    }

    fn resume_evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Fault> {
        self.evaluate(given)
    }

    fn observe(&mut self, observed: &Arc<Observed>, _: Given<'_>) -> Result<Outcome, Fault> {
        let status = match &observed.outcome {
            BackendOutcome::Answered(answer) => answer.status,
            BackendOutcome::Unanswered | BackendOutcome::NotAsked => 503,
        };
        Ok(Outcome::Respond(Respond {
            response: Response {
                status,
                headers: Vec::new(),
                body: ResponseBody::AsReceived,
            },
            records: Vec::new(),
            rule: None,
        }))
    }

    fn resume_observe(&mut self, _: Given<'_>) -> Result<Outcome, Fault> {
        Err(Fault::Trapped("it has not asked".to_owned()))
    }
}
