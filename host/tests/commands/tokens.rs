//! `token`, `principal` and whose a token is.

use serde_json::Value;

use crate::{CONFIG, PRINCIPAL, TOKEN, folder, run, stderr, stdout};

#[test]
fn a_token_is_printed_once_and_alone() {
    let folder = folder(CONFIG);
    let principal = run(&folder, PRINCIPAL);
    assert!(principal.status.success() && principal.stdout.is_empty());
    let said = stderr(&principal);
    assert!(
        said.contains("service account svc-okta") && said.contains("core_user_view"),
        "{said}"
    );
    let token = run(&folder, TOKEN);
    let said = stderr(&token);
    for words in [
        "token t1 of account ACC1 expires in 90 days",
        "only this once",
        "belongs to okta",
    ] {
        assert!(said.contains(words), "{said}");
    }
    let text = stdout(&token).trim_end();
    assert!(
        text.starts_with("sat.ACC1.t1.") && text.lines().count() == 1,
        "{text}"
    );
    let secret = text.rsplit('.').next().unwrap();
    assert!(!said.contains(secret));
    for list in ["token list", "token list --json", "principal list --json"] {
        let list = run(&folder, list);
        assert!(list.status.success() && !stdout(&list).contains(secret));
    }
    let json: serde_json::Value =
        serde_json::from_slice(&run(&folder, "token list --json").stdout).unwrap();
    assert_eq!(json[0]["id"], "t1");
    assert_eq!(json[0]["revoked"], false);
    assert!(
        run(&folder, "token revoke --account ACC1 --id t1")
            .status
            .success()
    );
    assert!(stdout(&run(&folder, "token list")).contains("revoked"));
    assert!(
        run(&folder, "principal disable --account ACC1 --id svc-okta")
            .status
            .success()
    );
    assert!(stdout(&run(&folder, "principal list")).contains("disabled"));
    let database = std::fs::read(folder.path().join("guard.db")).unwrap();
    assert!(
        !database
            .windows(secret.len())
            .any(|bytes| bytes == secret.as_bytes())
    );
}

#[test]
fn a_token_is_somebodys() {
    let folder = folder(CONFIG);
    assert!(run(&folder, PRINCIPAL).status.success());
    let create = "token create --account ACC1 --principal svc-okta --expires 90d";
    for (whose, code) in [
        ("", 2),
        (" --provider otka", 2),
        (" --provider okta --operator", 2),
        (" --provider okta", 0),
        (" --operator", 0),
    ] {
        let output = run(&folder, &format!("{create}{whose}"));
        assert_eq!(
            output.status.code(),
            Some(code),
            "{whose}: {}",
            stderr(&output)
        );
        let words = match whose {
            " --provider otka" => "did you mean \"okta\"?",
            " --provider okta" => "belongs to okta",
            " --operator" => "what is created with it has no owner",
            _ => "",
        };
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
    for file in ["", " \n"] {
        std::fs::write(folder.path().join("policy.json"), file).unwrap();
        let configured = format!("{CONFIG}\npolicy = \"policy.json\"\n");
        std::fs::write(folder.path().join("guard.toml"), configured).unwrap();
        let refused = run(&folder, &format!("{create} --provider okta"));
        assert!(
            stderr(&refused).contains("is empty"),
            "{}",
            stderr(&refused)
        );
    }
}

#[test]
fn a_token_for_programs_comes_with_its_id_and_expiry() {
    let folder = folder(CONFIG);
    assert!(run(&folder, PRINCIPAL).status.success());
    let created: Value =
        serde_json::from_slice(&run(&folder, &format!("{TOKEN} --json")).stdout).unwrap();
    assert_eq!(created["id"], "t1");
    assert_eq!(created["provider"], "okta");
    assert!(created["expires"].is_u64(), "{created}");
    assert!(
        created["token"]
            .as_str()
            .is_some_and(|it| it.starts_with("sat.ACC1.t1.")),
        "{created}"
    );
    let rotate = "token rotate --account ACC1 --id t1 --new-id t2 --expires never";
    let rotated = run(&folder, &format!("{rotate} --overlap 24h --json"));
    let said = stderr(&rotated);
    assert!(
        said.contains("token t2 of account ACC1 never expires"),
        "{said}"
    );
    assert!(said.contains("token t1 stays valid for 24h"), "{said}");
    let rotated: Value = serde_json::from_slice(&rotated.stdout).unwrap();
    assert_eq!(rotated["id"], "t2");
    assert_eq!(rotated["expires"], Value::Null);
}

#[test]
fn what_changes_is_said_beside_the_output() {
    let folder = folder(CONFIG);
    assert!(run(&folder, PRINCIPAL).status.success());
    assert!(run(&folder, TOKEN).status.success());
    let principal = "--account ACC1 --id svc-okta";
    for (line, words) in [
        (format!("principal disable {principal}"), "is disabled"),
        (format!("principal enable {principal}"), "is enabled"),
        (
            format!("principal permissions {principal} --set core_user_vew"),
            "did you mean \"core_user_view\"?",
        ),
        (
            format!("principal permissions {principal} --set core_user_view"),
            "has the permissions core_user_view.",
        ),
        (
            "token revoke --account ACC1 --id t1".to_owned(),
            "t1 of account ACC1 is revoked",
        ),
    ] {
        let output = run(&folder, &line);
        let said = stderr(&output);
        assert!(
            output.status.success() && output.stdout.is_empty(),
            "{line}: {said}"
        );
        assert!(said.contains(words), "{line}: {said}");
    }
}

#[test]
fn an_owner_is_a_provider_of_the_policy() {
    let folder = folder(CONFIG);
    for line in [
        "owners set --account ACC1 --user u1 --reason test --managed-by otka",
        "import --account ACC1 --no-credential --managed-by otka",
    ] {
        let refused = run(&folder, line);
        let said = stderr(&refused);
        assert_eq!(refused.status.code(), Some(2), "{line}: {said}");
        assert!(said.contains("did you mean \"okta\"?"), "{line}: {said}");
    }
}
