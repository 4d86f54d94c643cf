//! One account as it is before a request: in the application, on record, and in the model.

use std::collections::BTreeSet;
use std::fmt;

use proptest::prelude::*;
use scimguard_core::facts::Table;
use serde_json::{Value, json};

use crate::application::{Application, text};
use crate::fixtures;
use crate::model::{Active, Edit, Group, Id, Profile, User, World};

/// Ids and names.
pub(crate) const USERS: [[&str; 4]; 4] = [
    ["u1", "ann@example.com", "Ann", "Lee"],
    ["u2", "bob@example.com", "Bob", "Ray"],
    ["u3", "kim@example.com", "Kim", "Day"],
    ["u4", "dan@example.com", "Dan", "Fox"],
];
/// Ids and names. The ids are those that the product derives.
pub(crate) const GROUPS: [[&str; 2]; 3] = [
    ["web_team", "web-team"],
    ["ops_team", "ops-team"],
    ["local", "local"],
];

/// The token of an operator.
pub(crate) const OPERATOR: &str = "pat.ACC1.adm1.s3cret";

/// Who is in the account, and whose.
#[derive(Clone)]
pub(crate) struct Account {
    users: Vec<Person>,
    groups: Vec<(bool, Vec<bool>)>,
}

#[derive(Clone, Debug)]
struct Person {
    managed: bool,
    active: bool,
    has_home_mail: bool,
    has_external_id: bool,
}

pub(crate) fn account() -> impl Strategy<Value = Account> {
    let person = (
        any::<bool>(),
        prop::bool::weighted(0.75),
        any::<bool>(),
        any::<bool>(),
    );
    let person = person.prop_map(|(managed, active, has_home_mail, has_external_id)| Person {
        managed,
        active,
        has_home_mail,
        has_external_id,
    });
    let users = prop::collection::vec(person, USERS.len());
    let members = prop::collection::vec(any::<bool>(), USERS.len());
    let groups = prop::collection::vec((any::<bool>(), members), GROUPS.len());
    (users, groups).prop_map(|(users, groups)| Account { users, groups })
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let called = |is: bool, word: &'static str| if is { word } else { "" };
        for (user, [id, ..]) in self.users.iter().zip(USERS) {
            let managed = called(user.managed, " managed");
            let asleep = called(!user.active, " deactivated");
            let home = called(user.has_home_mail, " with a home e-mail");
            let external_id = called(user.has_external_id, " with an external id");
            write!(f, "{id}{managed}{asleep}{home}{external_id}; ")?;
        }
        for (index, ((managed, _), [id, _])) in self.groups.iter().zip(GROUPS).enumerate() {
            let members: Vec<&str> = self.members(index).collect();
            write!(f, "{id}{} {members:?}; ", called(*managed, " managed"))?;
        }
        Ok(())
    }
}

impl Account {
    fn members(&self, group: usize) -> impl Iterator<Item = &'static str> {
        let is_in = self.groups[group].1.iter().zip(USERS);
        is_in.filter_map(|(is_in, [id, ..])| is_in.then_some(id))
    }

    /// The account in the application.
    pub(crate) fn application(&self, derives_ids: bool) -> Application {
        let users = self
            .users
            .iter()
            .zip(USERS)
            .map(|(user, [id, mail, given, family])| {
                let mut emails = vec![json!({"value": mail, "type": "work", "primary": true})];
                if user.has_home_mail {
                    emails.push(json!({"value": format!("{given}@home.example"), "type": "home"}));
                }
                let full = format!("{given} {family}");
                let mut shown = json!({
                    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": id,
                    "userName": mail, "displayName": full, "active": user.active, "emails": emails,
                    "name": {"givenName": given, "familyName": family, "formatted": full},
                });
                if user.has_external_id {
                    shown["externalId"] = format!("x{id}").into();
                }
                (id.to_owned(), shown)
            });
        let groups = GROUPS.iter().enumerate().map(|(index, [id, name])| {
            let members: Vec<Value> = self.members(index).map(|id| json!({"value": id})).collect();
            let mut shown = json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "id": id,
                "displayName": name,
            });
            if !members.is_empty() {
                shown["members"] = members.into();
            }
            ((*id).to_owned(), shown)
        });
        Application {
            users: users.collect(),
            groups: groups.collect(),
            derives_ids,
        }
    }

    /// The same account on record.
    pub(crate) fn table(&self) -> Table {
        let owner = |managed: bool| managed.then_some("okta");
        let users = self
            .users
            .iter()
            .zip(USERS)
            .map(|(user, [id, mail, given, family])| {
                json!({
                    "account": "ACC1", "id": id, "userName": mail, "active": user.active,
                    "displayName": format!("{given} {family}"), "managed_by": owner(user.managed),
                    "externalId": user.has_external_id.then(|| format!("x{id}")),
                })
            });
        let groups = self.groups.iter().zip(GROUPS).map(|((managed, _), [id, name])| {
            json!({"account": "ACC1", "id": id, "displayName": name, "managed_by": owner(*managed)})
        });
        let members = GROUPS.iter().enumerate().flat_map(|(index, [group, _])| {
            self.members(index)
                .map(move |user| json!({"account": "ACC1", "group": group, "user": user}))
        });
        fixtures::table(json!({
            "tokens": [{"token": OPERATOR, "account": "ACC1", "principal": "svc"}],
            "users": users.collect::<Vec<_>>(),
            "groups": groups.collect::<Vec<_>>(),
            "members": members.collect::<Vec<_>>(),
        }))
    }

    /// The same account in the model.
    pub(crate) fn world(&self) -> World {
        let users = self
            .users
            .iter()
            .zip(USERS)
            .map(|(user, [id, mail, given, family])| {
                let known = User {
                    mail: mail.to_owned(),
                    name: format!("{given} {family}"),
                    managed: user.managed,
                    active: user.active,
                    external_id: user.has_external_id.then(|| format!("x{id}")),
                };
                (id.to_owned(), known)
            });
        let groups = self.groups.iter().zip(GROUPS).enumerate();
        let groups = groups.map(|(index, ((managed, _), [id, name]))| {
            let known = Group {
                name: name.to_owned(),
                managed: *managed,
                members: self.members(index).map(str::to_owned).collect(),
            };
            (id.to_owned(), known)
        });
        World {
            users: users.collect(),
            groups: groups.collect(),
        }
    }
}

/// What changed in the application, as the edits of the model. `said`: what the request says of a
/// user's activity, whether it changes or not. `returning`: users whose external ids the actor may
/// give to another record of the same person.
pub(crate) fn edits(
    before: &Application,
    after: &Application,
    said: Active,
    returning: &BTreeSet<Id>,
) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (id, was) in &before.users {
        match after.users.get(id) {
            None => edits.push(Edit::DeleteUser(id.clone())),
            Some(is) if is == was => {}
            Some(is) => edits.push(Edit::WriteUser {
                user: id.clone(),
                profile: profile(before, id, was, is, returning),
                active: match is["active"] == was["active"] {
                    true => said,
                    false if is["active"] == true => Active::On,
                    false => Active::Off,
                },
            }),
        }
    }
    for (id, is) in &after.users {
        if !before.users.contains_key(id) {
            let profile = Profile {
                foreign_external_id: is_foreign(before, id, is, returning),
                ..Profile::default()
            };
            edits.push(Edit::create_user(&text(is, "userName"), profile, &[]));
        }
    }
    for (id, was) in &before.groups {
        let Some(is) = after.groups.get(id) else {
            edits.push(Edit::DeleteGroup(id.clone()));
            continue;
        };
        let name = text(is, "displayName");
        if is == was {
            continue;
        }
        let (had, has) = (members(was), members(is));
        let is_left = |user: &&Id| after.users.contains_key(*user);
        let name = (name != text(was, "displayName")).then_some(name);
        let add: BTreeSet<Id> = has.difference(&had).cloned().collect();
        let remove: BTreeSet<Id> = had.difference(&has).filter(is_left).cloned().collect();
        // Whoever deletes a user does not touch the groups.
        if name.is_some() || !add.is_empty() || !remove.is_empty() || had == has {
            edits.push(Edit::WriteGroup {
                group: id.clone(),
                name,
                add,
                remove,
            });
        }
    }
    for (id, is) in &after.groups {
        if !before.groups.contains_key(id) {
            let name = text(is, "displayName");
            edits.push(Edit::create_group(Some(id), &name, &members(is)));
        }
    }
    edits
}

/// What changed of a user's e-mail and name.
fn profile(
    before: &Application,
    id: &str,
    was: &Value,
    is: &Value,
    returning: &BTreeSet<Id>,
) -> Profile {
    let changed = |name: &str| text(is, name) != text(was, name);
    let mail = text(is, "userName");
    let same_mail = mail.eq_ignore_ascii_case(&text(was, "userName"));
    // A resource may say the full name by its parts alone: the record has one.
    let is_whole = is.get("displayName").is_none() && full(is) == text(was, "displayName");
    // The record knows one e-mail, the user name: a list of just that is no change (CONTRACT.md, 4).
    let own = BTreeSet::from([text(was, "userName").to_lowercase()]);
    let other_mails = mails(was) != mails(is) && mails(is) != own;
    Profile {
        mail: (!same_mail).then_some(mail),
        name: (changed("displayName") && !is_whole).then(|| text(is, "displayName")),
        unrecorded: other_mails || has_other_name(was, is),
        foreign_external_id: changed("externalId") && is_foreign(before, id, is, returning),
    }
}

/// Whether a part of the name is another one. The record has one full name: a resource with the same
/// display name need not repeat its parts, nor what they give together.
fn has_other_name(was: &Value, is: &Value) -> bool {
    let (Some(was), Some(is)) = (was.get("name"), is.get("name")) else {
        return is.get("name").is_some() || is.get("displayName").is_none();
    };
    let parts = ["givenName", "familyName", "middleName"];
    let is_other = |part: &&str| text(is, part) != text(was, part);
    let formatted = is.get("formatted").is_some().then_some("formatted");
    parts.iter().chain(&formatted).any(is_other)
}

/// A user's e-mails ignoring case.
fn mails(user: &Value) -> BTreeSet<String> {
    let mails = user["emails"].as_array().into_iter().flatten();
    mails
        .map(|mail| text(mail, "value").to_lowercase())
        .collect()
}

/// Whether the external id of a user or group is another's id or external id.
fn is_foreign(before: &Application, id: &str, is: &Value, returning: &BTreeSet<Id>) -> bool {
    let external_id = text(is, "externalId");
    let mut others = before.users.iter().chain(&before.groups);
    !external_id.is_empty()
        && others.any(|(other, known)| {
            let has = text(known, "externalId") == external_id && !returning.contains(other);
            other != id && (*other == external_id || has)
        })
}

/// Whether another user has the external id too: the same person, whose earlier record loses it.
fn has_returned(application: &Application, id: &str, has: &Value) -> bool {
    let external_id = text(has, "externalId");
    let mut users = application.users.iter();
    users.any(|(other, user)| other != id && text(user, "externalId") == external_id)
}

/// The ids of a group's members.
pub(crate) fn members(group: &Value) -> BTreeSet<Id> {
    let members = group["members"].as_array().into_iter().flatten();
    members.map(|member| text(member, "value")).collect()
}

/// What the record may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Nothing: the application showed what it has.
    All,
    /// The application showed nothing. The record knows one full name, and is uncertain where a
    /// name may have changed.
    Nothing,
    /// The routes tell no ids of what operators create, and nothing of native users is protected.
    Routes,
}

/// Where the record and what the application has differ.
pub(crate) fn differences(table: &Table, application: &Application, told: Told) -> Vec<String> {
    let record = table.ownership();
    let mut found = Vec::new();
    for user in &record.users {
        let id = user.id.as_deref().unwrap_or_default();
        let Some(has) = application.users.get(id) else {
            found.push(format!("recorded and not there: {user:?}"));
            continue;
        };
        let is_free = told == Told::Routes && user.managed_by.is_none();
        let external_id = user.external_id.as_deref().unwrap_or_default();
        let is_same = user.user_name == text(has, "userName")
            && is_name(user.display_name.as_deref(), has, told)
            && (external_id == text(has, "externalId") || has_returned(application, id, has))
            && (user.active == (has["active"] == true) || is_free);
        if !is_same || (user.pending && told == Told::All) {
            found.push(format!("user {has}, recorded as {user:?}"));
        }
    }
    for group in &record.groups {
        let id = group.id.as_deref().unwrap_or_default();
        let Some(has) = application.groups.get(id) else {
            found.push(format!("recorded and not there: {group:?}"));
            continue;
        };
        let mut members = members(has);
        let users = record.users.iter().filter_map(|user| user.id.clone());
        let users: BTreeSet<Id> = users.collect();
        members.retain(|member| told != Told::Routes || users.contains(member));
        let known = record.members.iter().filter(|member| member.group == id);
        let known: BTreeSet<&String> = known.map(|member| &member.user).collect();
        let is_same = group.display_name.as_deref().unwrap_or_default() == text(has, "displayName")
            && known.into_iter().eq(&members);
        if !is_same || group.pending {
            found.push(format!(
                "group {has}, recorded as {group:?}, {:?}",
                record.members
            ));
        }
    }
    if told != Told::Routes {
        let users = record.users.iter().filter_map(|user| user.id.as_ref());
        let groups = record.groups.iter().filter_map(|group| group.id.as_ref());
        let known: BTreeSet<&String> = users.chain(groups).collect();
        let all = application.users.keys().chain(application.groups.keys());
        found.extend(all.filter(|id| !known.contains(id)).cloned());
    }
    found
}

/// Whether the recorded name is the user's. The record knows one full name, which may be made of its
/// parts.
fn is_name(recorded: Option<&str>, has: &Value, told: Told) -> bool {
    let shown = has["displayName"].as_str();
    let full = full(has);
    match recorded {
        None => shown.is_none() || told == Told::Nothing,
        Some(name) if Some(name) == shown => true,
        Some(name) => (shown.is_none() || told == Told::Nothing) && name == full,
    }
}

/// The full name that the parts of a user's name give.
fn full(user: &Value) -> String {
    let name = &user["name"];
    format!("{} {}", text(name, "givenName"), text(name, "familyName"))
}
