//! Every order of a few requests and faults, from a starting record.

use std::collections::HashSet;
use std::sync::Arc;

use super::event::{Event, Request};
use super::guard::Blueprint;
use super::history::{Finding, History, id};
use super::leases::TaskId;
use super::world::World;

/// How far is looked.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The most faults of one order, deaths of the guard among them.
    pub faults: u32,
    /// The most rounds of settling while requests are under way.
    pub rounds: u32,
    /// The most distinct states; beyond them the search ends without having seen everything.
    pub states: usize,
}

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Explored {
    /// Distinct states.
    pub states: usize,
    /// Orders that led to an end that no other order had led to.
    pub ends: usize,
    /// Whether every order within the bounds was seen.
    pub is_complete: bool,
    /// The first order that went wrong.
    pub finding: Option<Finding>,
}

/// How far an order has come.
#[derive(Clone)]
struct Path {
    events: Vec<Event>,
    /// The requests that have begun, a bit for each.
    begun: u32,
    faults: u32,
    rounds: u32,
}

/// Tries every order of these requests after `start`.
///
/// # Errors
/// If the world cannot be made.
pub fn explore(
    blueprint: &Arc<Blueprint>,
    start: &History,
    requests: &[Request],
    bounds: Bounds,
) -> anyhow::Result<Explored> {
    let first = 1 + start.events.iter().filter_map(id).max().unwrap_or_default();
    let search = Search {
        blueprint,
        start,
        requests,
        bounds,
        first,
    };
    search.run()
}

struct Search<'a> {
    blueprint: &'a Arc<Blueprint>,
    start: &'a History,
    requests: &'a [Request],
    bounds: Bounds,
    /// The id of the first request; those of rounds of settling follow.
    first: TaskId,
}

impl Search<'_> {
    fn run(&self) -> anyhow::Result<Explored> {
        let mut explored = Explored {
            is_complete: true,
            ..Explored::default()
        };
        let mut seen = HashSet::new();
        let mut stack = vec![Path {
            events: Vec::new(),
            begun: 0,
            faults: 0,
            rounds: 0,
        }];
        while let Some(mut path) = stack.pop() {
            let mut world = self.replay(&path.events)?;
            loop {
                if world.wrong().is_some() {
                    explored.finding = Some(self.finding(&world, path.events));
                    return Ok(explored);
                }
                if !seen.insert((world.state(), path.begun, path.faults, path.rounds)) {
                    break;
                }
                explored.states += 1;
                if explored.states >= self.bounds.states {
                    explored.is_complete = false;
                    return Ok(explored);
                }
                let mut choices = self.choices(&world, &path);
                let Some(next) = choices.pop() else {
                    explored.ends += 1;
                    let mut id = self.first + 1_000;
                    world.rest(&mut id);
                    if world.wrong().is_some() {
                        explored.finding = Some(self.finding(&world, path.events));
                        return Ok(explored);
                    }
                    break;
                };
                stack.extend(choices.into_iter().map(|event| self.after(&path, event)));
                world.happen(&next);
                path = self.after(&path, next);
            }
        }
        Ok(explored)
    }

    fn replay(&self, events: &[Event]) -> anyhow::Result<World> {
        let mut world = World::new(self.blueprint, self.start.traits)?;
        for event in self.start.events.iter().chain(events) {
            world.happen(event);
        }
        world.take_ended();
        Ok(world)
    }

    fn choices(&self, world: &World, path: &Path) -> Vec<Event> {
        let mut choices = Vec::new();
        if path.faults < self.bounds.faults {
            choices.extend(world.faults());
        }
        if path.rounds < self.bounds.rounds && world.is_busy() && !world.is_settling() {
            let count = TaskId::try_from(self.requests.len()).unwrap_or_default();
            choices.push(Event::Settle(self.first + count + path.rounds));
        }
        choices.extend(world.late());
        for (number, request) in (0..).zip(self.requests) {
            if path.begun & (1 << number) == 0 {
                choices.push(Event::Begin(self.first + number, request.clone()));
            }
        }
        choices.extend(world.next());
        choices
    }

    fn after(&self, path: &Path, event: Event) -> Path {
        let mut path = path.clone();
        match &event {
            Event::Begin(id, _) => path.begun |= 1 << (id - self.first),
            Event::Fault(..) | Event::Kill => path.faults += 1,
            Event::Settle(_) => path.rounds += 1,
            _ => {}
        }
        path.events.push(event);
        path
    }

    fn finding(&self, world: &World, events: Vec<Event>) -> Finding {
        Finding {
            wrong: world.wrong().unwrap_or_default().to_owned(),
            history: History {
                traits: self.start.traits,
                events: self.start.events.iter().cloned().chain(events).collect(),
            },
        }
    }
}
