//! What a request writes to one part of a resource: every write, in the order in which they take
//! effect. A later write replaces an earlier one in the resource, but not in the judgement, which
//! judges each write alone.

/// One write of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FieldWrite {
    /// The part gets this value.
    Set(String),
    /// The part is cleared.
    Clear,
    /// The part changes in an unknown way. Any of these values of the request may be part of the
    /// new value.
    Unknown(Vec<String>),
}

/// Every write of one part in one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Writes(Vec<FieldWrite>);

/// What a write sets a user's activity to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activity {
    To(bool),
    /// A PUT without the attribute: the application may treat the user as active.
    LeftOut,
    /// The attribute is removed; only the application knows what that means.
    Removed,
}

/// Every write of a user's activity in one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ActivityWrites(Vec<Activity>);

/// A write of a person's name. The record stores only the full name, so the parts that one
/// operation writes are judged together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NameWrite {
    pub(crate) given: Option<FieldWrite>,
    pub(crate) family: Option<FieldWrite>,
    /// The operation that wrote it.
    pub(crate) operation: usize,
}

// === impl Writes ===

impl Writes {
    /// One write.
    pub(crate) fn one(write: FieldWrite) -> Self {
        Self(vec![write])
    }

    /// A write of this value; `None` is no write.
    pub(crate) fn set(value: Option<&str>) -> Self {
        Self(
            value
                .map(|value| FieldWrite::Set(value.to_owned()))
                .into_iter()
                .collect(),
        )
    }

    /// A write of this value; `None` clears the part (RFC 7644 §3.5.1).
    pub(crate) fn replaced(value: Option<&str>) -> Self {
        Self::one(value.map_or(FieldWrite::Clear, |value| FieldWrite::Set(value.to_owned())))
    }

    pub(crate) fn push(&mut self, write: FieldWrite) {
        self.0.push(write);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this holds for any of the writes, taken alone.
    pub(crate) fn any(&self, holds: impl Fn(&FieldWrite) -> bool) -> bool {
        self.0.iter().any(holds)
    }

    /// Every value that the part may get by any of the writes.
    pub(crate) fn values(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|write| match write {
            FieldWrite::Set(value) => std::slice::from_ref(value).iter().map(String::as_str),
            FieldWrite::Clear => [].iter().map(String::as_str),
            FieldWrite::Unknown(values) => values.iter().map(String::as_str),
        })
    }

    /// The value that the part has afterwards, if it is set and known.
    pub(crate) fn value(&self) -> Option<&str> {
        match self.0.last() {
            Some(FieldWrite::Set(value)) => Some(value),
            _ => None,
        }
    }

    /// The value that all writes set; `None` if they differ.
    pub(crate) fn agreed(&self) -> Option<&str> {
        let FieldWrite::Set(value) = self.0.first()? else {
            return None;
        };
        let is_same =
            |write: &FieldWrite| matches!(write, FieldWrite::Set(other) if other == value);
        self.0.iter().all(is_same).then_some(value)
    }

    /// The value after all writes, given the one before; `None` if it is empty or unknown.
    pub(crate) fn after(&self, before: Option<&str>) -> Option<String> {
        match self.0.last() {
            None => before.map(str::to_owned),
            Some(_) => self.value().map(str::to_owned),
        }
    }

    /// Whether any of the writes, taken alone, changes the recorded identifier.
    pub(crate) fn change_identifier(&self, before: Option<&str>) -> bool {
        self.any(|write| match write {
            FieldWrite::Set(value) => before != Some(value),
            FieldWrite::Clear => before.is_some(),
            FieldWrite::Unknown(_) => true,
        })
    }
}

// === impl ActivityWrites ===

impl ActivityWrites {
    /// One write.
    pub(crate) fn one(write: Activity) -> Self {
        Self(vec![write])
    }

    pub(crate) fn push(&mut self, write: Activity) {
        self.0.push(write);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether any of the writes, taken alone, may change the user's state.
    pub(crate) fn may_change(&self, active: bool) -> bool {
        self.0.iter().any(|write| match write {
            Activity::To(wanted) => *wanted != active,
            Activity::LeftOut => !active,
            Activity::Removed => true,
        })
    }

    /// The state that all writes ask for; `None` if they differ, or ask for no definite state.
    pub(crate) fn agreed(&self) -> Option<bool> {
        let Some(Activity::To(wanted)) = self.0.first() else {
            return None;
        };
        self.0
            .iter()
            .all(|write| *write == Activity::To(*wanted))
            .then_some(*wanted)
    }

    /// The state after all writes, given the one before.
    pub(crate) fn after(&self, active: bool) -> bool {
        match self.0.last() {
            Some(Activity::To(wanted)) => *wanted,
            _ => active,
        }
    }
}

// === impl NameWrite ===

impl NameWrite {
    /// The full name, if this write sets all of it.
    pub(crate) fn full(&self) -> Option<String> {
        match (&self.given, &self.family) {
            (Some(FieldWrite::Set(given)), Some(FieldWrite::Set(family))) => {
                Some(format!("{given} {family}"))
            }
            _ => None,
        }
    }
}
