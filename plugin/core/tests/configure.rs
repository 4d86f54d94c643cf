//! Faults in a policy document are reported with their place, and a document that could slow down a
//! decision is refused.

mod fixtures;

use scimguard_core::Guard;
use serde_json::{Value, json};

/// The faults of a document with this part.
fn faults(scim: Value) -> Vec<String> {
    let policy = json!({"version": 1, "preset": "generic", "scim": scim});
    fixtures::faults(&policy.to_string())
}

fn extension(attributes: Value) -> Value {
    json!({"schemas": {"User": [{"id": "urn:example:2.0:User", "attributes": attributes}]}})
}

fn constraint(schema: Value) -> Value {
    json!({"json_schemas": {"User": schema}})
}

#[test]
fn documents_without_fault() {
    for scim in [
        json!({}),
        extension(json!([{"name": "badge"}])),
        extension(
            json!([{"name": "desk", "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "value", "type": "integer", "multiValued": false, "required": true, "mutability": "readWrite",
             "returned": "default", "uniqueness": "none", "caseExact": false, "canonicalValues": ["a"]}]}]),
        ),
        json!({"synced": {"User": ["urn:ietf:params:scim:schemas:core:2.0:User", "externalId"]}}),
        constraint(
            json!({"$defs": {"name": {"pattern": "^a"}}, "properties": {"userName": {"$ref": "#/$defs/name"}}}),
        ),
        constraint(json!({"$id": "https://example.com/user", "additionalProperties": true})),
        // The schema recurses with the value.
        constraint(json!({"additionalProperties": {"$ref": "#"}})),
    ] {
        assert_eq!(faults(scim.clone()), Vec::<String>::new(), "{scim}");
    }
}

#[test]
fn faults_are_reported_with_their_place() {
    let attribute = "/scim/schemas/User/0/attributes/0";
    #[rustfmt::skip]
    let cases = [
        (extension(json!([{"name": "a b"}])), format!("{attribute}/name: ")),
        (extension(json!([{"name": "a", "kind": 1}])), format!("{attribute}/kind: unknown field")),
        (extension(json!([{"name": "a", "type": "text"}])),
            format!("{attribute}/type: expected one of")),
        (extension(json!([{"type": "string"}])),
            format!("{attribute}: the field \"name\" is missing")),
        (extension(json!([])), "/scim/schemas/User/0/attributes: ".to_owned()),
        (extension(json!([{"name": "a"}, {"name": "A"}])), "/scim/schemas/User/0: ".to_owned()),
        (extension(json!([{"name": "a", "type": "complex"}])), "/scim/schemas/User/0: ".to_owned()),
        (extension(json!([{"name": "a", "subAttributes": [{"name": "b"}]}])),
            "/scim/schemas/User/0: ".to_owned()),
        (extension(json!([{"name": "a", "type": "complex", "subAttributes": [{"name": "b", "type": "complex"}]}])),
            format!("{attribute}/subAttributes/0/type: ")),
        (json!({"schemas": {"User": [{"id": "urn:ietf:params:scim:schemas:core:2.0:User", "attributes": [{"name": "a"}]}]}}),
            "/scim/schemas/User/0: ".to_owned()),
        (json!({"schemas": {"User": [{"id": "urn:x:1", "attributes": [{"name": "a"}]}, {"id": "URN:x:1:b", "attributes": [{"name": "a"}]}]}}),
            "/scim/schemas/User/1: ".to_owned()),
        (json!({"schemas": {"User": [{"id": "https://example.com", "attributes": [{"name": "a"}]}]}}),
            "/scim/schemas/User/0/id: ".to_owned()),
        (json!({"schemas": {"Device": []}}), "/scim/schemas/Device: unknown field".to_owned()),
        (json!({"synced": {"User": ["urn:example:2.0:User"]}}), "/scim/synced/User/0: ".to_owned()),
        (json!({"profile": "strict"}), "/scim/profile: expected one of".to_owned()),
        (constraint(json!({"$ref": "#"})), "/scim/json_schemas/User: ".to_owned()),
        (constraint(json!({"properties": {"userName": {"anyOf": [{"$ref": "#/properties/userName"}]}}})),
            "/scim/json_schemas/User: ".to_owned()),
        (constraint(json!({"$ref": "https://example.com/schema"})),
            "/scim/json_schemas/User: ".to_owned()),
        (constraint(json!({"$ref": "#/$defs/nothing"})), "/scim/json_schemas/User: ".to_owned()),
        (constraint(json!({"$dynamicRef": "#a"})), "/scim/json_schemas/User: ".to_owned()),
        (constraint(json!({"properties": {"a": {"$id": "b"}}})),
            "/scim/json_schemas/User: ".to_owned()),
        (constraint(json!({"properties": {"userName": {"pattern": "(a)\\1"}}})),
            "/scim/json_schemas/User: ".to_owned()),
        (constraint(json!({"description": "x".repeat(70_000)})),
            "/scim/json_schemas/User: ".to_owned()),
    ];
    for (scim, told) in cases {
        let faults = faults(scim.clone());
        assert!(
            faults.iter().any(|fault| fault.starts_with(&told)),
            "{scim}\nexpected {told}…\ncame {faults:#?}"
        );
    }
}

#[test]
fn a_fault_of_a_route_has_its_place() {
    let route = |parts: Value| {
        let mut route = json!({"method": "GET", "path": "/api/user-groups", "edit": "read"});
        for (name, value) in parts.as_object().unwrap() {
            route[name] = value.clone();
        }
        json!({"version": 1, "preset": "generic", "management": {
            "prefixes": ["/api/"], "unmatched": "guarded", "authenticate": false, "routes": [route]}})
    };
    let at_account = json!({"query": "account"});
    let at_id = json!({"answer": "/data/*/identifier"});
    #[rustfmt::skip]
    let cases = [
        (json!({"group": at_id}),
            "/management/routes/0/account: the source of the account is missing; if the application has only one, name it in scim.account"),
        (json!({"account": at_account, "name": at_id}),
            "/management/routes/0/name: only the `group` and `user` of a read"),
        (json!({"method": "PUT", "edit": "group.update", "account": at_account, "group": at_id}),
            "/management/routes/0/group: only the `group` and `user` of a read"),
        (json!({"account": at_account, "edit": "group.delete"}),
            "/management/routes/0/group: the source of the group is missing"),
        (json!({"method": "POST", "account": at_account, "edit": "group.create"}),
            "/management/routes/0/group: the source of the group's id or `name` is missing"),
        (json!({"method": "POST", "account": at_account, "edit": "user.create"}),
            "/management/routes/0/email: the source of the names of the users to create is missing"),
        (json!({"method": "PUT", "account": at_account, "edit": "user.groups.add"}),
            "/management/routes/0/user: the source of the user is missing"),
        (json!({"method": "PUT", "account": at_account, "edit": "access.change"}),
            "/management/routes/0/touches: the list of things it changes is missing"),
        (json!({"method": "PUT", "edit": "none", "touches": {"token": {"body": "/id"}}}),
            "/management/routes/0/touches: the edit is never refused"),
        (json!({"method": "PUT", "account": at_account, "edit": "group.rename", "group": {"body": "/groups/*/id"}}),
            "/management/routes/0/group: group is one value"),
        (json!({"method": "DELETE", "account": at_account, "edit": "user.delete", "user": {"body": "/email", "target": true}}),
            "/management/routes/0/user: only `user.update` and `user.profile` have a target"),
        (json!({"method": "PUT", "account": at_account, "edit": "group.delete", "group": {"body": "/id"}, "required": {"/managed": true}}),
            "/management/routes/0/required: the edit does not compare"),
        (json!({"method": "PUT", "account": at_account, "edit": "user.update", "user": {"body": "/id"}, "reserved": {"/managed": true}}),
            "/management/routes/0/reserved: only a group"),
        (json!({"method": "PUT", "account": at_account, "edit": "group.delete", "group": {"body": "/id"}, "content_types": ["multipart/form-data"]}),
            "/management/routes/0/group: a body of these `content_types` is not read"),
        (json!({"account": at_account, "group": {"query": "id", "target": true}}),
            "/management/routes/0/group/target: unknown field"),
        (json!({"account": at_account, "required": {"managed": true}}),
            "/management/routes/0/required"),
        (json!({"account": at_account, "group": {"answer": "data"}}),
            "/management/routes/0/group/answer: "),
    ];
    for (parts, told) in cases {
        let document = route(parts.clone()).to_string();
        let faults: Vec<String> = match Guard::configure(&document) {
            Ok(_) => Vec::new(),
            Err(errors) => errors
                .into_iter()
                .map(|error| format!("{}: {}", error.pointer, error.message))
                .collect(),
        };
        assert!(
            faults.iter().any(|fault| fault.starts_with(told)),
            "{parts}\nexpected {told}…\ncame {faults:#?}"
        );
    }
    let fine = route(json!({"account": at_account, "group": at_id})).to_string();
    assert!(Guard::configure(&fine).is_ok());
}

#[test]
fn a_misspelt_kind_of_protected_things_is_a_fault() {
    let faults = |document: Value| -> Vec<String> {
        match Guard::configure(&document.to_string()) {
            Ok(_) => Vec::new(),
            Err(errors) => errors.into_iter().map(|error| error.pointer).collect(),
        }
    };
    let harness = |protected: Value| json!({"version": 1, "protected": protected});
    for fine in [
        harness(json!([])),
        harness(json!(["svc_okta", "okta_*"])),
        harness(json!({"token": ["t1"], "any": ["svc_okta"]})),
        // A preset's kinds need no route if the document has its own routes.
        json!({"version": 1, "management": {"routes": []}}),
    ] {
        assert_eq!(faults(fine.clone()), Vec::<String>::new(), "{fine}");
    }
    for (wrong, place) in [
        (harness(json!({"tokens": ["t1"]})), "/protected/tokens"),
        (harness(json!(["*_okta"])), "/protected/0"),
        (harness(json!("svc_okta")), "/protected"),
        (
            json!({"version": 1, "accounts": {"A/B": {"protected": {"key": ["k"]}}}}),
            "/accounts/A~1B/protected/key",
        ),
    ] {
        assert_eq!(faults(wrong.clone()), [place], "{wrong}");
    }
}

#[test]
fn a_fault_of_an_issuer_has_its_place() {
    let issuer = |parts: Value| {
        let mut issuer =
            json!({"issuer": "https://id.example.com", "audience": ["guard"], "account": "ACC1"});
        for (name, value) in parts.as_object().unwrap() {
            issuer[name] = value.clone();
        }
        issuer
            .as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        issuer
    };
    let faults = |document: Value| -> Vec<String> {
        match Guard::configure(&document.to_string()) {
            Ok(_) => Vec::new(),
            Err(errors) => errors
                .into_iter()
                .map(|error| format!("{}: {}", error.pointer, error.message))
                .collect(),
        }
    };
    let policy = |issuers: Value| json!({"version": 1, "tokens": {"issuers": issuers}});
    let at = "/tokens/issuers/0";
    #[rustfmt::skip]
    let cases = [
        (json!({"issuer": null}), format!("{at}: the field \"issuer\" is missing")),
        (json!({"issuer": "a b"}), format!("{at}/issuer: ")),
        (json!({"audience": null}), format!("{at}/audience: the `aud` of tokens")),
        (json!({"audience": []}), format!("{at}/audience: expected at least 1")),
        (json!({"algorithms": ["none"]}), format!("{at}/algorithms/0: expected one of")),
        (json!({"algorithms": ["HS256"]}), format!("{at}/algorithms/0: expected one of")),
        (json!({"kind": "introspection", "algorithms": ["RS256"]}),
            format!("{at}/algorithms: introspection needs no algorithms")),
        (json!({"kind": "saml"}), format!("{at}/kind: expected one of")),
        (json!({"account": null}),
            format!("{at}/account: the account that the issuer vouches for is missing")),
        (json!({"claims": {"account": "/acct"}}),
            format!("{at}/account: give either `account` or `claims.account`")),
        (json!({"provider": "okta", "claims": {"provider": "/idp"}}),
            format!("{at}/provider: give either `provider` or `claims.provider`")),
        (json!({"claims": {"principal": "sub"}}), format!("{at}/claims/principal: ")),
        (json!({"claims": {"principal": "/a~2"}}), format!("{at}/claims/principal: ")),
        (json!({"clock_skew_seconds": 601}), format!("{at}/clock_skew_seconds: expected at most")),
        (json!({"client_secret": "s3cret"}), format!("{at}/client_secret: unknown field")),
    ];
    for (parts, told) in cases {
        let faults = faults(policy(json!([issuer(parts.clone())])));
        assert!(
            faults.iter().any(|fault| fault.starts_with(&told)),
            "{parts}\nexpected {told}…\ncame {faults:#?}"
        );
    }
    let twice = policy(json!([
        issuer(json!({})),
        issuer(json!({"account": "ACC2"}))
    ]));
    assert_eq!(
        faults(twice),
        ["/tokens/issuers/1/issuer: this issuer is listed twice, so its tokens would be ambiguous"]
    );
    let of_an_account = json!({"version": 1, "accounts": {"a/b": {"tokens": {"issuers": [issuer(json!({"account": null}))]}}}});
    assert!(faults(of_an_account)[0].starts_with("/accounts/a~1b/tokens/issuers/0/account: "));
    let fine = policy(json!([
        issuer(json!({})),
        issuer(json!({
            "issuer": "https://as.example.com", "kind": "introspection", "audience": null, "account": null,
            "claims": {"account": "/a~1b/~0/0", "principal": "/", "permissions": "/scope", "provider": "/idp"},
        }))
    ]));
    assert_eq!(faults(fine), Vec::<String>::new());
}
