//! The store without its file and threads: SQLite in memory, on the caller's thread, with times
//! from the caller. For tests that choose the order of events.

use std::collections::BTreeSet;

use rusqlite::{Connection, Transaction};
use scimguard_core::facts::{
    Answer, Group, GroupRow, GroupRowKey, Key, MembershipKey, RowId, Rows, User, UserRow,
    UserRowKey,
};
use scimguard_core::record::settlement::Step;
use scimguard_core::record::transition::Reads;
use scimguard_knowledge::{OpenIntent, OpenMembers};

use super::open::{self, Only};
use super::rows::{self, FromColumns as _, Stored, group_columns, user_columns};
use super::{Error, OPTIONS, answer, records};
use crate::database::{self, Statements as _};

/// The store in memory. Times are in milliseconds since 1970. `only`: an account and a key or id.
#[derive(Debug)]
pub struct Direct(Connection);

impl Direct {
    /// An empty store.
    ///
    /// # Errors
    /// If SQLite fails, as in every function here.
    pub fn new() -> Result<Self, Error> {
        let connection = Connection::open_in_memory().map_err(database::Error::from)?;
        connection.set_prepared_statement_cache_capacity(database::STATEMENTS);
        database::migrations::apply(&connection, OPTIONS.migrations)?;
        Ok(Self(connection))
    }

    /// Answers every key, in order.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn answer(&self, keys: &[Key]) -> Result<Vec<Answer>, Error> {
        Ok(answer(&self.0, keys)?)
    }

    /// Applies the steps in order, all or none.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn apply(&mut self, steps: &[Step], now: u64) -> Result<(), Error> {
        let transaction =
            Transaction::new_unchecked(&self.0, rusqlite::TransactionBehavior::Immediate)?;
        records::apply(&transaction, steps.iter().map(Step::transition), now)?;
        Ok(transaction.commit()?)
    }

    /// All users, groups, memberships and retries.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn rows(&self) -> Result<Rows, Error> {
        Ok(all(&self.0)?)
    }

    /// Unsettled creates.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn open_intents(&self, only: Option<&Only>) -> Result<Vec<OpenIntent>, Error> {
        Ok(open::open_intents(&self.0, only)?)
    }

    /// Users with a change that has been open since before a time.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn open_users(&self, before: u64, only: Option<&Only>) -> Result<Vec<User>, Error> {
        Ok(open::open_users(&self.0, before, only)?)
    }

    /// Groups with a change that has been open since before a time.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn open_groups(&self, before: u64, only: Option<&Only>) -> Result<Vec<Group>, Error> {
        Ok(open::open_groups(&self.0, before, only)?)
    }

    /// Groups with memberships that have been open since before a time.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn open_members(&self, before: u64) -> Result<Vec<OpenMembers>, Error> {
        Ok(open::open_members(&self.0, before)?)
    }

    /// Memberships of a group that have been open since before a time.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn open_members_of(
        &self,
        group: &OpenMembers,
        before: u64,
    ) -> Result<BTreeSet<String>, Error> {
        Ok(open::open_members_of(&self.0, group, before)?)
    }

    /// The group with exactly this id.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn recorded_group(&self, account: &str, id: &str) -> Result<Option<Group>, Error> {
        Ok(open::recorded_group(&self.0, account, id)?)
    }
}

/// All rows.
pub(crate) fn all(connection: &Connection) -> rusqlite::Result<Rows> {
    const USERS: &str = concat!("SELECT ", user_columns!("0"), " FROM users u");
    const GROUPS: &str = concat!("SELECT ", group_columns!(), " FROM groups g");
    const KEYS: &str = "
        SELECT account, scope, group_id, user_id FROM members
        UNION SELECT account, scope, group_id, user_id FROM retries";
    let mut all = Rows::default();
    for Stored { id, row } in connection.all(USERS, (), Stored::<UserRow>::of)? {
        let key = UserRowKey::new(&row.user.account, id);
        all.users.insert(key, row);
    }
    for Stored { id, row } in connection.all(GROUPS, (), Stored::<GroupRow>::of)? {
        let key = GroupRowKey::new(&row.group.account, &row.group.scope, id);
        all.groups.insert(key, row);
    }
    let keys: Vec<(String, String, String, String)> =
        connection.all(KEYS, (), |row| row.try_into())?;
    for (account, scope, group, user) in keys {
        let group = GroupRowKey::new(&account, &scope, RowId::from_text(group));
        let reads = Reads::Membership(MembershipKey::of(&group, &user));
        let loaded = rows::load(connection, reads)?;
        all.memberships.extend(loaded.memberships);
        all.retries.extend(loaded.retries);
    }
    Ok(all)
}
