//! How a request changes a group's members: the net effect, which becomes the record, and each
//! operation alone, which is what is judged.

use std::collections::BTreeSet;

/// A net effect on a group's members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum MembersWrite {
    #[default]
    Untouched,
    /// These are added, those are removed, all others stay.
    Delta {
        add: BTreeSet<String>,
        remove: BTreeSet<String>,
    },
    /// Afterwards exactly these users are members.
    Replace(BTreeSet<String>),
    /// The members change in an unknown way.
    Unknown,
}

/// Every write of a group's members in one request. The operations are added one by one, and a
/// later one never hides an earlier one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MembersWrites {
    net: MembersWrite,
    added: BTreeSet<String>,
    removed: BTreeSet<String>,
    kept: Option<BTreeSet<String>>,
}

impl MembersWrites {
    /// A change with an unknown result.
    pub(crate) fn unknown() -> Self {
        Self {
            net: MembersWrite::Unknown,
            ..Self::default()
        }
    }

    /// These users are added.
    pub(crate) fn add(&mut self, ids: impl IntoIterator<Item = String>) {
        let ids: BTreeSet<String> = ids.into_iter().collect();
        self.net = match std::mem::take(&mut self.net) {
            MembersWrite::Unknown => MembersWrite::Unknown,
            MembersWrite::Replace(mut all) => {
                all.extend(ids.iter().cloned());
                MembersWrite::Replace(all)
            }
            net => {
                let (mut add, mut remove) = net.delta();
                take(&mut remove, &ids);
                add.extend(ids.iter().cloned());
                MembersWrite::Delta { add, remove }
            }
        };
        self.added.extend(ids);
    }

    /// These users are removed.
    pub(crate) fn remove(&mut self, ids: impl IntoIterator<Item = String>) {
        let ids: BTreeSet<String> = ids.into_iter().collect();
        self.net = match std::mem::take(&mut self.net) {
            MembersWrite::Unknown => MembersWrite::Unknown,
            MembersWrite::Replace(mut all) => {
                take(&mut all, &ids);
                MembersWrite::Replace(all)
            }
            net => {
                let (mut add, mut remove) = net.delta();
                take(&mut add, &ids);
                remove.extend(ids.iter().cloned());
                MembersWrite::Delta { add, remove }
            }
        };
        self.removed.extend(ids);
    }

    /// Afterwards exactly these users are members.
    pub(crate) fn replace(&mut self, ids: impl IntoIterator<Item = String>) {
        let all: BTreeSet<String> = ids.into_iter().collect();
        self.added.extend(all.iter().cloned());
        match &mut self.kept {
            Some(kept) => kept.retain(|id| all.contains(id)),
            None => self.kept = Some(all.clone()),
        }
        if self.net != MembersWrite::Unknown {
            self.net = MembersWrite::Replace(all);
        }
    }

    /// The net effect of all operations.
    pub(crate) fn net(&self) -> &MembersWrite {
        &self.net
    }

    /// The users whom any of the operations adds.
    pub(crate) fn added(&self) -> &BTreeSet<String> {
        &self.added
    }

    /// The users whom any of the operations removes by name.
    pub(crate) fn removed(&self) -> &BTreeSet<String> {
        &self.removed
    }

    /// The users whom none of the replacements leaves out; `None` without a replacement.
    pub(crate) fn kept(&self) -> Option<&BTreeSet<String>> {
        self.kept.as_ref()
    }

    /// How many users the request names.
    pub(crate) fn len(&self) -> usize {
        self.added.len() + self.removed.len()
    }
}

// === impl MembersWrite ===

impl MembersWrite {
    /// Additions and removals, if nothing else was written.
    fn delta(self) -> (BTreeSet<String>, BTreeSet<String>) {
        match self {
            Self::Delta { add, remove } => (add, remove),
            Self::Untouched | Self::Replace(_) | Self::Unknown => Default::default(),
        }
    }
}

/// Takes time in proportion to `ids`, however large `from` is: a request can have many operations.
fn take(from: &mut BTreeSet<String>, ids: &BTreeSet<String>) {
    for id in ids {
        from.remove(id);
    }
}
