//! The record in memory, with the transitions of the real one.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use scimguard_core::facts::{
    Answer, Group, GroupRowKey, Key, Membership, ResourceKind, RowId, Rows, Table, User,
};
use scimguard_core::record::settlement::Step;
use scimguard_knowledge::{OpenIntent, OpenMembers, Store};

use super::calls::{Call, Desk, Only, Open, Reply};
use super::code::shown;

/// The record.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    table: Arc<Table>,
    /// A hash of its rows, once somebody wants it.
    hash: OnceCell<u64>,
}

/// The store failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Away;

impl Memory {
    /// A record that holds this.
    pub(crate) fn new(table: Table) -> Self {
        Self {
            table: Arc::new(table),
            hash: OnceCell::new(),
        }
    }

    /// The rows.
    pub(crate) fn rows(&self) -> &Rows {
        self.table.rows()
    }

    /// A hash of the rows.
    pub(crate) fn hash(&self) -> u64 {
        *self.hash.get_or_init(|| shown(self.rows()))
    }

    /// Answers keys, in order.
    pub(crate) fn answer(&self, keys: &[Key]) -> Vec<Answer> {
        self.table.answer_all(keys)
    }

    /// Commits. `now` is in milliseconds since 1970.
    pub(crate) fn commit(&mut self, steps: &[Step], now: u64) {
        self.hash = OnceCell::new();
        let rows = Arc::make_mut(&mut self.table).rows_mut();
        for step in steps {
            rows.apply(&step.transition(), now);
        }
    }

    /// Answers what is open.
    pub(crate) fn open(&self, question: &Open) -> Reply {
        let rows = self.rows();
        match question {
            Open::Intents(only) => Reply::Intents(open_intents(rows, only)),
            Open::Users(before, only) => Reply::Users(open_users(rows, *before, only)),
            Open::Groups(before, only) => Reply::Groups(open_groups(rows, *before, only)),
            Open::Members(before) => Reply::Members(open_members(rows, *before)),
            Open::MembersOf(group, before) => {
                Reply::MembersOf(open_members_of(rows, group, *before))
            }
            Open::Group(account, id) => {
                let key = GroupRowKey::new(account, "", RowId::known(id));
                Reply::Group(rows.groups.get(&key).map(|row| row.group.clone()))
            }
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

/// The record, as one request's code reaches it.
pub(crate) struct Reached(pub(crate) Arc<Desk>);

impl Store for Reached {
    type Error = Away;

    async fn answer(&self, keys: &[Key]) -> Result<Vec<Answer>, Away> {
        match self.0.ask(Call::Answer(keys.to_vec())).await {
            Reply::Answers(answers) => Ok(answers),
            _ => Err(Away),
        }
    }

    async fn apply(&self, steps: Vec<Step>) -> Result<(), Away> {
        match self.0.ask(Call::Apply(steps)).await {
            Reply::Done => Ok(()),
            _ => Err(Away),
        }
    }

    async fn open_intents(&self, only: Option<(&str, &str)>) -> Result<Vec<OpenIntent>, Away> {
        match self.0.ask(Call::Open(Open::Intents(owned(only)))).await {
            Reply::Intents(open) => Ok(open),
            _ => Err(Away),
        }
    }

    async fn open_users(&self, before: u64, only: Option<(&str, &str)>) -> Result<Vec<User>, Away> {
        match self
            .0
            .ask(Call::Open(Open::Users(before, owned(only))))
            .await
        {
            Reply::Users(open) => Ok(open),
            _ => Err(Away),
        }
    }

    async fn open_groups(
        &self,
        before: u64,
        only: Option<(&str, &str)>,
    ) -> Result<Vec<Group>, Away> {
        match self
            .0
            .ask(Call::Open(Open::Groups(before, owned(only))))
            .await
        {
            Reply::Groups(open) => Ok(open),
            _ => Err(Away),
        }
    }

    async fn open_members(&self, before: u64) -> Result<Vec<OpenMembers>, Away> {
        match self.0.ask(Call::Open(Open::Members(before))).await {
            Reply::Members(open) => Ok(open),
            _ => Err(Away),
        }
    }

    async fn open_members_of(
        &self,
        group: &OpenMembers,
        before: u64,
    ) -> Result<BTreeSet<String>, Away> {
        let question = Open::MembersOf(group.clone(), before);
        match self.0.ask(Call::Open(question)).await {
            Reply::MembersOf(open) => Ok(open),
            _ => Err(Away),
        }
    }

    async fn recorded_group(&self, account: &str, id: &str) -> Result<Option<Group>, Away> {
        let question = Open::Group(account.to_owned(), id.to_owned());
        match self.0.ask(Call::Open(question)).await {
            Reply::Group(group) => Ok(group),
            _ => Err(Away),
        }
    }
}

fn owned(only: Option<(&str, &str)>) -> Only {
    only.map(|(account, id)| (account.to_owned(), id.to_owned()))
}
