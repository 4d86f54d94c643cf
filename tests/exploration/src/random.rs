//! Random histories of many requests, the same for the same seed.

use std::collections::BTreeMap;

use anyhow::Context as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use scimguard_tests::acts::Operation;
use scimguard_tests::acts::chance::{self, Plan};
use scimguard_tests::model::{self, Actor};
use serde_json::Value;

use super::application::Traits;
use super::event::{Event, Request};
use super::guard::{Blueprint, Ended};
use super::history::{Finding, History};
use super::leases::TaskId;
use super::record::Backing;
use super::world::World;
use std::sync::Arc;

/// Requests of one history.
pub const REQUESTS: usize = 50;

/// Operators that act at the same time.
const OPERATORS: usize = 2;

/// After about this many requests, all clients wait until the guard has settled.
const TO_A_REST: u32 = 25;

/// One history out of this many keeps its record in SQLite.
const IN_SQLITE: u64 = 100;

/// A client: what it has seen, and what it does next.
struct Client {
    actor: Actor,
    share: u32,
    seen: model::World,
    /// The request in progress.
    task: Option<TaskId>,
    /// What to do with the answer to a search.
    found: Option<Found>,
    /// What it does next.
    next: Option<Operation>,
}

/// The rest of a plan that starts with a search.
struct Found {
    create: Operation,
    change: Box<dyn Fn(&str) -> Operation + Send>,
    /// The resources that the search found and that have not been tried yet.
    ids: Option<Vec<String>>,
}

/// A history in progress.
struct Run {
    world: World,
    random: StdRng,
    clients: Vec<Client>,
    next: TaskId,
    begun: usize,
    events: Vec<Event>,
    /// One event out of this many is a fault.
    faulty: u32,
    /// One request out of this many is decided at a gateway.
    at_gateways: u32,
    /// Whether the application may do a late write after a later one.
    overtakes: bool,
}

/// Runs one history, and returns its number of requests.
///
/// # Errors
/// If the world cannot be created.
pub fn history(
    blueprint: &Arc<Blueprint>,
    seed: u64,
    overtakes: bool,
) -> anyhow::Result<(usize, Option<Finding>)> {
    let mut random = StdRng::seed_from_u64(seed);
    let traits = Traits {
        removes_deactivated: random.random(),
        takes_over: random.random(),
        is_silent: random.random(),
    };
    let backing = match seed % IN_SQLITE {
        0 => Backing::Sqlite,
        _ => Backing::Memory,
    };
    let client = |actor, share| Client {
        actor,
        share,
        seen: model::World::default(),
        task: None,
        found: None,
        next: None,
    };
    let providers = (0..chance::WORKERS).map(|share| client(Actor::Provisioner, share));
    let operators = (0..OPERATORS).map(|_| client(Actor::Operator, 0));
    let mut run = Run {
        world: World::new(blueprint, traits, backing)?,
        clients: providers.chain(operators).collect(),
        next: 0,
        begun: 0,
        events: Vec::new(),
        faulty: *[12, 25, 60, 200].choose(&mut random).context("no rates")?,
        at_gateways: *[2, 5, u32::MAX].choose(&mut random).context("no rates")?,
        overtakes,
        random,
    };
    while run.begun < REQUESTS && run.world.wrong().is_none() {
        run.one();
    }
    if run.world.wrong().is_none() {
        run.world.rest(&mut run.next);
    }
    let begun = run.begun;
    Ok(match run.world.wrong() {
        None => (begun, None),
        Some(wrong) => {
            let finding = Finding {
                wrong: wrong.to_owned(),
                history: History {
                    traits,
                    backing,
                    events: run.events,
                },
            };
            (begun, Some(finding))
        }
    })
}

impl Run {
    /// Chooses and performs one event.
    fn one(&mut self) {
        let is_rare = |random: &mut StdRng, one_in: u32| random.random_ratio(1, one_in);
        if is_rare(&mut self.random, self.faulty)
            && let Some(fault) = self.world.faults().choose(&mut self.random)
        {
            return self.happen(fault.clone());
        }
        let late = match self.overtakes {
            true => self.world.late(),
            false => self.world.late_in_order(),
        };
        if let Some(late) = late.choose(&mut self.random)
            && self.random.random_ratio(1, 4)
        {
            return self.happen(late.clone());
        }
        if !self.world.is_settling() && is_rare(&mut self.random, 40) {
            let id = self.id();
            return self.happen(Event::Settle(id));
        }
        if self.world.can_wait() && is_rare(&mut self.random, 60) {
            return self.happen(Event::Wait);
        }
        let idle: Vec<usize> = (0..self.clients.len())
            .filter(|client| self.clients[*client].task.is_none())
            .collect();
        let next = self.world.next();
        let choices = idle.len() + next.len();
        if choices == 0 {
            // All clients wait for leases of a client that has gone.
            self.world.finish();
            return;
        }
        let choice = self.random.random_range(0..choices);
        match next.get(choice) {
            Some(event) => self.happen(event.clone()),
            None => self.begin(idle[choice - next.len()]),
        }
        if self.begun > 0 && is_rare(&mut self.random, TO_A_REST * 20) {
            self.happen(Event::Wait);
        }
    }

    fn id(&mut self) -> TaskId {
        self.next += 1;
        self.next - 1
    }

    fn happen(&mut self, event: Event) {
        self.world.happen(&event);
        self.events.push(event);
        let ended: BTreeMap<TaskId, Option<Arc<Ended>>> =
            self.world.take_ended().into_iter().collect();
        for client in &mut self.clients {
            let answer = client.task.and_then(|task| ended.get(&task));
            if let Some(answer) = answer {
                client.task = None;
                client.hears(answer.as_deref());
            }
        }
    }

    fn begin(&mut self, client: usize) {
        let id = self.id();
        let client = &mut self.clients[client];
        // A client may edit what it saw some time ago.
        if self.random.random() {
            client.seen = self.world.truth().clone();
        }
        let operation = client.acts(&mut self.random);
        client.task = Some(id);
        let mut request = Request::of(client.actor, &operation);
        request.at_gateway = self.random.random_ratio(1, self.at_gateways);
        self.begun += 1;
        self.happen(Event::Begin(id, request));
    }
}

impl Client {
    fn acts(&mut self, random: &mut StdRng) -> Operation {
        if let Some(operation) = self.next.take() {
            return operation;
        }
        match self.actor {
            Actor::Operator => chance::of_an_operator(random, &self.seen),
            Actor::Provisioner => match chance::of_the_provider(random, &self.seen, self.share) {
                Plan::Do(operation) => operation,
                Plan::Find {
                    search,
                    create,
                    change,
                } => {
                    self.found = Some(Found {
                        create,
                        change,
                        ids: None,
                    });
                    search
                }
            },
        }
    }

    /// The provider links what it finds, as long as this is allowed.
    fn hears(&mut self, answer: Option<&Ended>) {
        let Some(mut found) = self.found.take() else {
            return;
        };
        let ids = match (found.ids.take(), answer) {
            (None, Some(ended)) if ended.status == 200 => {
                let body: Value = serde_json::from_slice(&ended.body).unwrap_or_default();
                let resources = body["Resources"].as_array().into_iter().flatten();
                let ids = resources.filter_map(|resource| resource["id"].as_str());
                ids.map(str::to_owned).collect()
            }
            // A group that is not its own does not exist for the provider: it pushes another one.
            (Some(ids), Some(ended)) if ended.status == 404 => ids,
            _ => return,
        };
        let mut ids: std::collections::VecDeque<String> = ids.into();
        match ids.pop_front() {
            Some(id) => {
                self.next = Some((found.change)(&id));
                found.ids = Some(ids.into());
                self.found = Some(found);
            }
            None => self.next = Some(found.create),
        }
    }
}
