//! Histories: how they are told again, made shorter, and kept.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::application::Traits;
use super::event::Event;
use super::guard::Blueprint;
use super::leases::TaskId;
use super::record::Backing;
use super::world::World;

/// What happened, from the beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The application.
    pub traits: Traits,
    /// Where the record is.
    #[serde(default)]
    pub backing: Backing,
    /// In order.
    pub events: Vec<Event>,
}

/// A history that should not be possible.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What is wrong.
    pub wrong: String,
    /// How it came about.
    pub history: History,
}

/// How often a history is made shorter by nothing more before that is believed.
const PATIENCE: usize = 2;

impl History {
    /// Lets it happen again, and everything come to rest. Returns the world.
    ///
    /// # Errors
    /// If the world cannot be made.
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

    /// The shortest history found, by leaving out events, that goes wrong in the same way.
    ///
    /// # Errors
    /// If the world cannot be made.
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

/// In what way it goes wrong, without names.
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
