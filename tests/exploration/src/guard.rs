//! A guard as a process. It drives the exchange of each request and settles open outcomes. The
//! scheduler replies to its calls.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use scimguard_core::facts::{Answer, Fact, Key};
use scimguard_core::message::{AnswerBody, BackendAnswer, ResponseBody};
use scimguard_core::record::Record;
use scimguard_core::record::settlement::Step as Transition;
use scimguard_core::{BackendOutcome, Body, Guard as Policy, Readable, Response};
use scimguard_exchange::{Exchange, Found, Incoming, Refused, Report, ServiceError, Setup, Step};
use scimguard_knowledge::{
    Application, Busy, LeaseKey, Leases as _, Lookups, Pass, Read, Settling, Sources, Store as _,
    TooMany,
};

use super::calls::{Call, Desk, Reply};
use super::code::Beginning;
use super::leases::{self, LeaseGuard};
use super::sabotage::Sabotage;
use super::store::{self, Away};

/// How long after a write the application may still act.
pub(crate) const AFTER: Duration = Duration::from_secs(1);

/// What all guards of a world share.
pub struct Blueprint {
    setup: Arc<Setup<Policy>>,
    readable: Readable,
    /// The fault that was built into it.
    sabotage: Option<Sabotage>,
}

/// A process.
pub(crate) struct Guard {
    blueprint: Arc<Blueprint>,
    settling: Settling,
}

/// The end of a request.
pub struct Ended {
    /// The HTTP status.
    pub status: u16,
    /// The rule that refused it.
    pub rule: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Blueprint {
    /// Guards with this policy, correct or broken on purpose.
    ///
    /// # Errors
    /// If the policy cannot be configured.
    pub fn new(policy: &str, sabotage: Option<Sabotage>) -> anyhow::Result<Arc<Self>> {
        let policy = Policy::configure(policy).map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
        Ok(Arc::new(Self {
            setup: Arc::new(Setup::new(policy, false).lending(true).foreseeing()),
            readable: Readable::new().map_err(anyhow::Error::msg)?,
            sabotage,
        }))
    }
}

impl Guard {
    /// A newly started process.
    pub(crate) fn start(blueprint: &Arc<Blueprint>) -> Self {
        let is_hasty = blueprint.sabotage == Some(Sabotage::SettleTooEarly);
        Self {
            blueprint: Arc::clone(blueprint),
            settling: Settling::new(if is_hasty { Duration::ZERO } else { AFTER }),
        }
    }

    fn is(&self, sabotage: Sabotage) -> bool {
        self.blueprint.sabotage == Some(sabotage)
    }

    /// Answers a request, or settles open outcomes.
    pub(crate) fn run(
        self: Arc<Self>,
        desk: Arc<Desk>,
        beginning: Beginning,
    ) -> Pin<Box<dyn Future<Output = Option<Ended>> + Send>> {
        match beginning {
            Beginning::Request(request, now) => {
                let (incoming, body) = request.received();
                Box::pin(async move { Some(self.answer(desk, incoming, body, now).await) })
            }
            Beginning::Round(now) => Box::pin(async move {
                self.settle(desk, now).await;
                None
            }),
        }
    }

    /// Answers a request. `now` is in milliseconds since 1970.
    async fn answer(
        self: Arc<Self>,
        desk: Arc<Desk>,
        incoming: Incoming,
        body: Vec<u8>,
        now: u64,
    ) -> Ended {
        let method = incoming.method.clone();
        let setup = Arc::clone(&self.blueprint.setup);
        let (mut exchange, mut step) = Exchange::begin(setup, incoming, now);
        let mut held = Held {
            reach: Reach { guard: self, desk },
            pass: Pass::default(),
        };
        let mut body = match body.is_empty() {
            true => Body::None,
            false => Body::Bytes(body),
        };
        loop {
            step = match step {
                Step::ReadBody(_) => exchange.body(std::mem::replace(&mut body, Body::None)),
                Step::GetFacts(needed) => {
                    let found = held.find(&method, needed).await;
                    exchange.facts(found.map(|facts| Found { now, facts }))
                }
                Step::Store(report) => {
                    let stored = held.store(report).await;
                    exchange.stored(stored)
                }
                Step::Send(mut send) => {
                    let report = send.final_report.take();
                    let is_observed = send.observe;
                    let outcome = held.send(send).await;
                    if is_observed {
                        exchange.answered(outcome)
                    } else {
                        if let Some(report) = report {
                            held.end(report).await;
                        }
                        return passed_on(outcome);
                    }
                }
                Step::Respond(answer) => {
                    if let Some(report) = answer.final_report {
                        held.end(report).await;
                    }
                    return ended(answer.response, answer.rule);
                }
            };
        }
    }

    /// One settling run. `now` is in milliseconds since 1970.
    async fn settle(self: Arc<Self>, desk: Arc<Desk>, now: u64) {
        let reach = Reach { guard: self, desk };
        let (store, leases) = (reach.store(), reach.leases());
        let settling = &reach.guard.settling;
        // If the record fails during a run, another run follows.
        let _ = settling
            .round(reach.lookups(&store), &leases, &(), now)
            .await;
    }
}

fn ended(response: Response, rule: Option<String>) -> Ended {
    Ended {
        status: response.status,
        rule,
        body: match response.body {
            ResponseBody::Bytes(bytes) => bytes,
            _ => Vec::new(),
        },
    }
}

fn passed_on(outcome: BackendOutcome) -> Ended {
    let (status, body) = match outcome {
        BackendOutcome::Answered(answer) => (answer.status, answer.body),
        _ => (502, AnswerBody::None),
    };
    Ended {
        status,
        rule: None,
        body: match body {
            AnswerBody::Bytes(bytes) => bytes,
            _ => Vec::new(),
        },
    }
}

/// What a request or a settling run can reach.
struct Reach {
    guard: Arc<Guard>,
    desk: Arc<Desk>,
}

/// A request with its pass.
struct Held {
    reach: Reach,
    pass: Pass<LeaseGuard>,
}

/// Why facts are unavailable.
enum Unavailable {
    Now,
}

impl Reach {
    fn store(&self) -> store::Reached {
        store::Reached(Arc::clone(&self.desk))
    }

    fn leases(&self) -> leases::Reached {
        leases::Reached(Arc::clone(&self.desk))
    }

    fn lookups<'a>(&'a self, store: &'a store::Reached) -> Lookups<'a, store::Reached, Self> {
        Lookups {
            store,
            application: self,
            paths: self.guard.blueprint.setup.paths(),
            readable: &self.guard.blueprint.readable,
        }
    }
}

impl Held {
    async fn find(
        &mut self,
        method: &str,
        needed: scimguard_exchange::Needed,
    ) -> Result<Arc<Vec<Fact>>, ServiceError> {
        if self.reach.desk.has_expired() {
            return Err(unavailable());
        }
        let found = self.pass.find(&mut self.reach, method, needed).await;
        found.map_err(|Unavailable::Now| unavailable())?;
        Ok(self.pass.found())
    }

    async fn store(&mut self, report: Report) -> Result<(), ServiceError> {
        let guard = Arc::clone(&self.reach.guard);
        if report.sends {
            self.reach.desk.sends();
        }
        let mut records = report.records;
        if guard.is(Sabotage::ForgetIntents) && report.sends {
            records.retain(|record| !matches!(record, Record::Intent(_)));
        }
        if guard.is(Sabotage::ForgetRemovals) {
            records.retain(|record| match record {
                Record::Member(member) => member.puts_in(),
                _ => true,
            });
        }
        if guard.is(Sabotage::ForgetPending) && report.sends {
            records.retain(|record| matches!(record, Record::Intent(_)));
        }
        if guard.is(Sabotage::KeepDeleted) {
            let removes =
                |record: &Record| matches!(record, Record::RemoveUser(_) | Record::RemoveGroup(_));
            records.retain(|record| !removes(record));
        }
        if guard.is(Sabotage::ForgetDeactivation) {
            for record in &mut records {
                if let Record::User(user) = record {
                    user.active = true;
                }
            }
        }
        if guard.is(Sabotage::ReleaseEarly) && report.sends {
            self.pass.end();
        }
        let stored = self.commit(records).await;
        if report.ends {
            self.pass.end();
            self.reach.desk.renew();
        }
        match stored {
            Err(_) if guard.is(Sabotage::IgnoreStore) => Ok(()),
            stored => stored,
        }
    }

    async fn commit(&mut self, records: Vec<Record>) -> Result<(), ServiceError> {
        if self.reach.desk.has_expired() {
            return Err(unavailable());
        }
        if records.is_empty() {
            return Ok(());
        }
        let steps = records.into_iter().map(Transition::Record).collect();
        let stored = self.reach.store().apply(steps).await;
        stored.map_err(|Away| unavailable())
    }

    async fn send(&mut self, send: scimguard_exchange::Send) -> BackendOutcome {
        self.reach.desk.sends();
        let reply = self.reach.desk.ask(Call::Send(send)).await;
        let outcome = match reply {
            Reply::Outcome(outcome) => outcome,
            _ => BackendOutcome::Unanswered,
        };
        match outcome {
            BackendOutcome::Answered(answer)
                if answer.status == 503 && self.reach.guard.is(Sabotage::WithdrawAt503) =>
            {
                refused()
            }
            BackendOutcome::Unanswered if self.reach.guard.is(Sabotage::WithdrawUnanswered) => {
                refused()
            }
            outcome => outcome,
        }
    }

    /// Makes a report that the client does not wait for.
    async fn end(&mut self, report: Report) {
        // The client gets its answer in any case; whatever is not recorded stays open.
        let _ = self.store(report).await;
    }
}

/// The application's refusal.
fn refused() -> BackendOutcome {
    BackendOutcome::Answered(BackendAnswer {
        status: 400,
        headers: Vec::new(),
        body: AnswerBody::None,
    })
}

fn unavailable() -> ServiceError {
    ServiceError::Refused(Refused {
        rule: "facts.unavailable",
        detail: "Repeat the request later.".to_owned(),
        retry_after: Some(1),
    })
}

impl From<TooMany> for Unavailable {
    fn from(_: TooMany) -> Self {
        Self::Now
    }
}

impl From<Busy> for Unavailable {
    fn from(_: Busy) -> Self {
        Self::Now
    }
}

impl Sources for Reach {
    type Error = Unavailable;
    type Guard = LeaseGuard;

    async fn recorded(&mut self, keys: &[Key]) -> Result<Vec<Answer>, Unavailable> {
        let answers = self.store().answer(keys).await;
        answers.map_err(|Away| Unavailable::Now)
    }

    async fn vouch(&mut self, _: &mut Fact) -> Result<(), Unavailable> {
        Ok(())
    }

    async fn look_up(&mut self, key: &Key, _: &str, _: &[Fact]) -> Answer {
        let store = self.store();
        self.lookups(&store).look_up(key, Some(&())).await
    }

    async fn may_be_owned(&mut self, _: &Fact) -> Result<bool, Unavailable> {
        Ok(false)
    }

    async fn lease(&mut self, names: &BTreeSet<LeaseKey>) -> Result<LeaseGuard, Busy> {
        match self.guard.is(Sabotage::LeaseNothing) {
            true => self.leases().acquire(&BTreeSet::new()).await,
            false => self.leases().acquire(names).await,
        }
    }
}

impl Application for Reach {
    type Credential = ();

    async fn read(&self, path: &str, (): &()) -> Option<Read> {
        match self.desk.ask(Call::Read(path.to_owned())).await {
            Reply::Got(read) => read,
            _ => None,
        }
    }
}
