//! The steps of the demo and their expected results, as a table.

use serde_json::{Value, json};

/// The account of the demo.
pub(super) const ACCOUNT: &str = "ACC1";

/// Steps that belong together.
pub(super) struct Chapter {
    pub(super) title: &'static str,
    pub(super) steps: Vec<Step>,
}

/// One request.
///
/// `{name}` in the path, the body and in [`Step::stored_at`] stands for the id that an earlier step
/// stored under that name.
pub(super) struct Step {
    /// A sentence.
    pub(super) what: &'static str,
    pub(super) caller: Caller,
    pub(super) method: &'static str,
    /// Relative to the SCIM base for SCIM callers, otherwise complete except for the account.
    pub(super) path: &'static str,
    pub(super) body: Option<Value>,
    pub(super) expected: Expected,
    /// Expected values in the client's answer, by JSON Pointer.
    pub(super) answer: Vec<(&'static str, Value)>,
    /// The name under which the id in the answer is kept.
    pub(super) kept_as: Option<&'static str>,
    /// The path at which the application itself has the resource.
    pub(super) stored_at: &'static str,
    /// The expected values there, by JSON Pointer; `null`: nothing.
    pub(super) stored: Vec<(&'static str, Value)>,
    /// The expected members there, in the order of the names.
    pub(super) members: Vec<&'static str>,
}

/// Who sends a request, which determines the credential.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// The identity provider, with its token.
    Okta,
    /// A user of the application's own API. The application would check the session.
    Administrator,
    /// SCIM with a token of another account.
    OtherAccount,
    /// SCIM with a token that has expired.
    Expired,
    /// SCIM with a token of a principal who may not manage groups.
    NoGroupManagement,
    /// SCIM without a token.
    Nobody,
}

/// The expected answer.
pub(super) enum Expected {
    /// Any 2xx.
    Done,
    /// The guard refuses.
    Refused { status: u16, rule: &'static str },
}

impl Step {
    fn new(caller: Caller, what: &'static str, method: &'static str, path: &'static str) -> Self {
        Self {
            what,
            caller,
            method,
            path,
            body: None,
            expected: Expected::Done,
            answer: Vec::new(),
            kept_as: None,
            stored_at: "",
            stored: Vec::new(),
            members: Vec::new(),
        }
    }

    fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    fn refused(mut self, status: u16, rule: &'static str) -> Self {
        self.expected = Expected::Refused { status, rule };
        self
    }

    fn answers(mut self, pointer: &'static str, value: impl Into<Value>) -> Self {
        self.answer.push((pointer, value.into()));
        self
    }

    fn kept_as(mut self, name: &'static str) -> Self {
        self.kept_as = Some(name);
        self
    }

    fn stored_at(mut self, path: &'static str) -> Self {
        self.stored_at = path;
        self
    }

    fn with(mut self, pointer: &'static str, value: impl Into<Value>) -> Self {
        self.stored.push((pointer, value.into()));
        self
    }

    fn with_members(mut self, names: &[&'static str]) -> Self {
        self.members = names.to_vec();
        self
    }

    fn without(self, pointer: &'static str) -> Self {
        self.with(pointer, Value::Null)
    }
}

/// All chapters.
pub(super) fn chapters() -> Vec<Chapter> {
    vec![
        Chapter {
            title: "Okta tests the connection",
            steps: connection(),
        },
        Chapter {
            title: "Okta provisions users",
            steps: users(),
        },
        Chapter {
            title: "Okta pushes a group",
            steps: groups(),
        },
        Chapter {
            title: "Okta updates, deactivates and reactivates",
            steps: updates(),
        },
        Chapter {
            title: "An administrator edits what Okta owns",
            steps: forbidden_edits(),
        },
        Chapter {
            title: "An administrator edits what is not Okta's",
            steps: allowed_edits(),
        },
        Chapter {
            title: "Somebody else holds a token",
            steps: tokens(),
        },
    ]
}

fn connection() -> Vec<Step> {
    let okta = |what, method, path| Step::new(Caller::Okta, what, method, path);
    vec![
        okta(
            "Okta reads the first users",
            "GET",
            "/Users?startIndex=1&count=2",
        )
        .answers("/totalResults", 0),
        okta(
            "Okta reads the first groups",
            "GET",
            "/Groups?startIndex=1&count=100",
        )
        .answers("/totalResults", 0),
    ]
}

fn users() -> Vec<Step> {
    let okta = |what, method, path| Step::new(Caller::Okta, what, method, path);
    let by_name = "/Users?filter=userName%20eq%20%22ann%40example.com%22&startIndex=1&count=100";
    vec![
        okta(
            "Okta looks for ann@example.com and finds nobody",
            "GET",
            by_name,
        )
        .answers("/totalResults", 0),
        okta("Okta creates ann@example.com", "POST", "/Users")
            .body(okta_user("ann", "Ann", "Lee"))
            .kept_as("ann")
            .stored_at("/Users/{ann}")
            .with("/displayName", "Ann Lee")
            .without("/locale")
            .without("/password"),
        okta("Okta creates bob@example.com", "POST", "/Users")
            .body(okta_user("bob", "Bob", "Ray"))
            .kept_as("bob"),
        okta("Okta creates eve@example.com", "POST", "/Users")
            .body(okta_user("eve", "Eve", "Fox"))
            .kept_as("eve"),
        okta(
            "Okta looks for ann@example.com again and finds her",
            "GET",
            by_name,
        )
        .answers("/totalResults", 1),
    ]
}

fn groups() -> Vec<Step> {
    let okta = |what, method, path| Step::new(Caller::Okta, what, method, path);
    vec![
        okta("Okta pushes example-group with Bob and Eve", "POST", "/Groups")
            .body(json!({
                "schemas": [GROUP],
                "displayName": "example-group",
                "members": [
                    {"value": "{bob}", "display": "bob@example.com"},
                    {"value": "{eve}", "display": "eve@example.com"},
                ],
            }))
            .kept_as("group")
            .stored_at("/Groups/{group}")
            .with("/id", "example_group")
            .with_members(&["bob", "eve"]),
        okta("Okta renames it to example-team", "PATCH", "/Groups/{group}")
            .body(patch(json!([
                {"op": "replace", "value": {"id": "{group}", "displayName": "example-team"}},
            ])))
            .stored_at("/Groups/{group}")
            .with("/displayName", "example-team"),
        okta("Okta removes Eve", "PATCH", "/Groups/{group}")
            .body(patch(json!([{"op": "remove", "path": "members[value eq \"{eve}\"]"}])))
            .stored_at("/Groups/{group}")
            .with_members(&["bob"]),
        okta("Okta adds Eve again", "PATCH", "/Groups/{group}")
            .body(patch(json!([
                {"op": "add", "path": "members", "value": [{"value": "{eve}", "display": "eve@example.com"}]},
            ])))
            .stored_at("/Groups/{group}")
            .with_members(&["bob", "eve"]),
    ]
}

fn updates() -> Vec<Step> {
    let okta = |what, method, path| Step::new(Caller::Okta, what, method, path);
    let mut bob = okta_user("bob", "Robert", "Ray");
    bob["id"] = json!("{bob}");
    bob["title"] = json!("Head of Research");
    bob["roles"] = json!([{"value": "account-admin"}]);
    vec![
        okta(
            "Okta updates Bob's profile, with a title and a role that are not synced",
            "PUT",
            "/Users/{bob}",
        )
        .body(bob)
        .stored_at("/Users/{bob}")
        .with("/displayName", "Robert Ray")
        .without("/title")
        .without("/roles"),
        okta("Okta deactivates Eve", "PATCH", "/Users/{eve}")
            .body(patch(
                json!([{"op": "replace", "value": {"active": false}}]),
            ))
            .stored_at("/Users/{eve}")
            .with("/active", false),
        okta(
            "Okta renames Eve while she is deactivated",
            "PATCH",
            "/Users/{eve}",
        )
        .body(patch(
            json!([{"op": "replace", "value": {"displayName": "Eve Wolf"}}]),
        ))
        .refused(400, "user.deactivated")
        .stored_at("/Users/{eve}")
        .with("/displayName", "Eve Fox"),
        okta("Okta reactivates Eve", "PATCH", "/Users/{eve}")
            .body(patch(json!([{"op": "replace", "value": {"active": true}}])))
            .stored_at("/Users/{eve}")
            .with("/active", true),
    ]
}

fn forbidden_edits() -> Vec<Step> {
    let edit = |what, method, path| Step::new(Caller::Administrator, what, method, path);
    vec![
        edit(
            "An administrator renames the pushed group",
            "PUT",
            "/gateway/ng/api/user-groups",
        )
        .body(json!({"identifier": "{group}", "name": "our-group", "users": ["{bob}", "{eve}"]}))
        .refused(403, "okta-only.group-rename")
        .stored_at("/Groups/{group}")
        .with("/displayName", "example-team"),
        edit(
            "She deletes it",
            "DELETE",
            "/gateway/ng/api/user-groups/{group}",
        )
        .refused(403, "okta-only.group-delete"),
        edit(
            "She adds Ann to it",
            "PUT",
            "/gateway/ng/api/user-groups/{group}/member/{ann}",
        )
        .refused(403, "okta-only.group-membership"),
        edit(
            "She removes Bob from it",
            "DELETE",
            "/gateway/ng/api/user-groups/{group}/member/{bob}",
        )
        .refused(403, "okta-only.group-membership")
        .stored_at("/Groups/{group}")
        .with_members(&["bob", "eve"]),
        edit(
            "She changes the e-mail of Bob, who came with the group",
            "PUT",
            "/gateway/ng/api/user/{bob}",
        )
        .body(json!({"uuid": "{bob}", "name": "Robert Ray", "email": "robert@example.com"}))
        .refused(403, "okta-only.user-profile")
        .stored_at("/Users/{bob}")
        .with("/userName", "bob@example.com"),
        edit(
            "She deletes Ann, whom Okta provisioned",
            "DELETE",
            "/gateway/ng/api/user/{ann}",
        )
        .refused(403, "okta-only.user-delete")
        .stored_at("/Users/{ann}")
        .with("/userName", "ann@example.com"),
    ]
}

fn allowed_edits() -> Vec<Step> {
    let edit = |what, method, path| Step::new(Caller::Administrator, what, method, path);
    vec![
        edit(
            "An administrator changes the name of Ann, who came without a group",
            "PUT",
            "/gateway/ng/api/user/{ann}",
        )
        .body(json!({"uuid": "{ann}", "name": "Ann Lee-Day", "email": "ann@example.com"}))
        .stored_at("/Users/{ann}")
        .with("/displayName", "Ann Lee-Day"),
        edit(
            "She creates a group in the application",
            "POST",
            "/gateway/ng/api/user-groups",
        )
        .body(json!({"identifier": "local_team", "name": "local-team", "users": []})),
        edit(
            "She adds Ann to it",
            "PUT",
            "/gateway/ng/api/user/add-user-to-groups/{ann}",
        )
        .body(json!({"userGroupIdsToAdd": ["local_team"]}))
        .stored_at("/Groups/local_team")
        .with_members(&["ann"]),
        edit(
            "She gives the pushed group a role",
            "POST",
            "/gateway/authz/api/roleassignments",
        )
        .body(json!({
            "resourceGroupIdentifier": "_all_account_level_resources",
            "roleIdentifier": "_account_viewer",
            "principal": {"identifier": "{group}", "type": "USER_GROUP"},
        })),
    ]
}

fn tokens() -> Vec<Step> {
    let read = |caller, what| Step::new(caller, what, "GET", "/Users?startIndex=1&count=2");
    vec![
        read(
            Caller::OtherAccount,
            "A token of another account reads the users",
        )
        .refused(403, "token.wrong-account"),
        read(Caller::Expired, "An expired token reads the users").refused(401, "token.expired"),
        Step::new(
            Caller::NoGroupManagement,
            "A token without core_usergroup_manage renames the pushed group",
            "PATCH",
            "/Groups/{group}",
        )
        .body(patch(
            json!([{"op": "replace", "value": {"displayName": "mine"}}]),
        ))
        .refused(403, "token.insufficient-permission")
        .stored_at("/Groups/{group}")
        .with("/displayName", "example-team"),
        read(Caller::Nobody, "No token at all reads the users").refused(401, "token.missing"),
    ]
}

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A user as Okta creates one.
fn okta_user(login: &str, given: &str, family: &str) -> Value {
    let email = format!("{login}@example.com");
    json!({
        "schemas": [USER],
        "userName": email,
        "name": {"givenName": given, "familyName": family},
        "emails": [{"primary": true, "value": email, "type": "work"}],
        "displayName": format!("{given} {family}"),
        "locale": "en-US",
        "externalId": format!("00u{login}"),
        "groups": [],
        "password": "1mz050nq",
        "active": true,
    })
}

fn patch(operations: Value) -> Value {
    json!({"schemas": [PATCH], "Operations": operations})
}
