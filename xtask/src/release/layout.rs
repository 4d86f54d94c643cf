//! The files below a prefix such as `/usr`. The program finds the plugin and the pages in
//! `../share/scimguard`, wherever the prefix is.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use flate2::{Compression, GzBuilder};

use super::{Release, emptied, listed, output};

/// The pages among what the build of the pages makes.
const PAGES: [&str; 2] = ["page", "operators"];

/// What Prometheus and Grafana read.
const MONITORING: [&str; 3] = ["alerts.yml", "alerts.test.yml", "dashboard.json"];

/// The shells, and the place of their completion scripts below `share`. Debian's own packages have
/// zsh's in another place than what is installed by hand.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "bash-completion/completions/scimguard"),
    ("fish", "fish/vendor_completions.d/scimguard.fish"),
    ("zsh", "zsh/@zsh@/_scimguard"),
];

/// The configuration that packages install, as changes of lines of the example file: a service has its
/// files where systemd lets it write.
const CONFIGURED: [(&str, &str); 3] = [
    (
        "store = \"sqlite:scimguard.db\"",
        "store = \"sqlite:/var/lib/scimguard/scimguard.db\"",
    ),
    ("# policy = \"policy.json\"", "policy = \"policy.json\""),
    ("# cache = \"cache\"", "cache = \"/var/cache/scimguard\""),
];

/// A tree of files to pack.
pub(super) struct Tree {
    pub(super) root: PathBuf,
}

impl Tree {
    pub(super) fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// Writes the program, its data and its documentation, for this prefix on the user's system.
    pub(super) fn lay_out(&self, release: &Release, prefix: &str) -> Result<()> {
        let built = &release.built;
        self.copy(&built.program, "bin/scimguard")?;
        let program = self.root.join("bin/scimguard");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        self.copy(&built.component, "share/scimguard/scimguard.wasm")?;
        self.copy(&built.filter, "share/scimguard/scimguard-envoy.wasm")?;
        for page in PAGES {
            for file in listed(&built.pages.join(page))? {
                let name = file.file_name().context("a file without a name")?;
                let place = format!("share/scimguard/pages/{page}/{}", name.display());
                self.copy(&file, &place)?;
            }
        }
        for file in MONITORING {
            let from = release
                .project
                .file(&format!("packaging/prometheus/{file}"));
            self.copy(&from, &format!("share/scimguard/prometheus/{file}"))?;
        }
        self.manual(&built.program, release)?;
        let zsh = match prefix {
            "/usr" => "vendor-completions",
            _ => "site-functions",
        };
        for (shell, place) in COMPLETIONS {
            let script = output(Command::new(&built.program).args(["completions", shell]))?;
            self.write(&format!("share/{}", place.replace("@zsh@", zsh)), script)?;
        }
        let unit = release.project.contents(["packaging/scimguard.service"])?;
        let start = format!("{prefix}/bin/scimguard");
        let unit = replaced(&unit, "/usr/bin/scimguard", &start)?;
        self.write("lib/systemd/system/scimguard.service", unit)?;
        let user = release.project.file("packaging/sysusers.conf");
        self.copy(&user, "lib/sysusers.d/scimguard.conf")
    }

    fn manual(&self, program: &Path, release: &Release) -> Result<()> {
        let folder = emptied(release.trees.join("manual"))?;
        output(Command::new(program).arg("manual").arg(&folder))?;
        for page in listed(&folder)? {
            let name = page.file_name().context("a page without a name")?;
            let place = format!("share/man/man1/{}.gz", name.display());
            self.write_compressed(&place, fs::read(&page)?)?;
        }
        Ok(())
    }

    /// Writes the configuration and a policy document into a folder.
    pub(super) fn configuration(&self, release: &Release, folder: &str) -> Result<()> {
        let example = release.project.contents(["host/scimguard.example.toml"])?;
        let text = configured(&example)?;
        self.write(&format!("{folder}/scimguard.toml"), text)?;
        let policy = release.project.file("packaging/policy.json");
        self.copy(&policy, &format!("{folder}/policy.json"))
    }

    pub(super) fn copy(&self, from: &Path, place: &str) -> Result<()> {
        let bytes = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
        self.write(place, bytes)
    }

    /// Writes a file compressed as Debian wants documentation: without name and time.
    pub(super) fn write_compressed(&self, place: &str, text: impl AsRef<[u8]>) -> Result<()> {
        let mut compressed = GzBuilder::new().write(Vec::new(), Compression::best());
        compressed.write_all(text.as_ref())?;
        self.write(place, compressed.finish()?)
    }

    pub(super) fn write(&self, place: &str, bytes: impl AsRef<[u8]>) -> Result<()> {
        let path = self.root.join(place);
        let folder = path.parent().context("a file without a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o644);
        options
            .open(&path)
            .and_then(|mut file| file.write_all(bytes.as_ref()))
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

fn configured(example: &str) -> Result<String> {
    let mut text = example.to_owned();
    for (line, changed) in CONFIGURED {
        text = replaced(&text, &format!("\n{line}\n"), &format!("\n{changed}\n"))?;
    }
    Ok(text)
}

/// Replaces what is in the text exactly once.
fn replaced(text: &str, old: &str, new: &str) -> Result<String> {
    let times = text.matches(old).count();
    ensure!(times == 1, "{old:?} is {times} times in the text");
    Ok(text.replace(old, new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_has_every_line_that_packages_change() {
        let text = configured(include_str!("../../../host/scimguard.example.toml")).unwrap();
        for (_, changed) in CONFIGURED {
            assert!(text.contains(changed), "{changed} is missing");
        }
    }
}
