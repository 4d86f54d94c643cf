//! What the facts service is told.

use scimguard_core::record::Record;
use scimguard_wire::{Tell, Verdict as Told};

use super::{At, Exchange};

impl Exchange {
    /// Notes the decision on the client's request; what follows from it is no decision of its own.
    pub(super) fn decided(
        &mut self,
        account: &Option<String>,
        token: &Option<String>,
        rule: Option<String>,
    ) {
        if matches!(self.at, At::Deciding) {
            if token.is_some() {
                let credentials = self.head.credentials.iter();
                let credentials = credentials.map(|(_, text)| text.as_str());
                self.gateway.strangers.good(credentials, self.begun);
            }
            self.verdict = Some(Told {
                account: account.clone(),
                verified_token: token.clone(),
                rule,
                status: None,
            });
        }
    }

    pub(super) fn tell(&mut self, records: Vec<Record>) -> Tell {
        Tell {
            pass: self.pass.clone(),
            head: self.head.clone(),
            verdict: self.verdict.take(),
            records,
            end: false,
        }
    }

    /// Ends the pass.
    pub(super) fn last(&mut self, records: Vec<Record>) -> Tell {
        let tell = Tell {
            end: true,
            ..self.tell(records)
        };
        self.pass = None;
        tell
    }

    /// Ends the pass, if there is one or something to tell.
    pub(super) fn farewell(&mut self, records: Vec<Record>) -> Option<Tell> {
        let due = self.pass.is_some() || !records.is_empty();
        due.then(|| self.last(records))
    }
}
