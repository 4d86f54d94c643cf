//! The parts of an edit: the groups, users and things that a request names, and what it writes to
//! them.

use super::super::provisioning::{Claim, ProvisioningEdit, Scope, Thing};
use super::super::{
    ActivityWrites, BodyField, Edit, EmailUse, FieldWrite, GroupChange, GroupRef, MembersWrites,
    NewGroup, NewUser, Profile, UserChange, UserGroups, UserRef, Writes,
};
use super::body;
use crate::budget;
use crate::json::Json;
use crate::message::Request;
use crate::policy::{EditKind, Source};
use crate::route::management::{Match, describe, scope};
use crate::rules::{Refusal, body as body_rules};

/// A request and its route.
pub(super) struct Parts<'a> {
    pub(super) matched: &'a Match<'a>,
    pub(super) request: &'a Request,
    pub(super) body: Option<&'a Json>,
}

impl Parts<'_> {
    pub(super) fn scope(&self) -> Result<String, Refusal> {
        let route = self.matched.route;
        let organisation = self.id(&route.organisation, "organisation")?;
        let project = self.id(&route.project, "project")?;
        scope(organisation, project)
    }

    /// The extent of a request that affects everything in a scope.
    pub(super) fn whole_scope(&self) -> Result<Scope, Refusal> {
        let route = self.matched.route;
        let organisation = self.id(&route.organisation, "organisation")?;
        let project = self.id(&route.project, "project")?;
        Ok(match (organisation, project) {
            (None, None) => Scope::Account,
            _ => Scope::Part,
        })
    }

    // === groups ===

    pub(super) fn group(&self) -> Result<GroupRef, Refusal> {
        Ok(GroupRef {
            scope: self.scope()?,
            id: self.required(&self.matched.route.group, "group")?,
        })
    }

    pub(super) fn group_change(&self) -> Result<GroupChange, Refusal> {
        Ok(GroupChange {
            group: self.group()?,
            name: Writes::default(),
            external_id: Writes::default(),
            members: MembersWrites::default(),
            unlisted_field: None,
        })
    }

    pub(super) fn create_group(&self) -> Result<Edit, Refusal> {
        let route = self.matched.route;
        Ok(Edit::CreateGroup(NewGroup {
            scope: self.scope()?,
            id: self.id(&route.group, "group")?.map(String::from),
            name: self.name()?,
            external_id: Writes::default(),
            members: self.ids(&route.members, "members")?,
            unlisted_field: self.unlisted_field(),
        }))
    }

    /// A copy belongs to the application, even if a provider owns the original group.
    pub(super) fn copy_group(&self) -> Result<Edit, Refusal> {
        self.required(&self.matched.route.group, "group")?;
        Ok(Edit::CreateGroup(NewGroup {
            scope: self.scope()?,
            id: None,
            name: None,
            external_id: Writes::default(),
            members: Vec::new(),
            unlisted_field: None,
        }))
    }

    /// The value that marks a group as pushed by the provider.
    pub(super) fn claim(&self) -> Result<Option<Edit>, Refusal> {
        let route = self.matched.route;
        let Some(pointer) = self.body.and_then(|body| body::reserved(route, body)) else {
            return Ok(None);
        };
        Ok(Some(Edit::Provisioning(ProvisioningEdit::Claim(Claim {
            pointer,
            scope: self.scope()?,
            id: self.id(&route.group, "group")?.map(String::from),
            name: self.name()?,
            creates: route.edit == EditKind::GroupCreate,
        }))))
    }

    pub(super) fn replaced_members(&self) -> Result<MembersWrites, Refusal> {
        self.named_members(MembersWrites::replace)
    }

    /// How the named members change; unknown if the route does not say where they are named.
    pub(super) fn named_members(
        &self,
        write: impl Fn(&mut MembersWrites, Vec<String>),
    ) -> Result<MembersWrites, Refusal> {
        let sources = &self.matched.route.members;
        if sources.is_empty() {
            return Ok(MembersWrites::unknown());
        }
        let mut members = MembersWrites::default();
        write(&mut members, self.ids(sources, "members")?);
        Ok(members)
    }

    pub(super) fn groups(&self) -> Result<Option<Vec<GroupRef>>, Refusal> {
        let sources = &self.matched.route.groups;
        if sources.is_empty() {
            return Ok(None);
        }
        let scope = self.scope()?;
        let ids = self.ids(sources, "groups")?;
        Ok(Some(
            ids.into_iter()
                .map(|id| GroupRef {
                    scope: scope.clone(),
                    id,
                })
                .collect(),
        ))
    }

    // === users ===

    pub(super) fn user(&self) -> Result<UserRef, Refusal> {
        Ok(user(self.required(&self.matched.route.user, "user")?))
    }

    pub(super) fn user_change(&self) -> Result<UserChange, Refusal> {
        Ok(change_of(self.required(&self.matched.route.user, "user")?))
    }

    /// The change of each user whom the request names as the one to change, and last the refusals
    /// for each place that the request leaves empty although the application may read the user from
    /// there.
    pub(super) fn update_users(&self) -> Result<Vec<Edit>, Refusal> {
        let route = self.matched.route;
        if route.targets.is_empty() {
            let user = self.required(&route.user, "user")?;
            return Ok(vec![self.update(user, EmailUse::Given)?]);
        }
        let mut edits = Vec::new();
        let mut unnamed = Vec::new();
        if let Some(user) = self.id(&route.user, "user")? {
            edits.push(self.update(user.into(), EmailUse::Checked)?);
        }
        for target in &route.targets {
            let (named, email_use) = match route.email.contains(target) {
                true => (self.email()?, EmailUse::Target),
                false => {
                    let id = self.id(std::slice::from_ref(target), "user")?;
                    (id.map(String::from), EmailUse::Given)
                }
            };
            match named {
                Some(user) => edits.push(self.update(user, email_use)?),
                None => unnamed.push(Edit::Provisioning(ProvisioningEdit::UnnamedUser {
                    places: describe(std::slice::from_ref(target)),
                })),
            }
        }
        edits.extend(unnamed);
        Ok(edits)
    }

    fn update(&self, user: String, email_use: EmailUse) -> Result<Edit, Refusal> {
        let profile = Profile {
            email: match self.matched.route.email.is_empty() {
                true => Writes::one(FieldWrite::Unknown(Vec::new())),
                false => Writes::replaced(self.email()?.as_deref()),
            },
            email_use,
            display_name: self.new_name()?,
            unlisted_field: self.unlisted_field(),
            ..Profile::default()
        };
        Ok(Edit::ChangeUser(UserChange {
            profile,
            ..change_of(user)
        }))
    }

    pub(super) fn create_users(&self) -> Result<Vec<Edit>, Refusal> {
        let groups = self.groups()?.unwrap_or_default();
        let emails = self.emails()?;
        if emails.is_empty() {
            return Err(body_rules::SYNTAX.because(format!(
                "The request does not name the users to create. Send {}. Nothing was forwarded.",
                describe(&self.matched.route.email)
            )));
        }
        budget::pairs(emails.len(), groups.len())?;
        let unlisted_field = self.unlisted_field();
        let name = Writes::set(self.name()?.as_deref());
        Ok(emails
            .into_iter()
            .map(|email| {
                Edit::CreateUser(NewUser {
                    profile: Profile {
                        user_name: Writes::set(Some(&email)),
                        email: Writes::set(Some(&email)),
                        display_name: name.clone(),
                        unlisted_field: unlisted_field.clone(),
                        ..Profile::default()
                    },
                    user_name: email,
                    active: None,
                    groups: groups.clone(),
                })
            })
            .collect())
    }

    // === users and groups ===

    /// The name that an update writes: unknown without a source, cleared without a value.
    pub(super) fn new_name(&self) -> Result<Writes, Refusal> {
        if self.matched.route.name.is_empty() {
            return Ok(Writes::one(FieldWrite::Unknown(Vec::new())));
        }
        Ok(Writes::replaced(self.name()?.as_deref()))
    }

    pub(super) fn unlisted_field(&self) -> Option<BodyField> {
        body::unlisted_field(self.matched.route, self.body?)
    }

    // === things ===

    /// The things of each kind that the request names; an unnamed one may be any.
    pub(super) fn things(&self) -> Result<Vec<Thing>, Refusal> {
        let mut things = Vec::new();
        for (kind, sources) in &self.matched.route.touches {
            let mut ids = Vec::new();
            // The request touches each of them, so the sources need not agree.
            for source in sources {
                ids.extend(self.ids(std::slice::from_ref(source), kind)?);
            }
            let unnamed = ids.is_empty().then_some(None);
            let named = ids.into_iter().map(Some);
            things.extend(named.chain(unnamed).map(|id| Thing {
                kind: kind.clone(),
                id,
            }));
        }
        Ok(things)
    }

    /// An id that the edit requires.
    fn required(&self, sources: &[Source], name: &str) -> Result<String, Refusal> {
        let value = self.id(sources, name)?.ok_or_else(|| {
            body_rules::SYNTAX.because(format!(
                "The request does not say which {name} it is for. Send {}. Nothing was forwarded.",
                describe(sources)
            ))
        })?;
        Ok(value.into())
    }
}

fn user(reference: String) -> UserRef {
    UserRef {
        reference,
        may_be_name: true,
    }
}

fn change_of(reference: String) -> UserChange {
    UserChange {
        user: user(reference),
        profile: Profile::default(),
        active: ActivityWrites::default(),
        groups: UserGroups::Untouched,
    }
}
