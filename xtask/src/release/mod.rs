//! `cargo xtask release`: makes what users install, in `target/release-VERSION`: a tarball, a Debian
//! package, a bill of materials and checksums.

mod bill;
mod check;
mod debian_package;
mod layout;
mod notice;
mod parts;
mod tarball;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use crate::project::Project;
use crate::steps::Steps;
use crate::{envoy, host, page, web};

use debian_package::DebianPackage;
use layout::Tree;
use parts::Part;

/// The workspace's version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The file of checksums.
const SUMS: &str = "SHA256SUMS";

/// What is released, and when.
struct Release<'project> {
    project: &'project Project,
    /// The folder of the files to publish.
    folder: PathBuf,
    /// The folder of the trees that the files are made of.
    trees: PathBuf,
    built: Built,
    /// The time of every file, in seconds since 1970.
    time: u64,
}

/// The paths of what was compiled.
struct Built {
    program: PathBuf,
    component: PathBuf,
    filter: PathBuf,
    pages: PathBuf,
}

/// Builds everything and packs it; with `check`, installs and tries what was packed.
pub(crate) fn run(project: &Project, steps: &mut Steps, check: bool) -> Result<ExitCode> {
    ensure!(
        cfg!(all(target_os = "linux", target_arch = "x86_64")),
        "packages are made on Linux on x86-64, for which they are"
    );
    let built = build(project, steps)?;
    let release = Release {
        project,
        built,
        folder: emptied(project.built(&format!("release-{VERSION}")))?,
        trees: emptied(project.built("packaging"))?,
        time: time(project)?,
    };
    let (parts, notice) = steps.step("licences", |_| {
        let parts = parts::shipped(project)?;
        let notice = notice::of(&parts)?;
        Ok((parts, notice))
    })?;
    steps.step("tarball", |_| release.tarball(&notice))?;
    let package = steps.step("Debian package", |step| {
        debian_package::need_tools(step)?;
        release.debian_package(&notice)
    })?;
    steps.step("bill of materials and checksums", |_| {
        release.bill(&parts)?;
        release.sums()
    })?;
    if check {
        check::run(&release, steps, &package)?;
    }
    anstream::println!("{}", steps.summary());
    anstream::println!("{}", release.folder.display());
    Ok(ExitCode::SUCCESS)
}

fn build(project: &Project, steps: &mut Steps) -> Result<Built> {
    let envoy::Built { component, filter } = envoy::filter_and_plugin(project, steps)?;
    let program = host::build(project, steps, &component)?;
    let package = web::build(project, steps)?;
    let pages = page::build(project, steps, &package)?;
    Ok(Built {
        program,
        component,
        filter,
        pages,
    })
}

/// `SOURCE_DATE_EPOCH`, or the time of the commit.
fn time(project: &Project) -> Result<u64> {
    let text = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text,
        Err(_) => {
            let mut git = project.command("git");
            output(git.args(["log", "-1", "--format=%ct"]))
                .context("without a git checkout, set SOURCE_DATE_EPOCH to the release's time")?
        }
    };
    let seconds = text.trim();
    seconds
        .parse()
        .with_context(|| format!("{seconds:?} is not a number of seconds since 1970"))
}

impl Release<'_> {
    fn tarball(&self, notice: &str) -> Result<()> {
        let name = tarball_name();
        let tree = Tree::at(self.trees.join("tarball"));
        tree.lay_out(self, "/usr/local")?;
        tree.configuration(self, "etc/scimguard")?;
        for file in ["LICENSE", "README.md"] {
            tree.copy(&self.project.file(file), file)?;
        }
        tree.write("NOTICE", notice)?;
        let file = self.folder.join(format!("{name}.tar.gz"));
        tarball::pack(&tree.root, &name, &file, self.time)
    }

    fn debian_package(&self, notice: &str) -> Result<DebianPackage> {
        let root = self.trees.join("debian");
        Tree::at(root.join("usr")).lay_out(self, "/usr")?;
        Tree::at(root.clone()).configuration(self, "etc/scimguard")?;
        let package = DebianPackage { root };
        package.documents(self, notice)?;
        package.pack(self, 1, &self.folder)?;
        Ok(package)
    }

    fn bill(&self, parts: &[Part]) -> Result<()> {
        let file = self.folder.join(format!("scimguard-{VERSION}.cdx.json"));
        let bill = bill::of(parts, self.time)?;
        fs::write(&file, serde_json::to_vec_pretty(&bill)?)
            .with_context(|| format!("cannot write {}", file.display()))
    }

    /// Writes the checksums in the format of `sha256sum`.
    fn sums(&self) -> Result<()> {
        let mut sums = String::new();
        for path in listed(&self.folder)? {
            let name = path.file_name().context("a file without a name")?;
            sums.push_str(&format!("{}  {}\n", sha256(&path)?, name.display()));
        }
        fs::write(self.folder.join(SUMS), sums).context(SUMS)
    }
}

/// The tarball's name without its ending, which is also the folder in it.
fn tarball_name() -> String {
    format!("scimguard-{VERSION}-x86_64-linux")
}

/// A file's SHA-256 in hexadecimal digits.
fn sha256(file: &Path) -> Result<String> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let digest = Sha256::digest(bytes);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The entries of a folder, sorted.
fn listed(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn emptied(folder: PathBuf) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// What a program prints on standard output.
fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().display().to_string();
    let output = command
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    ensure!(
        output.status.success(),
        "{program} failed ({}): {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    String::from_utf8(output.stdout).with_context(|| format!("{program} printed no UTF-8"))
}
