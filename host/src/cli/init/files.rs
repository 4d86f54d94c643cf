//! The files that `init` writes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::answers::{ACCOUNT, Answers};

const CONFIG: &str = "scimguard.toml";

/// The policy document.
pub(super) const POLICY: &str = "policy.json";

const STORE: &str = "scimguard.db";

/// The path of Harness's SCIM endpoints (Harness documentation: SCIM base URL).
const HARNESS_PATH: &str = "/gateway/ng/api/scim/account/{account}";

/// Refuses a folder that has a set-up already.
pub(super) fn check_free(folder: &Path) -> anyhow::Result<()> {
    for name in [CONFIG, POLICY, STORE] {
        let file = folder.join(name);
        ensure!(
            !file.exists(),
            "{} is there already; give another folder",
            file.display()
        );
    }
    Ok(())
}

/// Writes the configuration and the policy, and returns the path of the configuration.
pub(super) fn write(folder: &Path, answers: &Answers) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let put = |name: &str, text: String| {
        let file = folder.join(name);
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        anyhow::Ok(file)
    };
    put(POLICY, format!("{:#}\n", policy(answers)))?;
    put(CONFIG, config(answers))
}

/// Harness has a preset, which knows its management API too. An application with one account has it in
/// the policy, since its path does not name it.
fn policy(answers: &Answers) -> Value {
    let account = format!("/{}", answers.account);
    let of_account = answers.scim_path.strip_suffix(&account);
    let is_harness =
        of_account.is_some_and(|path| HARNESS_PATH.strip_suffix("/{account}") == Some(path));
    if is_harness || answers.scim_path == HARNESS_PATH {
        return json!({"version": 1, "preset": "harness", "provider": answers.provider});
    }
    let mut scim = json!({"upstream_base": answers.scim_path});
    if !answers.scim_path.contains(ACCOUNT) {
        scim["account"] = json!(answers.account);
    }
    json!({
        "version": 1,
        "preset": "generic",
        "provider": answers.provider,
        "scim": scim,
    })
}

fn config(answers: &Answers) -> String {
    format!(
        "# `scimguard serve --help` shows every key.\n\
         listen = \"127.0.0.1:8080\"\n\
         admin = \"127.0.0.1:8081\"\n\
         public_url = \"{}\"\n\
         backend = \"{}\"\n\
         store = \"sqlite:{STORE}\"\n\
         policy = \"{POLICY}\"\n\n\
         # The guard's own credential at the application. Without one, the identity provider's token is\n\
         # forwarded, which the application does not know.\n\
         # [backend_credential]\n\
         # file = \"backend.token\"\n\n\
         # TLS on `listen`, unless a proxy in front has it.\n\
         # [tls]\n\
         # certificate = \"guard.pem\"\n\
         # key = \"guard.key\"\n",
        answers.public_url,
        answers.backend.to_string().trim_end_matches('/'),
    )
}
