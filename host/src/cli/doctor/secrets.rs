//! Checks who can read the files with the configuration's secrets.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::findings::Findings;
use crate::cli::store_args::shell_word;
use crate::config::Config;

const ABOUT: &str = "secrets";

/// Notes each file that every user can read. A missing one is reported where it is used.
pub(super) fn examine(config: &Config, findings: &mut Findings) {
    for file in config.secret_files() {
        if is_open(file) {
            let name = file.display().to_string();
            findings.note(
                ABOUT,
                format!(
                    "{name} can be read by every user of this machine; `chmod 600 {}` prevents that",
                    shell_word(&name)
                ),
            );
        }
    }
}

fn is_open(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|found| found.mode() & 0o004 != 0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_of_the_user_or_the_group_is_not_open() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (mode, open) in [(0o600, false), (0o640, false), (0o644, true)] {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(file.path(), mode).unwrap();
            assert_eq!(is_open(file.path()), open);
        }
        assert!(!is_open(Path::new("no/such/file")));
    }
}
