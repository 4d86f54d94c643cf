//! The text of the policy document, which is never empty by accident.

use std::path::Path;

use anyhow::Context as _;

/// The text of a policy document in a file. An empty one is probably a failed copy: it does not
/// mean the default policy, which is `{}`.
///
/// # Errors
/// If the file cannot be read, or is empty.
pub(crate) fn policy_file(file: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| {
        let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        format!("cannot read {}", file.display())
    })?;
    given_policy(file, text)
}

/// The text of a policy document, unless it is empty.
///
/// # Errors
/// If it is.
pub(crate) fn given_policy(file: &Path, text: String) -> anyhow::Result<String> {
    anyhow::ensure!(
        !text.trim_start_matches('\u{feff}').trim().is_empty(),
        "the policy {} is empty; restore the policy, or write {{}} for the default one",
        file.display()
    );
    Ok(text)
}
