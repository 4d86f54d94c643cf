//! Comparing and copying worlds.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use anyhow::Context as _;

use super::{Late, Task, World};
use crate::code::{Memories, Work, shown};
use crate::guard::Guard;

impl World {
    /// From now on, remembers what code does, so that the world can be copied. No code may be
    /// running yet.
    ///
    /// # Errors
    /// If code is running.
    pub(crate) fn remember(&mut self, memories: &Arc<Memories>) -> anyhow::Result<()> {
        anyhow::ensure!(self.tasks.is_empty(), "code runs already");
        self.memories = Some(Arc::clone(memories));
        Ok(())
    }

    /// An independent copy.
    ///
    /// # Errors
    /// If code is running that is not remembered.
    pub(crate) fn copy(&self) -> anyhow::Result<Self> {
        let copied = |(id, task): (&_, &Task)| Some((*id, task.copy()?));
        let tasks: Option<BTreeMap<_, _>> = self.tasks.iter().map(copied).collect();
        Ok(Self {
            blueprint: Arc::clone(&self.blueprint),
            record: self.record.copy().context("a database cannot be copied")?,
            leases: self.leases.clone(),
            guard: Arc::clone(&self.guard),
            memories: self.memories.clone(),
            application: Arc::clone(&self.application),
            owned: self.owned.clone(),
            truth: Arc::clone(&self.truth),
            claimed: self.claimed.clone(),
            tasks: tasks.context("code that runs cannot be copied")?,
            late: self.late.clone(),
            turn: self.turn,
            overtaken: self.overtaken.clone(),
            vanished: self.vanished.clone(),
            met: self.met.clone(),
            surprises: self.surprises,
            now: self.now,
            settled: self.settled,
            unanswered: self.unanswered.clone(),
            ended: Vec::new(),
            wrong: self.wrong.clone(),
            log: None,
        })
    }

    /// A copy with running code. `None` if the guard knows something that the copy's guard would
    /// not.
    #[must_use]
    pub(crate) fn alive(&self) -> Option<Self> {
        let is_as_new = self.tasks.is_empty() && self.settled == 0;
        let mut world = is_as_new.then(|| self.copy().ok()).flatten()?;
        world.memories = None;
        world.guard = Arc::new(Guard::start(&self.blueprint));
        Some(world)
    }

    /// A hash of everything that determines what happens next.
    #[must_use]
    pub fn state(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.lasting().hash(&mut hasher);
        self.leases.hash(&mut hasher);
        self.settled.hash(&mut hasher);
        self.now.hash(&mut hasher);
        for (id, task) in &self.tasks {
            (id, task.known(), &task.writes).hash(&mut hasher);
            (
                task.marks.has_expired,
                task.surprises == self.surprises,
                task.deletes_unknown,
                &task.edits_unknown,
                &task.answer.as_ref().map(shown),
            )
                .hash(&mut hasher);
        }
        for (id, late) in &self.late {
            let is_before = |other: &Late| other.turn < late.turn;
            let before = self.late.values().filter(|other| is_before(other)).count();
            (
                id,
                late.deletes_unknown,
                before,
                self.overtaken.contains(id),
            )
                .hash(&mut hasher);
        }
        hasher.finish()
    }

    /// A hash of what is left when no code is running.
    #[must_use]
    pub(crate) fn lasting(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.record.hash().hash(&mut hasher);
        self.application.hash(&mut hasher);
        self.owned.hash(&mut hasher);
        self.claimed.hash(&mut hasher);
        self.vanished.hash(&mut hasher);
        self.met.hash(&mut hasher);
        for request in &self.unanswered {
            shown(request).hash(&mut hasher);
        }
        hasher.finish()
    }
}

impl Task {
    fn copy(&self) -> Option<Self> {
        let Work::Known(known) = &self.work else {
            return None;
        };
        Some(Self {
            request: self.request.clone(),
            work: Work::Known(known.clone()),
            call: Arc::clone(&self.call),
            marks: self.marks,
            answer: self.answer.clone(),
            writes: self.writes.clone(),
            surprises: self.surprises,
            deletes_unknown: self.deletes_unknown,
            edits_unknown: self.edits_unknown.clone(),
            created: self.created.clone(),
        })
    }

    pub(super) fn known(&self) -> Option<u64> {
        match &self.work {
            Work::Known(known) => Some(known.hash),
            Work::Runs(_) => None,
        }
    }
}
