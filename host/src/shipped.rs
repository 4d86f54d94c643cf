//! Where the files are that come with the program, the plugin and the pages: beside it, as they are
//! built, or in `share/scimguard` beside its `bin`, as packages install them.

use std::path::{Path, PathBuf};

/// The place of a file or folder that comes with this program.
pub(crate) fn place(name: &str) -> PathBuf {
    match std::env::current_exe() {
        Ok(program) => place_of(&program, name),
        Err(_) => name.into(),
    }
}

/// The place beside the program if there is none at all, since that is where to put it.
fn place_of(program: &Path, name: &str) -> PathBuf {
    let beside = program.with_file_name(name);
    let installed = program
        .parent()
        .and_then(Path::parent)
        .map(|prefix| prefix.join("share/scimguard").join(name));
    match installed {
        Some(installed) if !beside.exists() && installed.exists() => installed,
        _ => beside,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_beside_the_program_comes_before_an_installed_one() {
        let prefix = tempfile::tempdir().unwrap();
        let program = prefix.path().join("bin/scimguard");
        let beside = prefix.path().join("bin/scimguard.wasm");
        let installed = prefix.path().join("share/scimguard/scimguard.wasm");
        let found = || place_of(&program, "scimguard.wasm");

        assert_eq!(found(), beside);

        fs::create_dir_all(installed.parent().unwrap()).unwrap();
        fs::write(&installed, "").unwrap();
        assert_eq!(found(), installed);

        fs::create_dir_all(beside.parent().unwrap()).unwrap();
        fs::write(&beside, "").unwrap();
        assert_eq!(found(), beside);
    }
}
