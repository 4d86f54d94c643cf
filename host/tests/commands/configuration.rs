//! Which configuration a command reads, and what `doctor` says of its files.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use crate::{CONFIG, bare, folder, run, stderr, stdout, without_configuration};

#[test]
fn without_an_argument_the_configuration_is_that_of_the_environment_or_the_usual_one() {
    let folder = folder(CONFIG);
    for line in ["token list", "okta-settings --account ACC1"] {
        let missing = bare(&folder, line);
        let is_optional = line.starts_with("okta-settings");
        assert_eq!(missing.status.success(), is_optional, "{line}");
    }
    let missing = bare(&folder, "token list");
    let said = stderr(&missing);
    assert_eq!(missing.status.code(), Some(2));
    assert!(
        said.contains("scimguard.toml") && said.contains("SCIMGUARD_CONFIG"),
        "{said}"
    );

    let named = without_configuration(&folder, "token list")
        .env("SCIMGUARD_CONFIG", "guard.toml")
        .output()
        .unwrap();
    assert!(named.status.success(), "{}", stderr(&named));

    let public = format!("{CONFIG}public_url = \"https://guard.example.com\"\n");
    fs::write(folder.path().join("scimguard.toml"), public).unwrap();
    assert!(bare(&folder, "token list").status.success());
    let settings = bare(&folder, "okta-settings --account ACC1");
    assert!(stdout(&settings).contains("https://guard.example.com/gateway"));
    // Another policy is not that of this configuration.
    fs::write(folder.path().join("own.json"), "{}").unwrap();
    let settings = bare(&folder, "okta-settings --account ACC1 --policy own.json");
    assert!(!stdout(&settings).contains("https://guard.example.com"));

    let found = bare(&folder, "doctor");
    assert!(
        stdout(&found).contains("configuration scimguard.toml"),
        "{}",
        stdout(&found)
    );
}

#[test]
fn a_secret_that_everybody_can_read_is_noted() {
    let folder = folder(&format!("{CONFIG}[admin_token]\nfile = \"admin.token\"\n"));
    let file = folder.path().join("admin.token");
    fs::write(&file, "0123456789abcdef").unwrap();
    for (mode, noted) in [(0o644, true), (0o600, false)] {
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        let report = run(&folder, "doctor");
        let report = stdout(&report);
        assert_eq!(report.contains("chmod 600"), noted, "{report}");
    }
}

#[test]
fn a_file_holds_either_decisions_or_the_record() {
    let folder = folder(&format!("{CONFIG}decisions = \"sqlite:./guard.db\"\n"));
    let refused = run(&folder, "token list");
    assert_eq!(refused.status.code(), Some(2));
    let said = stderr(&refused);
    assert!(said.contains("name the same file"), "{said}");
}
