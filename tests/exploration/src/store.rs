//! The record in memory, with the transitions of the real one.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use scimguard_core::facts::{
    Answer, Group, GroupRowKey, Key, Membership, ResourceKind, RowId, Table, User,
};
use scimguard_core::record::settlement::Step;
use scimguard_knowledge::{OpenIntent, OpenMembers, Store};

use super::calls::{Call, Desk, Reply};

/// The record.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<Table>>);

/// The store failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Away;

impl Memory {
    /// A record that holds this.
    pub(crate) fn new(table: Table) -> Self {
        Self(Arc::new(Mutex::new(table)))
    }

    /// The record.
    pub(crate) fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Commits. `now` is in milliseconds since 1970.
    pub(crate) fn commit(&self, steps: &[Step], now: u64) {
        let mut table = self.table();
        for step in steps {
            table.rows_mut().apply(&step.transition(), now);
        }
    }
}

/// The record, as one request's code reaches it.
pub(crate) struct Reached {
    /// The record.
    pub(crate) memory: Memory,
    /// Where the code waits.
    pub(crate) desk: Arc<Desk>,
}

impl Store for Reached {
    type Error = Away;

    async fn answer(&self, keys: &[Key]) -> Result<Vec<Answer>, Away> {
        match self.desk.ask(Call::Answer(keys.to_vec())).await {
            Reply::Answers(answers) => Ok(answers),
            _ => Err(Away),
        }
    }

    async fn apply(&self, steps: Vec<Step>) -> Result<(), Away> {
        match self.desk.ask(Call::Apply(steps)).await {
            Reply::Done => Ok(()),
            _ => Err(Away),
        }
    }

    async fn open_intents(&self, only: Option<(&str, &str)>) -> Result<Vec<OpenIntent>, Away> {
        let table = self.memory.table();
        let rows = table.rows();
        let users = rows.users.iter().filter_map(|(key, row)| match &key.id {
            RowId::Known(_) => None,
            RowId::Intent(intent) => Some(OpenIntent {
                kind: ResourceKind::User,
                account: key.account.clone(),
                key: intent.clone(),
                name: row.user.user_name.clone(),
                derived_id: None,
                taken: false,
                external_id: row.user.external_id.clone(),
                opened: opened(row.opened.or(row.user.since)),
            }),
        });
        let groups = rows.groups.iter().filter_map(|(key, row)| match &key.id {
            RowId::Known(_) => None,
            RowId::Intent(intent) => {
                let derived_id = row.group.derived_id.clone();
                let is_held = derived_id.as_deref().is_some_and(|id| {
                    let id = RowId::known(id);
                    rows.groups
                        .contains_key(&GroupRowKey::new(&key.account, "", id))
                });
                Some(OpenIntent {
                    kind: ResourceKind::Group,
                    account: key.account.clone(),
                    key: intent.clone(),
                    name: row.group.display_name.clone().unwrap_or_default(),
                    derived_id,
                    taken: row.taken || is_held,
                    external_id: row.group.external_id.clone(),
                    opened: opened(row.opened.or(row.group.since)),
                })
            }
        });
        let is_asked = |intent: &OpenIntent| {
            only.is_none_or(|(account, key)| (account, key) == (&intent.account, &intent.key))
        };
        let mut open: Vec<OpenIntent> = users.chain(groups).filter(is_asked).collect();
        open.sort_by_key(|intent| intent.opened);
        Ok(open)
    }

    async fn open_users(&self, before: u64, only: Option<(&str, &str)>) -> Result<Vec<User>, Away> {
        let table = self.memory.table();
        let users = table.rows().users.iter().filter(|(key, row)| {
            let known = key.id.as_known().map(|id| (key.account.as_str(), id));
            row.user.write_pending
                && row.opened.unwrap_or_default() <= before
                && known.is_some_and(|known| only.is_none_or(|only| only == known))
        });
        Ok(users.map(|(_, row)| row.user.clone()).collect())
    }

    async fn open_groups(
        &self,
        before: u64,
        only: Option<(&str, &str)>,
    ) -> Result<Vec<Group>, Away> {
        let table = self.memory.table();
        let groups = table.rows().groups.iter().filter(|(key, row)| {
            let known = key.id.as_known().map(|id| (key.account.as_str(), id));
            row.group.write_pending
                && row.opened.unwrap_or_default() <= before
                && known.is_some_and(|known| only.is_none_or(|only| only == known))
        });
        Ok(groups.map(|(_, row)| row.group.clone()).collect())
    }

    async fn open_members(&self, before: u64) -> Result<Vec<OpenMembers>, Away> {
        let table = self.memory.table();
        let open = table.rows().memberships.iter().filter_map(|(key, row)| {
            let id = key.group.as_known()?;
            let is_open = row.membership != Membership::Confirmed;
            (is_open && row.opened.unwrap_or_default() <= before).then(|| OpenMembers {
                account: key.account.clone(),
                group_id: id.to_owned(),
            })
        });
        let open: BTreeSet<OpenMembers> = open.collect();
        Ok(open.into_iter().collect())
    }

    async fn open_members_of(
        &self,
        group: &OpenMembers,
        before: u64,
    ) -> Result<BTreeSet<String>, Away> {
        let key = GroupRowKey::new(&group.account, "", RowId::known(&group.group_id));
        let table = self.memory.table();
        let open = table.rows().members(&key).filter(|(_, row)| {
            row.membership != Membership::Confirmed && row.opened.unwrap_or_default() <= before
        });
        Ok(open.map(|(key, _)| key.user.clone()).collect())
    }

    async fn recorded_group(&self, account: &str, id: &str) -> Result<Option<Group>, Away> {
        let key = GroupRowKey::new(account, "", RowId::known(id));
        let table = self.memory.table();
        let row = table.rows().groups.get(&key);
        Ok(row.map(|row| row.group.clone()))
    }
}

fn opened(at: Option<u64>) -> i64 {
    at.and_then(|at| i64::try_from(at).ok()).unwrap_or_default()
}
