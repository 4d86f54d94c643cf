//! The facts service from one exchange's view: its messages, and the meaning of its answers.

use std::sync::Arc;

use scimguard_core::facts::{Answer, Fact, Key};
use scimguard_core::record::Record;
use scimguard_wire::{self as wire, DecisionReport, FactsRequest, Head, Pass, RecordsRequest};

use crate::strangers::Strangers;
use crate::{CREDENTIALS, Found, Incoming, Needed, Refused, Report};

/// Why a call to the service failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceError {
    /// The service refuses the client's request.
    Refused(Refused),
    /// The service gave no intelligible answer.
    NoResponse,
}

/// How a report is sent that nothing waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parting {
    /// At once, since it stores something or ends leases.
    Now(RecordsRequest),
    /// With others, a few milliseconds later: it ends a read.
    Later(RecordsRequest),
}

/// One exchange's dealings with the facts service.
pub struct Remote {
    strangers: Arc<Strangers>,
    head: Head,
    /// When the request arrived, by the gateway's clock.
    begun: u64,
    /// The pass that the service holds for the exchange.
    pass: Option<Pass>,
    /// A decision that is not worth a separate call and waits for the next report.
    deferred: Option<DecisionReport>,
    /// Whether a wrong credential was reported.
    wrong: bool,
    /// What the service said about the client's token.
    token: Option<Fact>,
    /// Whether what the client reads may settle a create.
    settles: bool,
}

impl Remote {
    /// For the request with this head, from this address. `now` is in milliseconds since 1970.
    #[must_use]
    pub fn new(
        strangers: Arc<Strangers>,
        incoming: &Incoming,
        source: Option<String>,
        now: u64,
    ) -> Self {
        let credentials = incoming.headers.iter();
        let credentials = credentials
            .filter(|(name, _)| CREDENTIALS.contains(&name.as_str()))
            .filter_map(|(name, value)| {
                Some((name.clone(), String::from_utf8(value.clone()).ok()?))
            });
        Self {
            strangers,
            head: Head {
                method: incoming.method.clone(),
                path: incoming.path.clone(),
                credentials: credentials.collect(),
                source,
            },
            begun: now,
            pass: None,
            deferred: None,
            wrong: false,
            token: None,
            settles: true,
        }
    }

    /// The message that asks for facts.
    ///
    /// # Errors
    /// The refusal, if the service is not to be asked about this token now.
    pub fn ask(&self, needed: Needed) -> Result<FactsRequest, ServiceError> {
        let is_token = |key: &Key| matches!(key, Key::Token(_) | Key::Verified(_));
        if let Some(source) = &self.head.source
            && needed.keys.iter().any(is_token)
        {
            let asked = self.strangers.ask(source, self.credentials(), self.begun);
            asked.map_err(ServiceError::Refused)?;
        }
        Ok(FactsRequest {
            pass: self.pass.clone(),
            head: self.head.clone(),
            stage: needed.stage,
            first: needed.first,
            keys: needed.keys,
        })
    }

    /// Reads the service's answer to a question.
    ///
    /// # Errors
    /// There are no facts.
    pub fn found(&mut self, status: u16, body: &[u8]) -> Result<Found, ServiceError> {
        if status != 200 {
            return Err(refused(body));
        }
        let answer: wire::FactsResponse =
            serde_json::from_slice(body).map_err(|_| ServiceError::NoResponse)?;
        self.pass = Some(answer.pass);
        self.settles = answer.unsettled;
        let is_token = |fact: &&Fact| matches!(fact.answer, Answer::Token(_));
        if let Some(fact) = answer.facts.iter().find(is_token) {
            self.token = Some(fact.clone());
        }
        Ok(Found {
            now: answer.now,
            facts: answer.facts.into(),
        })
    }

    /// The message to send for a report; `None` if it is not worth a call, so there is nothing to wait for.
    pub fn tell(&mut self, mut report: Report) -> Option<RecordsRequest> {
        if wire::is_read(&self.head.method) && !self.settles {
            let settles =
                |record: &Record| matches!(record, Record::Settle(_) | Record::Withdraw(_));
            report.records.retain(|record| !settles(record));
        }
        let decision = report.decision.or_else(|| self.deferred.take());
        if let Some(decision) = &decision
            && decision.verified_token.is_some()
        {
            let token = self.token.clone();
            self.strangers.good(self.credentials(), token, self.begun);
        }
        self.wrong = decision.as_ref().is_some_and(|it| it.status == Some(401));
        let ends_pass = report.ends && self.pass.is_some();
        if report.records.is_empty() && !ends_pass && !self.wrong {
            self.deferred = decision.filter(|it| it.status.is_none());
            return None;
        }
        Some(RecordsRequest {
            pass: match report.ends {
                true => self.pass.take(),
                false => self.pass.clone(),
            },
            head: self.head.clone(),
            verdict: decision,
            records: report.records,
            end: report.ends,
        })
    }

    /// The message to send for a report that nothing waits for, if it is worth one.
    pub fn part(&mut self, report: Report) -> Option<Parting> {
        let told = self.tell(report)?;
        Some(match self.ends_read(&told) {
            true => Parting::Later(told),
            false => Parting::Now(told),
        })
    }

    /// The message to send for a report before the exchange goes on. Only a [`Parting::Now`] has an answer to
    /// wait for: the end of a read that was not refused and stores nothing is reported with others.
    pub fn store(&mut self, report: Report) -> Option<Parting> {
        let told = self.tell(report)?;
        let verdict = told.verdict.as_ref();
        let is_refused = verdict.is_some_and(|verdict| verdict.status.is_some());
        Some(match told.end && !is_refused && self.ends_read(&told) {
            true => Parting::Later(told),
            false => Parting::Now(told),
        })
    }

    fn ends_read(&self, told: &RecordsRequest) -> bool {
        wire::is_read(&self.head.method) && told.records.is_empty()
    }

    /// Reads the service's answer to a report.
    ///
    /// # Errors
    /// The report is not on disk, or its state is unknown.
    pub fn stored(&self, status: u16, body: &[u8]) -> Result<(), ServiceError> {
        if status == 204 {
            return Ok(());
        }
        let error = refused(body);
        if let (true, ServiceError::Refused(refused), Some(source)) =
            (self.wrong, &error, &self.head.source)
            && let Some(seconds) = refused.retry_after
        {
            self.strangers.fails(source, seconds, self.begun);
        }
        Err(error)
    }

    fn credentials(&self) -> impl Iterator<Item = &str> {
        self.head.credentials.iter().map(|(_, text)| text.as_str())
    }
}

/// The service's refusal, if it has one for the client. It may only use the rules that are its own.
fn refused(body: &[u8]) -> ServiceError {
    match serde_json::from_slice::<wire::Refused>(body) {
        Ok(refused) => ServiceError::Refused(Refused {
            rule: match refused.rule.as_str() {
                "rate.limited" => "rate.limited",
                _ => "facts.unavailable",
            },
            detail: refused.detail,
            retry_after: refused.retry_after,
        }),
        Err(_) => ServiceError::NoResponse,
    }
}

impl From<ServiceError> for Refused {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Refused(refused) => refused,
            ServiceError::NoResponse => Self::no_record(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote() -> Remote {
        let incoming = Incoming {
            method: "GET".to_owned(),
            path: "/".to_owned(),
            authority: None,
            headers: Vec::new(),
        };
        Remote::new(Arc::default(), &incoming, None, 0)
    }

    #[test]
    fn only_what_the_service_may_say_is_believed() {
        let mut remote = remote();
        let refused = |rule: &str| {
            let body = format!(r#"{{"rule":"{rule}","detail":"d","retry_after":3}}"#);
            match remote.stored(503, body.as_bytes()) {
                Err(ServiceError::Refused(refused)) => (refused.rule, refused.retry_after),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(refused("rate.limited"), ("rate.limited", Some(3)));
        assert_eq!(refused("route.unknown"), ("facts.unavailable", Some(3)));
        assert_eq!(remote.stored(204, b""), Ok(()));
        assert_eq!(remote.stored(200, b""), Err(ServiceError::NoResponse));
        assert!(remote.found(200, b"{}").is_err());
        let answer = br#"{"pass":"p","now":5,"facts":[]}"#;
        assert_eq!(remote.found(200, answer).unwrap().now, 5);
        assert_eq!(remote.pass, Some(Pass("p".to_owned())));
        assert!(remote.found(204, b"").is_err());
    }
}
