//! What `policy` prints.

use serde_json::Value;

use super::*;

fn printed(folder: &TempDir, arguments: &str) -> Value {
    let output = bare(folder, arguments);
    assert!(output.status.success(), "{arguments}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_policy_is_shown_with_every_field_and_is_the_same_policy() {
    let folder = folder(CONFIG);
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    for document in [
        r"{}",
        r#"{"version": 1, "preset": "generic", "direct_users": "locked", "accounts": {"ACC2": {"mode": "monitor"}}}"#,
        r#"{"version": 1, "preset": "ipsie", "scim": {"group_id": null, "limits": {"depth": 8}}}"#,
    ] {
        write("policy.json", document);
        let shown = printed(&folder, "policy show --policy policy.json");
        let given: Value = serde_json::from_str(document).unwrap();
        for (field, value) in given.as_object().unwrap() {
            match value {
                Value::Object(_) => {}
                value => assert_eq!(&shown[field], value, "{field}"),
            }
        }
        write("shown.json", &shown.to_string());
        assert_eq!(printed(&folder, "policy show --policy shown.json"), shown);
        let mut of_account = printed(&folder, "policy show --policy policy.json --account ACC2");
        let differs = given["accounts"]["ACC2"]["mode"].as_str();
        assert_eq!(of_account["mode"], differs.unwrap_or("enforce"));
        of_account["mode"] = shown["mode"].clone();
        let mut expected = shown;
        expected.as_object_mut().unwrap().remove("accounts");
        assert_eq!(of_account, expected);
    }
}

#[test]
fn the_default_policy_is_shown_without_a_document() {
    let folder = folder(CONFIG);
    let shown = printed(&folder, "policy show");
    assert_eq!(shown["provider"], "okta");
    assert_eq!(
        shown["scim"]["base"],
        "/gateway/ng/api/scim/account/{account}"
    );
}

#[test]
fn a_faulty_policy_is_not_shown() {
    let folder = folder(CONFIG);
    std::fs::write(folder.path().join("policy.json"), r#"{"moode": "monitor"}"#).unwrap();
    let output = bare(&folder, "policy show --policy policy.json");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("/moode") && said.contains("mode"), "{said}");
    assert!(output.stdout.is_empty());
}

#[test]
fn the_schema_knows_every_field_that_is_shown() {
    let folder = folder(CONFIG);
    let schema = printed(&folder, "policy schema");
    let shown = printed(&folder, "policy show");
    for field in shown.as_object().unwrap().keys() {
        assert!(schema["properties"].get(field).is_some(), "{field}");
    }
}
