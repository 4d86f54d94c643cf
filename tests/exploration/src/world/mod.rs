//! A small world: an application, a record, a guard, and clients. Everything that happens in it is
//! an [`Event`] that the caller chose.

mod checks;
mod choices;
mod faults;
mod happening;
mod rest;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use scimguard_core::facts::Table;
use scimguard_core::message::BackendAnswer;
use scimguard_tests::fixtures::{ACCOUNT, PERMISSIONS};
use scimguard_tests::model::{self, Actor, Id};
use serde_json::json;

use super::application::{Application, Traits};
use super::calls::{Call, Marks};
use super::code::{Memories, Work};
use super::event::{Event, OPERATOR, PROVIDER, Request};
use super::guard::{Blueprint, Ended, Guard};
use super::leases::{LeaseTable, TaskId};
use super::record::{Backing, Record};

/// The time at which a world starts, in milliseconds since 1970.
const BEGINNING: u64 = 1_780_000_000_000;

/// A world.
pub struct World {
    blueprint: Arc<Blueprint>,
    record: Record,
    leases: LeaseTable,
    guard: Arc<Guard>,
    /// What code did in earlier worlds; `None`: run the code.
    memories: Option<Arc<Memories>>,
    /// The application.
    application: Arc<Application>,
    /// What the provider provisioned at the application.
    owned: Owned,
    /// The application's state, with what the provider provisioned.
    truth: Arc<model::World>,
    /// Names and ids of users that the provider tried to create or to write, successfully or not.
    claimed: BTreeSet<String>,
    tasks: BTreeMap<TaskId, Task>,
    late: BTreeMap<TaskId, Late>,
    /// The number of faults so far.
    turn: u32,
    /// The late writes after which the application has done a later write.
    overtaken: BTreeSet<TaskId>,
    /// Users whose deletion was sent before the guard knew their ids.
    vanished: BTreeSet<Id>,
    /// Users whom the guard had never seen, whom an operator edited, and whom the provider took over
    /// at the same moment.
    met: BTreeSet<Id>,
    /// How often the provider gained something that an edit in progress could not know about: the
    /// application did one of its late writes, or it took over a user that the guard had never
    /// seen.
    surprises: u32,
    now: u64,
    /// A hash of what the guard has learned while it settled.
    settled: u64,
    /// Requests of the provider that had no definite answer.
    unanswered: Vec<Arc<Request>>,
    /// Requests that have ended since the last look; without an answer if the client gets none.
    ended: Vec<(TaskId, Option<Arc<Ended>>)>,
    /// The first violated check.
    wrong: Option<String>,
    /// A description of each event, if it is wanted.
    log: Option<Vec<String>>,
}

/// The application's users and groups that the provider provisioned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Owned {
    users: BTreeSet<Id>,
    groups: BTreeSet<Id>,
}

/// A request or settling run in progress.
struct Task {
    /// `None`: a settling run.
    request: Option<Arc<Request>>,
    work: Work,
    /// What it waits for.
    call: Arc<Call>,
    marks: Marks,
    /// The application's answer that is on its way.
    answer: Option<Arc<BackendAnswer>>,
    /// For each write that was sent, whether the application has done it.
    writes: Vec<Written>,
    /// The number of surprises when the record was last read.
    surprises: u32,
    /// Whether the last request deletes a user whose id the guard did not know.
    deletes_unknown: bool,
    /// The user whom the last request edits, if the guard did not know the id.
    edits_unknown: Option<Id>,
    /// What it has created.
    created: Option<Id>,
}

/// The outcome of a write that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Written {
    /// The application has not acted on it.
    Not,
    /// It was done.
    Done,
    /// It was refused.
    Refused,
}

/// A late write: nobody waits for its answer any more.
#[derive(Clone)]
struct Late {
    /// The fault that cut it off. What one fault cuts off has no order.
    turn: u32,
    actor: Actor,
    call: Arc<Call>,
    deletes_unknown: bool,
}

impl World {
    /// A world without any events.
    ///
    /// # Errors
    /// If the tokens cannot be put on record.
    pub fn new(
        blueprint: &Arc<Blueprint>,
        traits: Traits,
        backing: Backing,
    ) -> anyhow::Result<Self> {
        let token = |token: &str, provider: Option<&str>| json!({"token": token, "account": ACCOUNT, "principal": "svc", "provider": provider});
        let table = Table::from_json(&json!({
            "tokens": [token(PROVIDER, Some("okta")), token(OPERATOR, None)],
            "principals": [{"account": ACCOUNT, "id": "svc", "permissions": PERMISSIONS}],
        }));
        let record = Record::new(table.map_err(anyhow::Error::msg)?, backing)?;
        Ok(Self {
            guard: Arc::new(Guard::start(blueprint)),
            blueprint: Arc::clone(blueprint),
            record,
            leases: LeaseTable::default(),
            memories: None,
            application: Arc::new(Application::new(traits)),
            owned: Owned::default(),
            truth: Arc::default(),
            claimed: BTreeSet::new(),
            tasks: BTreeMap::new(),
            late: BTreeMap::new(),
            turn: 0,
            overtaken: BTreeSet::new(),
            vanished: BTreeSet::new(),
            met: BTreeSet::new(),
            surprises: 0,
            now: BEGINNING,
            settled: 0,
            unanswered: Vec::new(),
            ended: Vec::new(),
            wrong: None,
            log: None,
        })
    }

    /// Logs what happens from now on.
    pub fn explain(&mut self) {
        self.log = Some(Vec::new());
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> &[String] {
        self.log.as_deref().unwrap_or_default()
    }

    /// The first violated check, if any.
    #[must_use]
    pub fn wrong(&self) -> Option<&str> {
        self.wrong.as_deref()
    }

    /// The application's state, with what the provider provisioned.
    #[must_use]
    pub fn truth(&self) -> &model::World {
        &self.truth
    }

    /// The requests that have ended since the last call, with their answers, unless the client gets
    /// none.
    pub fn take_ended(&mut self) -> Vec<(TaskId, Option<Arc<Ended>>)> {
        std::mem::take(&mut self.ended)
    }

    fn tell(&mut self, line: impl FnOnce() -> String) {
        if let Some(log) = &mut self.log {
            log.push(line());
        }
    }

    fn fails(&mut self, why: String) {
        self.tell(|| format!("WRONG: {why}"));
        self.wrong.get_or_insert(why);
    }
}
