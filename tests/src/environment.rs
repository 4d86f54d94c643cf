//! Where the programs under test are.

use std::path::PathBuf;

/// The `scimguard` program.
pub const PROGRAM: &str = "SCIMGUARD_BIN";
/// The policy component.
pub const COMPONENT: &str = "SCIMGUARD_COMPONENT";
/// A stock Envoy.
pub const ENVOY: &str = "SCIMGUARD_ENVOY";
/// The filter for it.
pub const FILTER: &str = "SCIMGUARD_FILTER";
/// A filter that lets everything pass.
pub const EMPTY_FILTER: &str = "SCIMGUARD_EMPTY_FILTER";
/// An nginx.
pub const NGINX: &str = "SCIMGUARD_NGINX";
/// A Python with the packages of `tests/requirements.txt`.
pub const PYTHON: &str = "SCIMGUARD_PYTHON";
/// The folder of the npm packages of `tests/peers/package.json`.
pub const NODE_MODULES: &str = "SCIMGUARD_NODE_MODULES";
/// The tarball of the npm package.
pub const WEB_PACKAGE: &str = "SCIMGUARD_WEB_PACKAGE";
/// The folder of the npm packages of `plugin/web/package.json`.
pub const WEB_MODULES: &str = "SCIMGUARD_WEB_MODULES";
/// The folder of the pages, as the host serves them.
pub const PAGES: &str = "SCIMGUARD_PAGES";
/// A Chromium.
pub const CHROMIUM: &str = "SCIMGUARD_CHROMIUM";

/// The file that an environment variable names.
///
/// # Panics
/// If the variable is not set: a test that cannot run has failed.
#[must_use]
pub fn file(variable: &str) -> PathBuf {
    let Some(path) = std::env::var_os(variable) else {
        panic!(
            "{variable} is not set: run `cargo xtask test`, which builds the program and the \
             component, installs the Python and npm packages and says where they are"
        );
    };
    let path = PathBuf::from(path);
    assert!(
        path.exists(),
        "{variable} names {}, which does not exist",
        path.display()
    );
    path
}

/// A command of the Python environment, such as `scim2`.
#[must_use]
pub fn python_command(name: &str) -> PathBuf {
    file(PYTHON).with_file_name(name)
}
