//! What a request of the management API amounts to: the parts of its route, read from path, query,
//! headers and a strictly read body.

use std::collections::BTreeSet;

use super::{
    Act, Activity, ActivityWrites, Edit, FieldWrite, GroupChange, GroupRef, MembersWrites,
    NewGroup, NewUser, Profile, UserChange, UserGroups, UserRef, Writes,
};
use crate::budget;
use crate::fold::{LONGEST_NAME, is_too_long, same_key};
use crate::json::{Json, pointer_tokens};
use crate::message::Request;
use crate::plain::{PlainName, in_doubt, is_blank, is_plain_email};
use crate::policy::{EditKind, Free, Source};
use crate::refusal::Refusal;
use crate::route::management::{Match, disagree, scope};
use crate::rules::{body as body_rules, route, scim as scim_rules};

/// Reads the edit.
pub(crate) fn act(
    matched: &Match<'_>,
    request: &Request,
    body: Option<&Json>,
    account: &str,
) -> Result<Act, Refusal> {
    let parts = Parts {
        matched,
        request,
        body,
    };
    let kind = matched.route.edit;
    if !kind.is_free()
        && let Some(in_body) = parts.text(&matched.route.account, "account")?
        && in_body != account
    {
        return Err(disagree("account"));
    }
    let edits = match kind {
        EditKind::Roles | EditKind::Read | EditKind::UserUnlock => Vec::new(),
        EditKind::GroupCreate => vec![parts.create_group()?],
        EditKind::GroupUpdate | EditKind::GroupRename => vec![Edit::ChangeGroup(GroupChange {
            name: parts.new_name()?,
            members: match kind {
                EditKind::GroupUpdate => parts.replaced_members()?,
                _ => MembersWrites::default(),
            },
            rides_along: parts.rides_along(),
            ..parts.group_change()?
        })],
        EditKind::GroupDelete => vec![Edit::DeleteGroup(parts.group()?)],
        EditKind::MembersAdd => vec![Edit::ChangeGroup(GroupChange {
            members: parts.named_members(MembersWrites::add)?,
            ..parts.group_change()?
        })],
        EditKind::MembersRemove => vec![Edit::ChangeGroup(GroupChange {
            members: parts.named_members(MembersWrites::remove)?,
            ..parts.group_change()?
        })],
        EditKind::MembersReplace => vec![Edit::ChangeGroup(GroupChange {
            members: parts.replaced_members()?,
            ..parts.group_change()?
        })],
        EditKind::UserCreate => parts.create_users()?,
        EditKind::UserUpdate | EditKind::UserProfile => {
            let mut change = parts.user_change()?;
            change.profile = parts.profile()?;
            vec![Edit::ChangeUser(change)]
        }
        EditKind::UserDelete => vec![Edit::DeleteUser(parts.user()?)],
        EditKind::UserActivate | EditKind::UserDeactivate => vec![Edit::ChangeUser(UserChange {
            active: ActivityWrites::one(Activity::To(kind == EditKind::UserActivate)),
            ..parts.user_change()?
        })],
        EditKind::UserGroupsAdd | EditKind::UserGroupsRemove | EditKind::UserGroupsReplace => {
            let groups = parts.groups()?;
            vec![Edit::ChangeUser(UserChange {
                groups: match (groups, kind) {
                    (None, _) => UserGroups::Changed,
                    (Some(groups), EditKind::UserGroupsAdd) => UserGroups::Add(groups),
                    (Some(groups), EditKind::UserGroupsRemove) => UserGroups::Remove(groups),
                    (Some(groups), _) => UserGroups::Replace(groups),
                },
                ..parts.user_change()?
            })]
        }
    };
    Ok(Act { edits })
}

struct Parts<'a> {
    matched: &'a Match<'a>,
    request: &'a Request,
    body: Option<&'a Json>,
}

impl Parts<'_> {
    fn scope(&self) -> Result<String, Refusal> {
        let route = self.matched.route;
        let organisation = self.id(&route.organisation, "organisation")?;
        let project = self.id(&route.project, "project")?;
        scope(organisation, project)
    }

    fn group(&self) -> Result<GroupRef, Refusal> {
        Ok(GroupRef {
            scope: self.scope()?,
            id: self.required(&self.matched.route.group, "group")?,
        })
    }

    fn group_change(&self) -> Result<GroupChange, Refusal> {
        Ok(GroupChange {
            group: self.group()?,
            name: Writes::default(),
            external_id: Writes::default(),
            members: MembersWrites::default(),
            rides_along: None,
        })
    }

    fn create_group(&self) -> Result<Edit, Refusal> {
        let route = self.matched.route;
        Ok(Edit::CreateGroup(NewGroup {
            scope: self.scope()?,
            id: self.id(&route.group, "group")?.map(String::from),
            name: self.name()?,
            external_id: Writes::default(),
            members: self.list(&route.members, "members")?,
            rides_along: self.rides_along(),
        }))
    }

    fn replaced_members(&self) -> Result<MembersWrites, Refusal> {
        self.named_members(MembersWrites::replace)
    }

    /// What is done with the named members; unknown if the route does not say where they stand.
    fn named_members(
        &self,
        write: impl Fn(&mut MembersWrites, Vec<String>),
    ) -> Result<MembersWrites, Refusal> {
        let sources = &self.matched.route.members;
        if sources.is_empty() {
            return Ok(MembersWrites::unknown());
        }
        let mut members = MembersWrites::default();
        write(&mut members, self.list(sources, "members")?);
        Ok(members)
    }

    fn groups(&self) -> Result<Option<Vec<GroupRef>>, Refusal> {
        let sources = &self.matched.route.groups;
        if sources.is_empty() {
            return Ok(None);
        }
        let scope = self.scope()?;
        let ids = self.list(sources, "groups")?;
        Ok(Some(
            ids.into_iter()
                .map(|id| GroupRef {
                    scope: scope.clone(),
                    id,
                })
                .collect(),
        ))
    }

    fn user(&self) -> Result<UserRef, Refusal> {
        Ok(UserRef {
            reference: self.required(&self.matched.route.user, "user")?,
            may_be_name: true,
        })
    }

    fn user_change(&self) -> Result<UserChange, Refusal> {
        Ok(UserChange {
            user: self.user()?,
            profile: Profile::default(),
            active: ActivityWrites::default(),
            groups: UserGroups::Untouched,
        })
    }

    fn profile(&self) -> Result<Profile, Refusal> {
        let route = self.matched.route;
        Ok(Profile {
            email: match route.email.is_empty() {
                true => Writes::one(FieldWrite::Unknown(Vec::new())),
                false => Writes::replaced(self.email()?.as_deref()),
            },
            display_name: self.new_name()?,
            rides_along: self.rides_along(),
            ..Profile::default()
        })
    }

    fn create_users(&self) -> Result<Vec<Edit>, Refusal> {
        let route = self.matched.route;
        let groups = self.groups()?.unwrap_or_default();
        let emails = self.values(&route.email, "email", email)?;
        if emails.is_empty() {
            return Err(body_rules::SYNTAX
                .because("The body does not name the users to create. Nothing was forwarded."));
        }
        budget::pairs(emails.len(), groups.len())?;
        let rides_along = self.rides_along();
        let name = Writes::set(self.name()?.as_deref());
        Ok(emails
            .into_iter()
            .map(|email| {
                Edit::CreateUser(NewUser {
                    profile: Profile {
                        user_name: Writes::set(Some(&email)),
                        email: Writes::set(Some(&email)),
                        display_name: name.clone(),
                        rides_along: rides_along.clone(),
                        ..Profile::default()
                    },
                    user_name: email,
                    active: None,
                    groups: groups.clone(),
                })
            })
            .collect())
    }

    /// The name of an update: without a source it counts as changed, without a value as empty.
    fn new_name(&self) -> Result<Writes, Refusal> {
        if self.matched.route.name.is_empty() {
            return Ok(Writes::one(FieldWrite::Unknown(Vec::new())));
        }
        Ok(Writes::replaced(self.name()?.as_deref()))
    }

    /// The name of a user or group. People's names have spaces, and marks that join letters, in them.
    fn name(&self) -> Result<Option<String>, Refusal> {
        let name = self.text(&self.matched.route.name, "name")?;
        let name = name.filter(|name| !name.is_empty());
        if let Some(name) = &name
            && (is_blank(name) || name.chars().any(char::is_control))
        {
            return Err(route::AMBIGUOUS_QUERY.because(
                "The name has a control character in it, or nothing that shows. Send a name that people can read, or leave it out.",
            ));
        }
        Ok(name)
    }

    fn id(&self, sources: &[Source], name: &str) -> Result<Option<PlainName>, Refusal> {
        PlainName::read(self.text(sources, name)?, name)
    }

    fn email(&self) -> Result<Option<String>, Refusal> {
        email(self.text(&self.matched.route.email, "email")?, "email")
    }

    fn required(&self, sources: &[Source], name: &str) -> Result<String, Refusal> {
        let value = self.id(sources, name)?.ok_or_else(|| {
            body_rules::SYNTAX.because(format!(
                "The request does not say which {name} it is for. Nothing was forwarded."
            ))
        })?;
        Ok(value.into())
    }

    /// The one value of a part; all sources must agree.
    fn text(&self, sources: &[Source], name: &str) -> Result<Option<String>, Refusal> {
        let mut found = self.matched.outside_body(sources, self.request, name)?;
        for pointer in pointers(sources) {
            let Some(value) = self.in_body(pointer)? else {
                continue;
            };
            let text = match value {
                Json::Null => continue,
                Json::String(text) => text.clone(),
                other => {
                    return Err(body_rules::SYNTAX.because(format!(
                        "{pointer} in the body must be a string, not {}.",
                        other.kind()
                    )));
                }
            };
            if found.as_ref().is_some_and(|other| *other != text) {
                return Err(disagree(name));
            }
            if found.is_none() && !text.is_empty() && self.may_be_overlooked(sources) {
                return Err(in_body_alone(name, pointer));
            }
            found = Some(text);
        }
        if let Some(value) = &found {
            not_too_long(value, name)?;
        }
        Ok(found)
    }

    /// Whether applications may leave the body unread: all that the edit needs stands outside.
    fn may_be_overlooked(&self, sources: &[Source]) -> bool {
        let is_outside = |source: &Source| !matches!(source, Source::Body(_) | Source::Answer(_));
        !self.matched.route.needs_body() && sources.iter().any(is_outside)
    }

    /// The ids of a part that may have several.
    fn list(&self, sources: &[Source], name: &str) -> Result<Vec<String>, Refusal> {
        self.values(sources, name, id)
    }

    /// The values of a part that may have several, each read in one way.
    fn values(
        &self,
        sources: &[Source],
        name: &str,
        read: impl Fn(Option<String>, &str) -> Result<Option<String>, Refusal>,
    ) -> Result<Vec<String>, Refusal> {
        let outside = self.matched.outside_body(sources, self.request, name)?;
        let mut all: Vec<String> = read(outside, name)?.into_iter().collect();
        for pointer in pointers(sources) {
            let wrong = |what: &str| {
                body_rules::SYNTAX.because(format!(
                    "{pointer} in the body must be a list of strings, not {what}."
                ))
            };
            match self.in_body(pointer)? {
                None | Some(Json::Null) => {}
                Some(Json::Array(elements)) => {
                    for element in elements {
                        let text = element.as_str().ok_or_else(|| wrong(element.kind()))?;
                        not_too_long(text, name)?;
                        let value = read(Some(text.to_owned()), name)?;
                        all.push(value.ok_or_else(|| wrong("a list with an empty one"))?);
                    }
                }
                Some(other) => return Err(wrong(other.kind())),
            }
        }
        Ok(all)
    }

    /// What stands at a JSON Pointer (RFC 6901). A name that is right only ignoring case is a trap.
    fn in_body(&self, pointer: &str) -> Result<Option<&Json>, Refusal> {
        let Some(mut at) = self.body else {
            return Ok(None);
        };
        for token in pointer_tokens(pointer) {
            let next = match at {
                Json::Object(members) => {
                    if let Some(other) = members
                        .iter()
                        .find(|member| member.name != token && same_key(&member.name, &token))
                    {
                        return Err(body_rules::SYNTAX.because(format!(
                            "The body has {:?} where {token:?} belongs.",
                            other.name
                        )));
                    }
                    at.get(&token)
                }
                Json::Array(elements) => token
                    .parse::<usize>()
                    .ok()
                    .and_then(|index| elements.get(index)),
                Json::Null => None,
                other => {
                    return Err(body_rules::SYNTAX.because(format!(
                        "{pointer} in the body lies inside {}, not an object.",
                        other.kind()
                    )));
                }
            };
            match next {
                Some(value) => at = value,
                None => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    /// The first member of the body that no source names and that may not differ freely.
    fn rides_along(&self) -> Option<String> {
        let named: BTreeSet<&str> = self
            .matched
            .route
            .parts()
            .into_iter()
            .flat_map(|(_, sources)| pointers(sources))
            .collect();
        let mut found = None;
        walk(self.body?, "", &mut |pointer, value| {
            if named.contains(pointer) {
                return Walk::Done;
            }
            for free in &self.matched.route.free {
                match free {
                    Free::Any(free) if free == pointer => return Walk::Done,
                    Free::Only {
                        pointer: free,
                        value: only,
                    } if free == pointer && Json::from(only) == *value => return Walk::Done,
                    _ => {}
                }
            }
            let may_hold_more = match value {
                Json::Object(members) => !members.is_empty(),
                // A list counts as one value, unless a source names a place in it.
                Json::Array(_) => {
                    let inside = format!("{pointer}/");
                    named.iter().any(|named| named.starts_with(&inside))
                }
                _ => false,
            };
            if may_hold_more {
                return Walk::Inside;
            }
            // One is enough: looking for more would write out each pointer.
            found = Some(pointer.to_owned());
            Walk::Over
        });
        found
    }
}

enum Walk {
    Inside,
    Done,
    Over,
}

/// Shows each value with its pointer, until it is over.
fn walk(value: &Json, pointer: &str, visit: &mut dyn FnMut(&str, &Json) -> Walk) -> Walk {
    let mut step = |name: String, value: &Json| {
        let pointer = format!("{pointer}/{name}");
        match visit(&pointer, value) {
            Walk::Inside => walk(value, &pointer, visit),
            other => other,
        }
    };
    match value {
        Json::Object(members) => {
            for member in members {
                let name = member.name.replace('~', "~0").replace('/', "~1");
                if matches!(step(name, &member.value), Walk::Over) {
                    return Walk::Over;
                }
            }
        }
        Json::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                if matches!(step(index.to_string(), element), Walk::Over) {
                    return Walk::Over;
                }
            }
        }
        _ => {}
    }
    Walk::Done
}

fn pointers(sources: &[Source]) -> impl Iterator<Item = &str> {
    sources.iter().filter_map(|source| match source {
        Source::Body(pointer) => Some(pointer.as_str()),
        _ => None,
    })
}

fn id(text: Option<String>, name: &str) -> Result<Option<String>, Refusal> {
    Ok(PlainName::read(text, name)?.map(String::from))
}

fn email(text: Option<String>, name: &str) -> Result<Option<String>, Refusal> {
    match text.filter(|text| !text.is_empty()) {
        Some(text) if !is_plain_email(&text) => Err(in_doubt(name)),
        text => Ok(text),
    }
}

/// The refusal of a part that only the body of a request names whose body may stay unread.
fn in_body_alone(name: &str, pointer: &str) -> Refusal {
    route::AMBIGUOUS_QUERY.because(format!(
        "The request names the {name} in its body alone ({pointer}), which an application need not read here. Name it outside the body too."
    ))
}

fn not_too_long(value: &str, name: &str) -> Result<(), Refusal> {
    if is_too_long(value) {
        return Err(scim_rules::SCHEMA_INVALID_VALUE.because(format!(
            "The {name} is longer than {LONGEST_NAME} characters. Send a shorter one."
        )));
    }
    Ok(())
}

impl crate::policy::Route {
    /// Whether the edit cannot be told without a body. Where it is may stand there too, and need not.
    pub(crate) fn needs_body(&self) -> bool {
        [
            &self.group,
            &self.groups,
            &self.name,
            &self.members,
            &self.user,
            &self.email,
        ]
        .into_iter()
        .any(|sources| pointers(sources).next().is_some())
    }
}
