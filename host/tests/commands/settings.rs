//! `okta-settings` and `entra-settings`.

use crate::{CONFIG, bare, folder, stderr, stdout};

#[test]
fn settings_follow_the_policy_in_use() {
    let folder = folder(CONFIG);
    let policy = r#"{"preset":"generic","scim":{"base":"/scim/v2/{account}"},"accounts":{"ACC2":{"provider":"entra"}}}"#;
    std::fs::write(folder.path().join("own.json"), policy).unwrap();
    std::fs::write(folder.path().join("empty.json"), " \n").unwrap();
    let public = "--public-url https://guard.example.com/ --json";
    let settings = |line: &str| -> serde_json::Value {
        let output = bare(&folder, line);
        assert!(output.status.success(), "{line}: {}", stderr(&output));
        serde_json::from_str(stdout(&output)).unwrap()
    };
    let harness = settings(&format!("okta-settings --account ACC1 {public}"));
    assert_eq!(
        harness["scim_connector_base_url"],
        "https://guard.example.com/gateway/ng/api/scim/account/ACC1"
    );
    assert!(harness["single_sign_on_url"].is_string());
    let own = settings(&format!(
        "okta-settings --account ACC1 --policy own.json {public}"
    ));
    assert_eq!(
        own["scim_connector_base_url"],
        "https://guard.example.com/scim/v2/ACC1"
    );
    assert!(own.get("single_sign_on_url").is_none(), "{own}");
    let entra = settings(&format!(
        "entra-settings --account ACC2 --policy own.json {public}"
    ));
    assert_eq!(
        entra["tenant_url"],
        "https://guard.example.com/scim/v2/ACC2"
    );

    // An unknown address of the guard is not replaced by another one.
    for command in ["okta-settings", "entra-settings"] {
        let output = bare(&folder, &format!("{command} --account ACC1"));
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(stdout(&output).contains("<the guard's public address>/gateway"));
        assert!(
            stderr(&output).contains("--public-url"),
            "{}",
            stderr(&output)
        );
    }
    let configured =
        format!("{CONFIG}\npublic_url = \"https://inner.example.com\"\npolicy = \"own.json\"\n");
    std::fs::write(folder.path().join("own.toml"), configured).unwrap();
    let configured = settings("okta-settings --account ACC1 --config own.toml --json");
    assert_eq!(
        configured["scim_connector_base_url"],
        "https://inner.example.com/scim/v2/ACC1"
    );
    for wrong in [
        "okta-settings --account ACC1 --policy empty.json",
        "okta-settings --account ACC1 --policy gone.json",
        "okta-settings --account a/b",
        "entra-settings --account ACC1 --public-url https://guard.example.com/scim",
    ] {
        assert_eq!(bare(&folder, wrong).status.code(), Some(2), "{wrong}");
    }
}
