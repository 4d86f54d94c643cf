//! Histories: replaying, shortening and saving them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::application::Traits;
use super::event::Event;
use super::guard::Blueprint;
use super::leases::TaskId;
use super::record::Backing;
use super::world::World;

/// Everything that happened, from the beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The application.
    pub traits: Traits,
    /// Where the record is kept.
    #[serde(default)]
    pub backing: Backing,
    /// The events in order.
    pub events: Vec<Event>,
}

/// A history that violates a check.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The violated check.
    pub wrong: String,
    /// The history.
    pub history: History,
}

/// How many attempts in a row must fail to shorten a history before it counts as shortest.
const PATIENCE: usize = 2;

impl History {
    /// Replays it until everything is quiet, and returns the world.
    ///
    /// # Errors
    /// If the world cannot be created.
    pub fn replay(&self, blueprint: &Arc<Blueprint>, is_told: bool) -> anyhow::Result<World> {
        let mut world = World::new(blueprint, self.traits, self.backing)?;
        if is_told {
            world.explain();
        }
        for event in &self.events {
            world.happen(event);
            if world.wrong().is_some() {
                return Ok(world);
            }
        }
        let mut next = 1 + self.events.iter().filter_map(id).max().unwrap_or_default();
        world.rest(&mut next);
        Ok(world)
    }

    /// The shortest history found by omitting events that fails in the same way.
    ///
    /// # Errors
    /// If the world cannot be created.
    pub fn shrink(self, blueprint: &Arc<Blueprint>) -> anyhow::Result<Finding> {
        let kind = kind(self.replay(blueprint, false)?.wrong().unwrap_or_default()).to_owned();
        let mut best = self;
        let mut idle = 0;
        while idle < PATIENCE {
            let before = best.events.len();
            let mut size = (before / 2).max(1);
            loop {
                let mut from = 0;
                while from < best.events.len() {
                    let mut shorter = best.clone();
                    let to = (from + size).min(shorter.events.len());
                    shorter.events.drain(from..to);
                    match shorter.replay(blueprint, false)?.wrong().map(self::kind) {
                        Some(wrong) if wrong == kind => best = shorter,
                        _ => from += size,
                    }
                }
                if size == 1 {
                    break;
                }
                size /= 2;
            }
            idle = match best.events.len() < before {
                true => 0,
                false => idle + 1,
            };
        }
        let world = best.replay(blueprint, false)?;
        Ok(Finding {
            wrong: world.wrong().unwrap_or_default().to_owned(),
            history: best,
        })
    }
}

/// The kind of failure, without names.
fn kind(wrong: &str) -> &str {
    wrong.split(": ").next().unwrap_or(wrong)
}

pub(crate) fn id(event: &Event) -> Option<TaskId> {
    match event {
        Event::Begin(id, _) | Event::Settle(id) | Event::Step(id) => Some(*id),
        Event::Perform(id) | Event::Fault(id, _) | Event::Late(id) => Some(*id),
        Event::Kill | Event::Wait => None,
    }
}
