//! When two worlds are the same.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::World;

impl World {
    /// A hash of everything that what happens next depends on.
    #[must_use]
    pub fn state(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        format!("{:?}", self.memory.table().rows()).hash(&mut hasher);
        self.application.hash(&mut hasher);
        self.owned.hash(&mut hasher);
        self.claimed.hash(&mut hasher);
        self.leases.shown().hash(&mut hasher);
        self.settled.hash(&mut hasher);
        self.now.hash(&mut hasher);
        for (id, task) in &self.tasks {
            (id, task.told, &task.writes).hash(&mut hasher);
            (task.desk.has_expired(), task.surprises == self.surprises).hash(&mut hasher);
            format!("{:?}", task.answer).hash(&mut hasher);
        }
        for (id, late) in &self.late {
            (id, &late.send.path).hash(&mut hasher);
        }
        for request in &self.unanswered {
            (&request.method, &request.path).hash(&mut hasher);
        }
        hasher.finish()
    }
}
