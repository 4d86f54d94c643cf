//! The answer to a read that a request waits for.

use super::{answer, backend_error, refused, repair, unavailable};
use crate::continuation::PendingRead;
use crate::json::Json;
use crate::message::{BackendOutcome, Request, Respond};
use crate::policy::Policy;
use crate::refusal::ErrorForm;
use crate::rules::host;

// === impl PendingRead ===

impl PendingRead {
    /// The waiting request and the resource, or the answer for the client.
    pub(crate) fn answered(
        &self,
        policy: &Policy,
        outcome: &BackendOutcome,
        now: u64,
    ) -> Result<(Request, Json), Box<Respond>> {
        let end = |refusal| Box::new(refused(refusal, ErrorForm::Scim, Vec::new()));
        let BackendOutcome::Answered(answer) = outcome else {
            return Err(end(unavailable()));
        };
        match answer.status {
            200 => {}
            400..=599 => {
                let shown = self.clone().shown();
                return Err(Box::new(backend_error(answer, &shown, now)));
            }
            _ => {
                let refusal = host::UPSTREAM_INVALID
                    .because("The application did not answer with the resource.");
                return Err(end(refusal));
            }
        }
        let resource = answer::read(answer)
            .and_then(|mut resource| {
                let shape = &policy.account(&self.account).resource(self.kind).shape;
                repair::identifiers(&mut resource, &[shape]);
                answer::check_resource(&resource, shape, Some(&self.id))?;
                Ok(resource)
            })
            .map_err(end)?;
        Ok((self.waiting(), resource))
    }
}
