//! What is wrong with a policy document is told with its place, and a document that could hold up a
//! decision is none.

use scimguard_core::Guard;
use serde_json::{Value, json};

/// The faults of a document, as `POINTER: message`.
fn faults(scim: Value) -> Vec<String> {
    let policy = json!({"version": 1, "preset": "generic", "scim": scim}).to_string();
    match Guard::configure(&policy) {
        Ok(_) => Vec::new(),
        Err(errors) => errors
            .into_iter()
            .map(|error| format!("{}: {}", error.pointer, error.message))
            .collect(),
    }
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
        // It goes down with the value.
        constraint(json!({"additionalProperties": {"$ref": "#"}})),
    ] {
        assert_eq!(faults(scim.clone()), Vec::<String>::new(), "{scim}");
    }
}

#[test]
fn faults_are_told_with_their_place() {
    let attribute = "/scim/schemas/User/0/attributes/0";
    let cases = [
        (
            extension(json!([{"name": "a b"}])),
            format!("{attribute}/name: "),
        ),
        (
            extension(json!([{"name": "a", "kind": 1}])),
            format!("{attribute}/kind: unknown field"),
        ),
        (
            extension(json!([{"name": "a", "type": "text"}])),
            format!("{attribute}/type: expected one of"),
        ),
        (
            extension(json!([{"type": "string"}])),
            format!("{attribute}: the field \"name\" is missing"),
        ),
        (
            extension(json!([])),
            "/scim/schemas/User/0/attributes: ".to_owned(),
        ),
        (
            extension(json!([{"name": "a"}, {"name": "A"}])),
            "/scim/schemas/User/0: ".to_owned(),
        ),
        (
            extension(json!([{"name": "a", "type": "complex"}])),
            "/scim/schemas/User/0: ".to_owned(),
        ),
        (
            extension(json!([{"name": "a", "subAttributes": [{"name": "b"}]}])),
            "/scim/schemas/User/0: ".to_owned(),
        ),
        (
            extension(
                json!([{"name": "a", "type": "complex", "subAttributes": [{"name": "b", "type": "complex"}]}]),
            ),
            format!("{attribute}/subAttributes/0/type: "),
        ),
        (
            json!({"schemas": {"User": [{"id": "urn:ietf:params:scim:schemas:core:2.0:User", "attributes": [{"name": "a"}]}]}}),
            "/scim/schemas/User/0: ".to_owned(),
        ),
        (
            json!({"schemas": {"User": [{"id": "urn:x:1", "attributes": [{"name": "a"}]}, {"id": "URN:x:1:b", "attributes": [{"name": "a"}]}]}}),
            "/scim/schemas/User/1: ".to_owned(),
        ),
        (
            json!({"schemas": {"User": [{"id": "https://example.com", "attributes": [{"name": "a"}]}]}}),
            "/scim/schemas/User/0/id: ".to_owned(),
        ),
        (
            json!({"schemas": {"Device": []}}),
            "/scim/schemas/Device: unknown field".to_owned(),
        ),
        (
            json!({"synced": {"User": ["urn:example:2.0:User"]}}),
            "/scim/synced/User/0: ".to_owned(),
        ),
        (
            json!({"profile": "strict"}),
            "/scim/profile: expected one of".to_owned(),
        ),
        (
            constraint(json!({"$ref": "#"})),
            "/scim/json_schemas/User: ".to_owned(),
        ),
        (
            constraint(
                json!({"properties": {"userName": {"anyOf": [{"$ref": "#/properties/userName"}]}}}),
            ),
            "/scim/json_schemas/User: ".to_owned(),
        ),
        (
            constraint(json!({"$ref": "https://example.com/schema"})),
            "/scim/json_schemas/User: ".to_owned(),
        ),
        (
            constraint(json!({"$ref": "#/$defs/nothing"})),
            "/scim/json_schemas/User: ".to_owned(),
        ),
        (
            constraint(json!({"$dynamicRef": "#a"})),
            "/scim/json_schemas/User: ".to_owned(),
        ),
        (
            constraint(json!({"properties": {"a": {"$id": "b"}}})),
            "/scim/json_schemas/User: ".to_owned(),
        ),
        (
            constraint(json!({"properties": {"userName": {"pattern": "(a)\\1"}}})),
            "/scim/json_schemas/User: ".to_owned(),
        ),
        (
            constraint(json!({"description": "x".repeat(70_000)})),
            "/scim/json_schemas/User: ".to_owned(),
        ),
    ];
    for (scim, told) in cases {
        let faults = faults(scim.clone());
        assert!(
            faults.iter().any(|fault| fault.starts_with(&told)),
            "{scim}\nexpected {told}…\ncame {faults:#?}"
        );
    }
}
