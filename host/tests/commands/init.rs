//! From an empty folder to a set-up, by `init`.

use serde_json::Value;

use super::*;

const ALL: &str = "init guard --backend http://127.0.0.1:9 --scim-path /accounts/{account}/scim \
                   --provider okta --account ACC1 --public-url https://guard.example.com";

#[test]
fn a_set_up_is_written_tried_and_explained() {
    let folder = folder(CONFIG);
    let output = bare(&folder, ALL);
    let (said, told) = (stderr(&output), stdout(&output));
    // Nothing answers at the application's address.
    assert_eq!(output.status.code(), Some(1), "{said}\n{told}");
    assert!(
        said.contains("Wrote guard/scimguard.toml and policy.json."),
        "{said}"
    );
    assert!(told.contains("does not answer"), "{told}");
    let base = "https://guard.example.com/scim/v2/ACC1";
    assert!(told.contains(base), "{told}");
    assert!(
        told.contains("scimguard serve --config guard/scimguard.toml"),
        "{told}"
    );
    let mut words = told.split_whitespace();
    let token = words.find(|word| word.starts_with("sat.ACC1.")).unwrap();
    let id = token.split('.').nth(2).unwrap();
    let list = bare(&folder, "token list --json --config guard/scimguard.toml");
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    assert_eq!(list[0]["id"], id);
    assert_eq!(list[0]["provider"], "okta");
    assert_eq!(list[0]["principal"], "svc-okta");
    let policy = std::fs::read_to_string(folder.path().join("guard/policy.json")).unwrap();
    let policy: Value = serde_json::from_str(&policy).unwrap();
    let scim = serde_json::json!({"upstream_base": "/accounts/{account}/scim"});
    assert_eq!(policy["scim"], scim);
    // A second time would replace what is there.
    let again = bare(&folder, ALL);
    assert_eq!(again.status.code(), Some(2));
    assert!(stderr(&again).contains("is there already"), "{again:?}");
}

#[test]
fn an_application_with_one_account_has_it_in_the_policy() {
    let folder = folder(CONFIG);
    let given = ALL
        .replace("/accounts/{account}/scim", "/scim/v2/")
        .replace("okta", "entra");
    let output = bare(&folder, &given);
    assert!(stdout(&output).contains("Tenant URL"), "{output:?}");
    let policy = std::fs::read_to_string(folder.path().join("guard/policy.json")).unwrap();
    let policy: Value = serde_json::from_str(&policy).unwrap();
    let scim = serde_json::json!({"upstream_base": "/scim/v2", "account": "ACC1"});
    assert_eq!(
        (&policy["scim"], &policy["provider"]),
        (&scim, &"entra".into())
    );
}

#[test]
fn wrong_and_missing_answers_leave_nothing_behind() {
    let folder = folder(CONFIG);
    for (given, why) in [
        (
            ALL.replace("http://127.0.0.1:9", "ftp://app"),
            "--backend: ",
        ),
        (
            ALL.replace("/accounts/{account}/scim", "scim"),
            "--scim-path: ",
        ),
        (ALL.replace("okta", "Okta"), "--provider: "),
        (ALL.replace("ACC1", "A/1"), "--account: "),
        (
            ALL.replace("https://guard.example.com", "guard"),
            "--public-url: ",
        ),
        (ALL.replace(" --provider okta", ""), "--provider is missing"),
    ] {
        let output = bare(&folder, &given);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(why), "{said}");
        assert!(!folder.path().join("guard").exists(), "{given}");
    }
}
