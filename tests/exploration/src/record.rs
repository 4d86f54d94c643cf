//! The record: the real transitions in memory, and in some worlds also the real store in SQLite,
//! which then answers. Both must have the same rows after each commit.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use scimguard_core::facts::{
    Answer, Group, GroupRowKey, Key, Membership, ResourceKind, RowId, Rows, Table, User,
};
use scimguard_core::record::settlement::Step;
use scimguard_knowledge::{OpenIntent, OpenMembers};
use scimguard_store::Direct;
use serde::{Deserialize, Serialize};

use super::calls::{Only, Open, Reply};
use super::code::shown;

/// Where a record is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Backing {
    /// In memory.
    #[default]
    Memory,
    /// In an SQLite database in memory.
    Sqlite,
}

/// The record.
pub(crate) struct Record {
    table: Arc<Table>,
    /// A hash of its rows, computed when first needed.
    hash: OnceCell<u64>,
    /// The same rows in SQLite.
    sqlite: Option<Direct>,
}

impl Record {
    /// A record with only these tokens and principals.
    pub(crate) fn new(table: Table, backing: Backing) -> anyhow::Result<Self> {
        Ok(Self {
            table: Arc::new(table),
            hash: OnceCell::new(),
            sqlite: match backing {
                Backing::Memory => None,
                Backing::Sqlite => Some(Direct::new()?),
            },
        })
    }

    /// A copy of a record in memory.
    pub(crate) fn copy(&self) -> Option<Self> {
        self.sqlite.is_none().then(|| Self {
            table: Arc::clone(&self.table),
            hash: self.hash.clone(),
            sqlite: None,
        })
    }

    /// The rows.
    pub(crate) fn rows(&self) -> &Rows {
        self.table.rows()
    }

    /// A hash of the rows.
    pub(crate) fn hash(&self) -> u64 {
        *self.hash.get_or_init(|| shown(self.rows()))
    }

    /// Answers keys in order. Tokens and principals are in memory only.
    pub(crate) fn answer(&self, keys: &[Key]) -> anyhow::Result<Vec<Answer>> {
        let Some(sqlite) = &self.sqlite else {
            return Ok(self.table.answer_all(keys));
        };
        let is_of_rows =
            |key: &Key| !matches!(key, Key::Token(_) | Key::Verified(_) | Key::Principal(_));
        let of_rows: Vec<Key> = keys.iter().filter(|key| is_of_rows(key)).cloned().collect();
        let mut of_rows = sqlite.answer(&of_rows)?.into_iter();
        let answers = keys.iter().map(|key| match is_of_rows(key) {
            true => of_rows.next().unwrap_or(Answer::Unavailable),
            false => self.table.answer(key),
        });
        Ok(answers.collect())
    }

    /// Commits. `now` is in milliseconds since 1970.
    pub(crate) fn commit(&mut self, steps: &[Step], now: u64) -> anyhow::Result<()> {
        self.hash = OnceCell::new();
        let rows = Arc::make_mut(&mut self.table).rows_mut();
        for step in steps {
            rows.apply(&step.transition(), now);
        }
        if let Some(sqlite) = &mut self.sqlite {
            sqlite.apply(steps, now)?;
            let stored = sqlite.rows()?;
            anyhow::ensure!(
                stored == *rows,
                "SQLite has other rows than memory: {stored:?} instead of {rows:?}"
            );
        }
        Ok(())
    }

    /// Answers questions about open outcomes.
    pub(crate) fn open(&self, question: &Open) -> anyhow::Result<Reply> {
        Ok(match &self.sqlite {
            Some(sqlite) => open_in_sqlite(sqlite, question)?,
            None => open_in_memory(self.rows(), question),
        })
    }
}

fn open_in_sqlite(sqlite: &Direct, question: &Open) -> Result<Reply, scimguard_store::Error> {
    Ok(match question {
        Open::Intents(only) => Reply::Intents(sqlite.open_intents(only.as_ref())?),
        Open::Users(before, only) => Reply::Users(sqlite.open_users(*before, only.as_ref())?),
        Open::Groups(before, only) => Reply::Groups(sqlite.open_groups(*before, only.as_ref())?),
        Open::Members(before) => Reply::Members(sqlite.open_members(*before)?),
        Open::MembersOf(group, before) => Reply::MembersOf(sqlite.open_members_of(group, *before)?),
        Open::Group(account, id) => Reply::Group(sqlite.recorded_group(account, id)?),
    })
}

fn open_in_memory(rows: &Rows, question: &Open) -> Reply {
    match question {
        Open::Intents(only) => Reply::Intents(open_intents(rows, only)),
        Open::Users(before, only) => Reply::Users(open_users(rows, *before, only)),
        Open::Groups(before, only) => Reply::Groups(open_groups(rows, *before, only)),
        Open::Members(before) => Reply::Members(open_members(rows, *before)),
        Open::MembersOf(group, before) => Reply::MembersOf(open_members_of(rows, group, *before)),
        Open::Group(account, id) => {
            let key = GroupRowKey::new(account, "", RowId::known(id));
            Reply::Group(rows.groups.get(&key).map(|row| row.group.clone()))
        }
    }
}

fn open_intents(rows: &Rows, only: &Only) -> Vec<OpenIntent> {
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
    let is_asked = |intent: &OpenIntent| is_only(only, &intent.account, Some(&intent.key));
    let mut open: Vec<OpenIntent> = users.chain(groups).filter(is_asked).collect();
    open.sort_by_key(|intent| intent.opened);
    open
}

fn open_users(rows: &Rows, before: u64, only: &Only) -> Vec<User> {
    let users = rows.users.iter().filter(|(key, row)| {
        row.user.write_pending
            && row.opened.unwrap_or_default() <= before
            && key.id.as_known().is_some()
            && is_only(only, &key.account, key.id.as_known())
    });
    users.map(|(_, row)| row.user.clone()).collect()
}

fn open_groups(rows: &Rows, before: u64, only: &Only) -> Vec<Group> {
    let groups = rows.groups.iter().filter(|(key, row)| {
        row.group.write_pending
            && row.opened.unwrap_or_default() <= before
            && key.id.as_known().is_some()
            && is_only(only, &key.account, key.id.as_known())
    });
    groups.map(|(_, row)| row.group.clone()).collect()
}

fn open_members(rows: &Rows, before: u64) -> Vec<OpenMembers> {
    let open = rows.memberships.iter().filter_map(|(key, row)| {
        let id = key.group.as_known()?;
        let is_open = row.membership != Membership::Confirmed;
        (is_open && row.opened.unwrap_or_default() <= before).then(|| OpenMembers {
            account: key.account.clone(),
            group_id: id.to_owned(),
        })
    });
    let open: BTreeSet<OpenMembers> = open.collect();
    open.into_iter().collect()
}

fn open_members_of(rows: &Rows, group: &OpenMembers, before: u64) -> BTreeSet<String> {
    let key = GroupRowKey::new(&group.account, "", RowId::known(&group.group_id));
    let open = rows.members(&key).filter(|(_, row)| {
        row.membership != Membership::Confirmed && row.opened.unwrap_or_default() <= before
    });
    open.map(|(key, _)| key.user.clone()).collect()
}

fn is_only(only: &Only, account: &str, id: Option<&str>) -> bool {
    let is_it = |(of, key): &(String, String)| of == account && Some(key.as_str()) == id;
    only.as_ref().is_none_or(is_it)
}

fn opened(at: Option<u64>) -> i64 {
    at.and_then(|at| i64::try_from(at).ok()).unwrap_or_default()
}
