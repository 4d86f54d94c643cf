//! Packs a tree as a Debian package, with the control files of `packaging/debian`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use jiff::Timestamp;

use super::layout::Tree;
use super::{Release, VERSION, emptied, listed, output};
use crate::debian;
use crate::steps::Step;

const ADVICE: &str = "Debian's tools for packages are needed (Debian: `apt-get install dpkg-dev \
    binutils`)";

const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];

/// Files that an administrator changes, and that an upgrade therefore does not overwrite.
const CONFFILES: &str = "/etc/scimguard/policy.json\n/etc/scimguard/scimguard.toml\n";

/// A package that can be packed in several revisions.
pub(super) struct DebianPackage {
    /// The tree, as it is below `/` on the user's system.
    pub(super) root: PathBuf,
}

/// Checks for Debian's tools.
pub(super) fn need_tools(step: &Step) -> Result<()> {
    let is_usable = || {
        let runs = |program| Command::new(program).arg("--version").output().is_ok();
        runs("dpkg-deb") && runs("dpkg-shlibdeps") && runs("objdump")
    };
    debian::need(step, is_usable, &["dpkg-dev", "binutils"], ADVICE)
}

impl DebianPackage {
    pub(super) fn file_name(revision: u32) -> String {
        format!("scimguard_{VERSION}-{revision}_amd64.deb")
    }

    /// Adds what a package has in `usr/share/doc`.
    pub(super) fn documents(&self, release: &Release, notice: &str) -> Result<()> {
        let folder = Tree::at(self.root.join("usr/share/doc/scimguard"));
        let copyright = release.project.file("packaging/debian/copyright");
        folder.copy(&copyright, "copyright")?;
        folder.write_compressed("NOTICE.gz", notice)?;
        folder.write_compressed("README.md.gz", release.project.contents(["README.md"])?)?;
        folder.write_compressed("changelog.gz", release.project.contents(["CHANGELOG.md"])?)?;
        let overrides = release.project.file("packaging/debian/lintian-overrides");
        Tree::at(self.root.clone()).copy(&overrides, "usr/share/lintian/overrides/scimguard")
    }

    /// Packs a revision into a folder; returns the file.
    pub(super) fn pack(&self, release: &Release, revision: u32, folder: &Path) -> Result<PathBuf> {
        let version = format!("{VERSION}-{revision}");
        let changelog = self
            .root
            .join("usr/share/doc/scimguard/changelog.Debian.gz");
        let control = emptied(self.root.join("DEBIAN"))?;
        if changelog.exists() {
            fs::remove_file(&changelog)?;
        }
        Tree::at(self.root.clone()).write_compressed(
            "usr/share/doc/scimguard/changelog.Debian.gz",
            changes(&version, release.time)?,
        )?;

        let sums = self.sums()?;
        let text = release.project.contents(["packaging/debian/control"])?;
        let text = text
            .replace("@version@", &version)
            .replace("@size@", &self.kibibytes()?.to_string())
            .replace("@depends@", &self.libraries()?);
        let inside = Tree::at(control.clone());
        inside.write("control", text)?;
        inside.write("conffiles", CONFFILES)?;
        inside.write("md5sums", sums)?;
        for script in SCRIPTS {
            let source = release.project.file(&format!("packaging/debian/{script}"));
            inside.copy(&source, script)?;
            let runnable = fs::Permissions::from_mode(0o755);
            fs::set_permissions(control.join(script), runnable)?;
        }

        let file = folder.join(Self::file_name(revision));
        // With several threads, the compressed bytes depend on their number.
        output(
            Command::new("dpkg-deb")
                .args(["--root-owner-group", "--threads-max=1", "-Zxz", "--build"])
                .arg(&self.root)
                .arg(&file)
                .env("SOURCE_DATE_EPOCH", release.time.to_string()),
        )?;
        Ok(file)
    }

    /// The packages of the libraries that the program is linked with, and their lowest versions.
    fn libraries(&self) -> Result<String> {
        // The tool works only beside a `debian/control`, which may be empty.
        let folder = self.root.with_file_name("libraries");
        Tree::at(emptied(folder.clone())?).write("debian/control", "")?;
        let found = output(
            Command::new("dpkg-shlibdeps")
                .arg("-O")
                .arg(self.root.join("usr/bin/scimguard"))
                .current_dir(&folder),
        )?;
        let found = found.trim().strip_prefix("shlibs:Depends=");
        Ok(found
            .context("dpkg-shlibdeps printed something else")?
            .to_owned())
    }

    fn sums(&self) -> Result<String> {
        let files = files_below(&self.root)?;
        let names = files.iter().map(|file| file.strip_prefix(&self.root));
        let names = names.collect::<Result<Vec<_>, _>>()?;
        let names = names.into_iter().filter(|name| !name.starts_with("etc"));
        output(Command::new("md5sum").args(names).current_dir(&self.root))
    }

    fn kibibytes(&self) -> Result<u64> {
        let files = files_below(&self.root)?;
        let sizes = files.iter().map(|file| Ok(fs::metadata(file)?.len()));
        Ok(sizes.sum::<Result<u64>>()?.div_ceil(1024))
    }
}

/// Debian's changelog, whose only entry points to the project's own.
fn changes(version: &str, time: u64) -> Result<String> {
    let date = Timestamp::from_second(time.try_into()?)?.strftime("%a, %d %b %Y %H:%M:%S +0000");
    Ok(format!(
        "scimguard ({version}) unstable; urgency=medium\n\n  * Release {VERSION}: see \
         changelog.gz.\n\n -- scimguard maintainers <maintainers@scimguard.invalid>  {date}\n"
    ))
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in listed(folder)? {
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}
