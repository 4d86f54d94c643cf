//! The reports of an exchange.

use scimguard_core::record::Record;
use scimguard_interface::Policy;
use scimguard_wire::DecisionReport;
use std::fmt::Display;

use super::{At, Exchange, Report};
use crate::{Refused, Witness};

impl<P, W> Exchange<P, W>
where
    P: Policy<Fault: Into<Refused> + Display> + ?Sized,
    W: Witness,
{
    /// The decision on the client's request; later parts of the request are not separate decisions.
    pub(super) fn decision(
        &self,
        account: &Option<String>,
        token: &Option<String>,
        rule: Option<String>,
    ) -> Option<DecisionReport> {
        matches!(self.at, At::Deciding).then(|| DecisionReport {
            account: account.clone(),
            verified_token: token.clone(),
            rule,
            status: None,
        })
    }

    /// The last report of a pass.
    pub(super) fn last(
        &mut self,
        decision: Option<DecisionReport>,
        records: Vec<Record>,
    ) -> Report {
        self.holds = false;
        Report {
            decision,
            records,
            sends: false,
            ends: true,
        }
    }

    /// The final report, if any state is held or any record is left to store.
    pub(super) fn final_report(&mut self, records: Vec<Record>) -> Option<Report> {
        let due = self.holds || !records.is_empty();
        due.then(|| self.last(None, records))
    }
}
