//! Messages for misspellings in a policy document: the place, what is expected in words, and the
//! name that was probably meant.

mod fixtures;

use fixtures::faults;
use serde_json::{Value, json};

fn route(parts: Value) -> Value {
    let mut route = json!({"method": "POST", "path": "/api", "edit": "none"});
    for (name, value) in parts.as_object().into_iter().flatten() {
        route[name] = value.clone();
    }
    json!({"preset": "generic", "management": {"prefixes": ["/api"], "routes": [route]}})
}

#[test]
fn a_message_suggests_the_name_that_was_meant() {
    #[rustfmt::skip]
    let cases = [
        (json!({"scim": {"bse": "/scim/{account}"}}),
            r#"/scim/bse: unknown field "bse"; did you mean "base"?"#),
        (json!({"Preset": "generic"}),
            r#"/Preset: unknown field "Preset"; did you mean "preset"?"#),
        (json!({"base": "/scim/{account}"}),
            r#"/base: unknown field "base"; did you mean `/scim/base`?"#),
        (json!({"scim": {"provider": "entra"}}),
            r#"/scim/provider: unknown field "provider"; did you mean `/provider`?"#),
        (json!({"accounts": {"A": {"scim": {"emals": "all"}}}}),
            r#"/accounts/A/scim/emals: unknown field "emals"; did you mean "emails"?"#),
        (json!({"accounts": {"A": {"scim": {"base": "/x/{account}"}}}}),
            r#"/accounts/A/scim/base: unknown field "base"; did you mean `/scim/base`?"#),
        (json!({"scim": {"schemas": {"User": [{"id": "urn:x:y", "attributes": [{"name": "a", "multivalued": true}]}]}}}),
            r#"/scim/schemas/User/0/attributes/0/multivalued: unknown field "multivalued"; did you mean "multiValued"?"#),
        (json!({"colour": 1}), r#"/colour: unknown field "colour""#),
        (json!({"preset": "genric"}),
            r#"/preset: expected one of "harness", "generic", "ipsie"; did you mean "generic"?"#),
        (route(json!({"method": "post"})),
            r#"/management/routes/0/method: expected one of "GET", "POST", "PUT", "PATCH", "DELETE"; did you mean "POST"?"#),
        (route(json!({"account": {"pth": "x"}})),
            r#"/management/routes/0/account/pth: unknown field "pth"; did you mean "path"?"#),
        (json!({"mode": 1}), r#"/mode: expected one of "enforce", "monitor""#),
        (
            json!({"scim": {"base": "scim/v2"}}),
            r#"/scim/base: must begin with "/" and end with "/{account}""#,
        ),
        (json!({"scim": {"upstream_base": "v2"}}), r#"/scim/upstream_base: must begin with "/""#),
        (json!({"scim": {"upstream_base": 3}}),
            "/scim/upstream_base: expected type null, or expected type string"),
        (json!({"scim": {"dialect": {"users.emails": "path"}}}),
            r#"/scim/dialect/users.emails: the name must begin with "User." or "Group.""#),
        (route(json!({"touches": {"any": {"body": "/id"}}})),
            r#"/management/routes/0/touches/any: the name must not be "any""#),
        (json!({"tokens": {"headers": []}}), "/tokens/headers: expected at least 1 element"),
        (json!({"provider": ""}), "/provider: must not be empty"),
    ];
    for (document, told) in cases {
        assert_eq!(faults(&document.to_string()), [told], "{document}");
    }
}

#[test]
fn a_text_that_is_not_json_is_reported_with_its_place() {
    assert_eq!(
        faults("{\"preset\": \"generic\",\n \"mode\": }"),
        [": not JSON: line 2, column 10: expected value"]
    );
}
