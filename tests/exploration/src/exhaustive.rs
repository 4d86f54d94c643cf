//! Every order of a few requests and faults, from a starting record. The search remembers what code
//! does, so it can copy a world in which code runs, and it enters each state once.

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use super::code::Memories;
use super::event::{Event, Request};
use super::guard::Blueprint;
use super::history::{Finding, History, id};
use super::leases::TaskId;
use super::world::World;

/// The bounds of the search.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The most faults in one order, including deaths of the guard.
    pub faults: u32,
    /// Whether a settling run may start while requests are in progress.
    pub settles: bool,
    /// Whether the application may do a late write after a later one.
    pub overtakes: bool,
    /// The most distinct states; beyond them the search ends incomplete.
    pub states: usize,
}

/// The results of a search.
#[derive(Clone, Debug, Default)]
pub struct Explored {
    /// Distinct states.
    pub states: usize,
    /// Distinct states in which nothing is running any more.
    pub ends: usize,
    /// Whether every order within the bounds was tried.
    pub is_complete: bool,
    /// The first order that failed.
    pub finding: Option<Finding>,
}

/// A state of the search.
struct State {
    world: World,
    path: Path,
}

/// The events that led to a state.
#[derive(Clone, Default)]
struct Path {
    last: Option<Rc<Link>>,
    /// The requests that have started, one bit each.
    begun: u32,
    faults: u32,
    has_settled: bool,
}

/// An event, and those before it.
struct Link {
    event: Event,
    before: Option<Rc<Link>>,
}

/// One end out of this many is reached again by running code, to check what was remembered.
const SAMPLE: usize = 50;

/// Tries every order of these requests after `start`.
///
/// # Errors
/// If the world cannot be created.
pub fn explore(
    blueprint: &Arc<Blueprint>,
    memories: &Arc<Memories>,
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
        seen: HashSet::new(),
        explored: Explored::default(),
    };
    search.run(memories)
}

struct Search<'a> {
    blueprint: &'a Arc<Blueprint>,
    start: &'a History,
    requests: &'a [Request],
    bounds: Bounds,
    /// The id of the first request; the settling run has the last one.
    first: TaskId,
    seen: HashSet<(u64, u32, bool)>,
    explored: Explored,
}

impl Search<'_> {
    fn run(mut self, memories: &Arc<Memories>) -> anyhow::Result<Explored> {
        let mut world = self.replay(&[])?;
        world.remember(memories)?;
        // By the number of faults: a state that was reached without a fault need not be searched
        // with one.
        let mut open = vec![Vec::new(); 1 + usize::try_from(self.bounds.faults)?];
        self.enter(world, Path::default(), &mut open)?;
        let next = |open: &mut [Vec<_>]| open.iter_mut().find_map(Vec::pop);
        while let Some((state, event)) = next(&mut open) {
            if self.explored.finding.is_some() || self.explored.states >= self.bounds.states {
                return Ok(self.explored);
            }
            let state: Rc<State> = state;
            let mut world = state.world.copy()?;
            world.happen(&event);
            let path = self.after(&state.path, event);
            self.enter(world, path, &mut open)?;
        }
        self.explored.is_complete = self.explored.finding.is_none();
        Ok(self.explored)
    }

    /// Enters a state, unless it was entered before, and tries what can happen next.
    fn enter(
        &mut self,
        world: World,
        path: Path,
        open: &mut [Vec<(Rc<State>, Event)>],
    ) -> anyhow::Result<()> {
        if let Some(wrong) = world.wrong() {
            self.explored.finding = Some(self.finding(wrong, path.events()));
            return Ok(());
        }
        if !self
            .seen
            .insert((world.state(), path.begun, path.has_settled))
        {
            return Ok(());
        }
        self.explored.states += 1;
        let choices = self.choices(&world, &path);
        // The application may never do the late writes.
        let is_end = |event: &Event| matches!(event, Event::Late(_));
        if choices.iter().all(is_end) {
            self.end(&world, &path)?;
        }
        let state = Rc::new(State { world, path });
        for event in choices {
            let faults = state.path.faults + u32::from(is_fault(&event));
            if let Some(open) = open.get_mut(usize::try_from(faults)?) {
                open.push((Rc::clone(&state), event));
            }
        }
        Ok(())
    }

    /// Runs the world until it is quiet.
    fn end(&mut self, world: &World, path: &Path) -> anyhow::Result<()> {
        self.explored.ends += 1;
        let alive = match self.explored.ends % SAMPLE {
            0 => None,
            _ => world.alive(),
        };
        let mut alive = match alive {
            Some(alive) => alive,
            None => {
                let alive = self.replay(&path.events())?;
                anyhow::ensure!(
                    alive.wrong().is_some() || alive.lasting() == world.lasting(),
                    "code does not do what it did before: {:?}",
                    path.events()
                );
                alive
            }
        };
        let mut id = self.first + 1_000;
        alive.rest(&mut id);
        if let Some(wrong) = alive.wrong() {
            self.explored.finding = Some(self.finding(wrong, path.events()));
        }
        Ok(())
    }

    /// The world of a state, reproduced by running code.
    fn replay(&self, events: &[Event]) -> anyhow::Result<World> {
        let mut world = World::new(self.blueprint, self.start.traits, self.start.backing)?;
        for event in self.start.events.iter().chain(events) {
            world.happen(event);
        }
        world.take_ended();
        Ok(world)
    }

    fn choices(&self, world: &World, path: &Path) -> Vec<Event> {
        let mut choices = world.next();
        for (number, request) in (0..).zip(self.requests) {
            if path.begun & (1 << number) == 0 {
                choices.push(Event::Begin(self.first + number, request.clone()));
            }
        }
        choices.extend(match self.bounds.overtakes {
            true => world.late(),
            false => world.late_in_order(),
        });
        if self.bounds.settles && !path.has_settled && world.is_busy() {
            let count = TaskId::try_from(self.requests.len()).unwrap_or_default();
            choices.push(Event::Settle(self.first + count));
        }
        if path.faults < self.bounds.faults {
            choices.extend(world.faults());
        }
        choices
    }

    fn after(&self, path: &Path, event: Event) -> Path {
        let mut path = path.clone();
        match &event {
            Event::Begin(id, _) => path.begun |= 1 << (id - self.first),
            Event::Settle(_) => path.has_settled = true,
            _ => path.faults += u32::from(is_fault(&event)),
        }
        path.last = Some(Rc::new(Link {
            event,
            before: path.last.take(),
        }));
        path
    }

    fn finding(&self, wrong: &str, events: Vec<Event>) -> Finding {
        Finding {
            wrong: wrong.to_owned(),
            history: History {
                traits: self.start.traits,
                backing: self.start.backing,
                events: self.start.events.iter().cloned().chain(events).collect(),
            },
        }
    }
}

impl Path {
    fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        let mut last = self.last.as_deref();
        while let Some(link) = last {
            events.push(link.event.clone());
            last = link.before.as_deref();
        }
        events.reverse();
        events
    }
}

fn is_fault(event: &Event) -> bool {
    matches!(event, Event::Fault(..) | Event::Kill)
}
