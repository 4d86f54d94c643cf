//! The guard's record, read from its database.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use scimguard_tests::fixtures::ACCOUNT;
use scimguard_tests::model::{Group, Id, World};

/// The record of one account.
#[derive(Debug)]
pub(crate) struct Record {
    /// Owned users.
    pub(crate) users: BTreeMap<Id, Known>,
    /// Owned groups, and who is in them.
    pub(crate) groups: BTreeMap<Id, Group>,
    /// Outcomes that nobody knows, of users and groups.
    pub(crate) open: Vec<String>,
    /// The same of memberships: group and user.
    open_members: Vec<(Id, Id)>,
    /// Groups whose create has no outcome yet.
    intended: Vec<Intended>,
}

/// What is recorded of a user.
#[derive(Debug)]
pub(crate) struct Known {
    mail: String,
    name: Option<String>,
    active: bool,
}

/// A group that the provider may have created.
#[derive(Debug)]
struct Intended {
    name: String,
    /// The id that its name gives.
    id: Id,
    /// Another group had that id.
    taken: bool,
    members: BTreeSet<Id>,
}

/// All rows, one a line, for whoever has to understand what went wrong.
pub(crate) fn rows(database: &Path) -> anyhow::Result<String> {
    const ROWS: [&str; 3] = [
        "SELECT json_array('user', id, user_name, managed_by, active, pending, leaving, intent, \
         opened) FROM users ORDER BY id",
        "SELECT json_array('group', id, display_name, derived_id, managed_by, pending, leaving, \
         intent, taken, opened) FROM groups ORDER BY id",
        "SELECT json_array('member', group_id, user_id, pending, token, opened) FROM members \
         ORDER BY group_id, user_id",
    ];
    let connection = open(database)?;
    let mut rows: Vec<String> = Vec::new();
    for statement in ROWS {
        let mut statement = connection.prepare(statement)?;
        for row in statement.query_map((), |row| row.get(0))? {
            rows.push(row?);
        }
    }
    Ok(rows.join("\n"))
}

fn open(database: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

impl Record {
    pub(crate) fn read(database: &Path) -> anyhow::Result<Self> {
        let connection = open(database)?;
        let mut record = Self {
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            open: Vec::new(),
            open_members: Vec::new(),
            intended: Vec::new(),
        };
        record.read_users(&connection)?;
        record.read_groups(&connection)?;
        record.read_members(&connection)?;
        Ok(record)
    }

    fn read_users(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut users = connection.prepare(
            "SELECT id, user_name, display_name, active, managed_by IS NOT NULL AS owned, \
             intent OR pending OR leaving AS open FROM users WHERE account = ?",
        )?;
        let mut rows = users.query([ACCOUNT])?;
        while let Some(row) = rows.next()? {
            let known = Known {
                mail: row.get("user_name")?,
                name: row.get("display_name")?,
                active: row.get("active")?,
            };
            if row.get("open")? {
                self.open.push(format!("user {}", known.mail));
            }
            if row.get("owned")? {
                self.users.insert(row.get("id")?, known);
            }
        }
        Ok(())
    }

    fn read_groups(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut members = connection.prepare("SELECT user_id FROM members WHERE group_id = ?")?;
        let mut groups = connection.prepare(
            "SELECT id, display_name, derived_id, managed_by IS NOT NULL AS owned, intent, taken, \
             (pending OR leaving) AND managed_by IS NOT NULL AS open FROM groups WHERE account = ?",
        )?;
        let mut rows = groups.query([ACCOUNT])?;
        while let Some(row) = rows.next()? {
            let name: Option<String> = row.get("display_name")?;
            let id: Id = row.get("id")?;
            if row.get("intent")? {
                self.intended.push(Intended {
                    name: name.unwrap_or_default(),
                    id: row.get("derived_id")?,
                    taken: row.get("taken")?,
                    members: members
                        .query_map([&id], |row| row.get(0))?
                        .collect::<rusqlite::Result<_>>()?,
                });
                continue;
            }
            if row.get("open")? {
                self.open.push(format!("group {id}"));
            }
            if row.get("owned")? {
                let group = Group {
                    name: name.unwrap_or_default(),
                    managed: true,
                    members: [].into(),
                };
                self.groups.insert(id, group);
            }
        }
        Ok(())
    }

    fn read_members(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut members = connection.prepare(
            "SELECT group_id, user_id, pending <> 0 AS open FROM members WHERE account = ?",
        )?;
        let mut rows = members.query([ACCOUNT])?;
        while let Some(row) = rows.next()? {
            let (group, user): (Id, Id) = (row.get("group_id")?, row.get("user_id")?);
            if row.get("open")? {
                self.open_members.push((group.clone(), user.clone()));
            }
            if let Some(group) = self.groups.get_mut(&group) {
                group.members.insert(user);
            }
        }
        Ok(())
    }

    /// Whether nothing is open that the application can tell. It says of a group without members
    /// what another would say that never tells members: that one is empty may stay open. So may a
    /// native group that is gone: there are applications that show only what was pushed. Of several
    /// groups of one name, or one of the name and another of the id that it gives, nobody can tell
    /// which one a create made.
    pub(crate) fn is_settled(&self, world: &World) -> bool {
        let mut open = self.open_members.iter();
        let mut intended = self.intended.iter();
        self.open.is_empty()
            && open.all(|(group, _)| is_empty(world, group))
            && intended.all(|intended| may_be_several(world, intended))
    }

    /// Where the record and what the application has differ: what the provider provisioned must be
    /// owned as it is, and nothing else.
    pub(crate) fn differences(&self, world: &World) -> Vec<String> {
        let mut found = Vec::new();
        for (id, user) in world.users.iter().filter(|(_, user)| user.managed) {
            let agrees = |known: &Known| {
                known.mail.eq_ignore_ascii_case(&user.mail)
                    && known.active == user.active
                    && known.name.as_ref().is_none_or(|name| *name == user.name)
            };
            let known = self.users.get(id);
            if !known.is_some_and(agrees) {
                found.push(format!("user {id} is {user:?}, recorded as {known:?}"));
            }
        }
        for (id, group) in world.groups.iter().filter(|(_, group)| group.managed) {
            let known = self.groups.get(id);
            let agrees = |known: &Group| {
                let open = |user: &Id| self.open_members.contains(&(id.clone(), user.clone()));
                // Whom a group had when the user was deleted elsewhere at that moment, the application
                // keeps or forgets as it likes.
                let is_user = |user: &&Id| world.users.contains_key(*user);
                let mut has = group.members.iter().filter(is_user);
                // Or that a create has put in which may have made this group.
                let mut created = self.intended.iter().filter(|intended| intended.id == *id);
                known.name == group.name
                    && (known.members.iter().filter(is_user).eq(has.clone())
                        || (is_empty(world, id) && known.members.iter().all(open))
                        || created.any(|created| {
                            let known = |user| known.members.contains(user);
                            has.all(|user| known(user) || created.members.contains(user))
                        }))
            };
            let is_intended = |intended: &Intended| intended.name == group.name;
            if known.is_none() && self.intended.iter().any(is_intended) {
                continue;
            }
            if !known.is_some_and(agrees) {
                found.push(format!("group {id} is {group:?}, recorded as {known:?}"));
            }
        }
        for (id, known) in &self.users {
            if !world.users.get(id).is_some_and(|user| user.managed) {
                found.push(format!(
                    "user {id} is not the provider's, recorded as {known:?}"
                ));
            }
        }
        for (id, known) in &self.groups {
            if !world.is_pushed(id) {
                found.push(format!(
                    "group {id} is not the provider's, recorded as {known:?}"
                ));
            }
        }
        found
    }
}

fn may_be_several(world: &World, intended: &Intended) -> bool {
    let groups = world.groups.iter();
    let may_be = |(id, group): &(&Id, &Group)| group.name == intended.name || **id == intended.id;
    let is_named = world
        .groups
        .values()
        .any(|group| group.name == intended.name);
    is_named && (intended.taken || groups.filter(may_be).count() > 1)
}

fn is_empty(world: &World, group: &str) -> bool {
    let group = world.groups.get(group);
    group.is_none_or(|group| group.members.is_empty())
}
