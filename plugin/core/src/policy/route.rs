//! A route of the management API in the document, and the checks that no JSON Schema can express.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::edit_kind::EditKind;
use super::template::Template;

/// A route of the management API and the edit it performs.
pub(crate) struct Route {
    pub(crate) method: String,
    pub(crate) path: Template,
    pub(crate) edit: EditKind,
    pub(crate) account: Vec<Source>,
    pub(crate) organisation: Vec<Source>,
    pub(crate) project: Vec<Source>,
    pub(crate) group: Vec<Source>,
    pub(crate) groups: Vec<Source>,
    pub(crate) name: Vec<Source>,
    pub(crate) members: Vec<Source>,
    /// Where the user is named; all sources must agree.
    pub(crate) user: Vec<Source>,
    /// Where else the application may look for the user to change; each is judged separately.
    pub(crate) targets: Vec<Source>,
    pub(crate) email: Vec<Source>,
    /// The things other than users and groups that it changes, by kind.
    pub(crate) touches: Vec<(String, Vec<Source>)>,
    pub(crate) free: Vec<Free>,
    /// Values that the body must contain for managed resources.
    pub(crate) required: BTreeMap<String, Value>,
    /// Values that the body may contain only for managed resources.
    pub(crate) reserved: BTreeMap<String, Value>,
    /// Content types besides JSON that the body may have. If any are listed, the body is not read.
    pub(crate) content_types: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct RouteDocument {
    method: String,
    path: String,
    edit: EditKind,
    #[serde(default)]
    account: Sources,
    #[serde(default)]
    organisation: Sources,
    #[serde(default)]
    project: Sources,
    #[serde(default)]
    group: Sources,
    #[serde(default)]
    groups: Sources,
    #[serde(default)]
    name: Sources,
    #[serde(default)]
    members: Sources,
    #[serde(default)]
    user: Sources,
    #[serde(default)]
    email: Sources,
    #[serde(default)]
    touches: BTreeMap<String, Sources>,
    #[serde(default)]
    free: Vec<Free>,
    #[serde(default)]
    required: BTreeMap<String, Value>,
    #[serde(default)]
    reserved: BTreeMap<String, Value>,
    #[serde(default)]
    content_types: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Sources {
    One(SourceDocument),
    All(Vec<SourceDocument>),
}

#[derive(Deserialize)]
struct SourceDocument {
    #[serde(flatten)]
    source: Source,
    #[serde(default)]
    target: bool,
}

/// The source of a part of an edit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Source {
    /// A parameter of the path template.
    Path(String),
    /// A query parameter.
    Query(String),
    /// A header.
    Header(String),
    /// A JSON Pointer into the body, in which `*` stands for every element of a list.
    Body(String),
    /// For reads: a JSON Pointer into the answer, in which `*` stands for every element of a list.
    Answer(String),
    /// A fixed value.
    Value(String),
}

/// A part of a body that may differ on a managed resource.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Free {
    /// Any value.
    Any(String),
    /// Only this value.
    Only {
        /// A JSON Pointer.
        pointer: String,
        /// The value it must have.
        value: Value,
    },
}

// === impl Sources ===

impl Default for Sources {
    fn default() -> Self {
        Self::All(Vec::new())
    }
}

impl Sources {
    fn into_list(self) -> Vec<SourceDocument> {
        match self {
            Self::One(source) => vec![source],
            Self::All(sources) => sources,
        }
    }
}

impl From<Sources> for Vec<Source> {
    fn from(sources: Sources) -> Self {
        let list = sources.into_list().into_iter();
        list.map(|source| source.source).collect()
    }
}

// === impl Route ===

/// The place of a fault in a route, and its description.
pub(super) type RouteFault = (String, String);

impl Route {
    /// Compiles a route.
    pub(super) fn compile(
        document: RouteDocument,
        has_one_account: bool,
    ) -> Result<Self, Vec<RouteFault>> {
        let path =
            Template::parse(&document.path).map_err(|error| vec![("path".to_owned(), error)])?;
        let (targets, user): (Vec<_>, Vec<_>) = document
            .user
            .into_list()
            .into_iter()
            .partition(|source| source.target);
        let sources = |list: Vec<SourceDocument>| {
            let list = list.into_iter();
            list.map(|source| source.source).collect()
        };
        let touches = document.touches.into_iter();
        let route = Self {
            method: document.method,
            path,
            edit: document.edit,
            account: document.account.into(),
            organisation: document.organisation.into(),
            project: document.project.into(),
            group: document.group.into(),
            groups: document.groups.into(),
            name: document.name.into(),
            members: document.members.into(),
            user: sources(user),
            targets: sources(targets),
            email: document.email.into(),
            touches: touches.map(|(kind, of)| (kind, of.into())).collect(),
            free: document.free,
            required: document.required,
            reserved: document.reserved,
            content_types: document.content_types,
        };
        let mut faults = Vec::new();
        route.check_sources(&mut faults);
        route.check_parts(has_one_account, &mut faults);
        match faults.is_empty() {
            true => Ok(route),
            false => Err(faults),
        }
    }

    /// Reports sources that cannot be used in their place.
    fn check_sources(&self, faults: &mut Vec<RouteFault>) {
        let touched = self.touches.iter();
        let touched = touched.map(|(kind, of)| (format!("touches/{kind}"), of.as_slice(), true));
        let parts = self.parts().into_iter().map(|(part, sources)| {
            let is_list = matches!(part, "groups" | "members")
                || (part == "email" && self.edit == EditKind::UserCreate);
            (part.to_owned(), sources, is_list)
        });
        for (part, sources, is_list) in parts.chain(touched) {
            for source in sources {
                if let Some(message) = self.misplaced(source, &part, is_list) {
                    faults.push((part.clone(), message));
                }
            }
        }
    }

    fn misplaced(&self, source: &Source, part: &str, is_list: bool) -> Option<String> {
        match source {
            Source::Path(name) if !self.path.parameters().any(|known| known == name) => {
                Some(format!("the path has no parameter {{{name}}}"))
            }
            Source::Answer(_)
                if self.edit != EditKind::Read || !matches!(part, "group" | "user") =>
            {
                Some("only the `group` and `user` of a read can come from an answer".to_owned())
            }
            Source::Body(_) if !self.content_types.is_empty() => {
                Some("a body of these `content_types` is not read".to_owned())
            }
            Source::Body(pointer) if !is_list && pointer.split('/').any(|token| token == "*") => {
                Some(format!("{part} is one value: {pointer} may name several"))
            }
            _ => None,
        }
    }

    /// Reports missing parts that the edit needs and parts that would have no effect.
    fn check_parts(&self, has_one_account: bool, faults: &mut Vec<RouteFault>) {
        use EditKind as Edit;
        let mut wrong = |part: &str, message: &str| {
            faults.push((part.to_owned(), message.to_owned()));
        };
        let shows = self.method == "GET" && self.edit == Edit::Read;
        let needs_account = (self.edit.needs_account() || shows) && !has_one_account;
        if needs_account && self.account.is_empty() {
            wrong(
                "account",
                "the source of the account is missing; if the application has only one, name it in scim.account",
            );
        }
        if self.edit.needs_group() && self.group.is_empty() {
            wrong("group", "the source of the group is missing");
        }
        if self.edit == Edit::GroupCreate && self.group.is_empty() && self.name.is_empty() {
            wrong("group", "the source of the group's id or `name` is missing");
        }
        if self.edit.needs_user() && self.user.is_empty() && self.targets.is_empty() {
            wrong("user", "the source of the user is missing");
        }
        if self.edit == Edit::UserCreate && self.email.is_empty() {
            wrong(
                "email",
                "the source of the names of the users to create is missing",
            );
        }
        if self.edit == Edit::AccessChange && self.touches.is_empty() {
            wrong("touches", "the list of things it changes is missing");
        }
        if !self.targets.is_empty() && !self.edit.changes_profile() {
            wrong(
                "user",
                "only `user.update` and `user.profile` have a target",
            );
        }
        if !self.touches.is_empty() && self.edit.is_free() {
            wrong("touches", "the edit is never refused: name another");
        }
        for (part, fields) in [("required", &self.required), ("reserved", &self.reserved)] {
            if !fields.is_empty() && (!self.edit.compares_body() || !self.content_types.is_empty())
            {
                wrong(part, "the edit does not compare the members of the body");
            }
        }
        let names_group = matches!(
            self.edit,
            Edit::GroupCreate | Edit::GroupUpdate | Edit::GroupRename
        );
        if !self.reserved.is_empty() && !names_group {
            wrong("reserved", "only a group can look like the provider's");
        }
    }

    /// Returns all parts with their names.
    pub(crate) fn parts(&self) -> [(&'static str, &[Source]); 10] {
        [
            ("account", &self.account),
            ("organisation", &self.organisation),
            ("project", &self.project),
            ("group", &self.group),
            ("groups", &self.groups),
            ("name", &self.name),
            ("members", &self.members),
            ("user", &self.user),
            ("user", &self.targets),
            ("email", &self.email),
        ]
    }

    /// Whether unmatched paths at or below its literal part lie next to something protected.
    pub(crate) fn guards(&self, protects: impl Fn(&str) -> bool) -> bool {
        match self.edit {
            EditKind::AccessChange => self.touches.iter().any(|(kind, _)| protects(kind)),
            EditKind::ScopeDelete => false,
            edit => !edit.is_free(),
        }
    }
}
