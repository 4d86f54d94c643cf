//! The guard's record, read from its database.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use scimguard_tests::fixtures::ACCOUNT;
use scimguard_tests::model::{Group, Id};
use scimguard_tests::oracle::{Intended, Known, Record};

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

/// Reads the record of a guard's database.
pub(crate) fn read(database: &Path) -> anyhow::Result<Record> {
    let connection = open(database)?;
    let mut record = Record::default();
    read_users(&mut record, &connection)?;
    read_groups(&mut record, &connection)?;
    read_members(&mut record, &connection)?;
    Ok(record)
}

fn read_users(record: &mut Record, connection: &Connection) -> rusqlite::Result<()> {
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
            record.open.push(format!("user {}", known.mail));
        }
        if row.get("owned")? {
            record.users.insert(row.get("id")?, known);
        }
    }
    Ok(())
}

fn read_groups(record: &mut Record, connection: &Connection) -> rusqlite::Result<()> {
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
            record.intended.push(Intended {
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
            record.open.push(format!("group {id}"));
        }
        if row.get("owned")? {
            let group = Group {
                name: name.unwrap_or_default(),
                managed: true,
                members: [].into(),
            };
            record.groups.insert(id, group);
        }
    }
    Ok(())
}

fn read_members(record: &mut Record, connection: &Connection) -> rusqlite::Result<()> {
    let mut members = connection
        .prepare("SELECT group_id, user_id, pending <> 0 AS open FROM members WHERE account = ?")?;
    let mut rows = members.query([ACCOUNT])?;
    while let Some(row) = rows.next()? {
        let (group, user): (Id, Id) = (row.get("group_id")?, row.get("user_id")?);
        if row.get("open")? {
            record.open_members.push((group.clone(), user.clone()));
        }
        if let Some(group) = record.groups.get_mut(&group) {
            group.members.insert(user);
        }
    }
    Ok(())
}
