//! What the released files are made of: this project's crates, those of others, npm packages in the
//! pages, and Rust's standard library.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::output;
use crate::project::Project;

const LINUX: &str = "x86_64-unknown-linux-gnu";
const WASM: &str = "wasm32-unknown-unknown";

/// The crates of each build, whose features are resolved together, and its target.
pub(super) const BUILDS: [(&[&str], &str); 3] = [
    (&["scimguard"], LINUX),
    (&["scimguard-component", "scimguard-envoy"], WASM),
    (&["scimguard-web"], WASM),
];

/// A library or package.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) origin: Origin,
    pub(super) name: String,
    pub(super) version: String,
    /// An SPDX expression.
    pub(super) licence: String,
    /// Where its licence texts are. Those of Rust's standard library are not in every installation.
    pub(super) folder: Option<PathBuf>,
    /// The SHA-256 of a crate as downloaded.
    pub(super) checksum: Option<String>,
    /// The references of the parts that it uses.
    pub(super) uses: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    ThisProject,
    Crates,
    Npm,
    Rust,
}

impl Part {
    /// Identifies the part: its package URL, if it is published.
    pub(super) fn reference(&self) -> String {
        let Self { name, version, .. } = self;
        let kind = match self.origin {
            Origin::ThisProject => return own(name, version),
            Origin::Crates => "cargo",
            Origin::Npm => "npm",
            Origin::Rust => "generic",
        };
        format!("pkg:{kind}/{}@{version}", name.replace('@', "%40"))
    }
}

/// A reference to one of this project's crates.
fn own(name: &str, version: &str) -> String {
    format!("{name}@{version}")
}

/// Every part, sorted by its reference.
pub(super) fn shipped(project: &Project) -> Result<Vec<Part>> {
    let mut parts = crates(project)?;
    for part in npm_packages(project)? {
        parts.insert(part.reference(), part);
    }
    let rust = standard_library()?;
    parts.insert(rust.reference(), rust);
    Ok(parts.into_values().collect())
}

// === Crates ===

/// What `cargo metadata` prints.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
    manifest_path: PathBuf,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    /// Absent: neither for tests nor for a build script.
    kind: Option<String>,
}

/// `Cargo.lock`.
#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

fn crates(project: &Project) -> Result<BTreeMap<String, Part>> {
    let lock: Lock = toml::from_str(&project.contents(["Cargo.lock"])?)?;
    let checksums: BTreeMap<_, _> = lock
        .package
        .into_iter()
        .map(|locked| ((locked.name, locked.version), locked.checksum))
        .collect();
    let mut parts = BTreeMap::<String, Part>::new();
    for (roots, target) in BUILDS {
        for mut part in of_build(project, roots, target)? {
            let version = (part.name.clone(), part.version.clone());
            part.checksum = checksums.get(&version).cloned().flatten();
            match parts.get_mut(&part.reference()) {
                Some(known) => known.uses.append(&mut part.uses),
                None => {
                    parts.insert(part.reference(), part);
                }
            }
        }
    }
    Ok(parts)
}

fn of_build(project: &Project, roots: &[&str], target: &str) -> Result<Vec<Part>> {
    let metadata: Metadata = serde_json::from_str(&output(project.cargo().args([
        "metadata",
        "--format-version=1",
        "--locked",
        "--filter-platform",
        target,
    ]))?)
    .context("in the output of cargo metadata")?;
    let linked = linked(project, roots, target)?;
    let packages: BTreeMap<_, _> = metadata
        .packages
        .iter()
        .filter(|package| linked.contains(&(package.name.clone(), package.version.clone())))
        .map(|package| (&package.id, package))
        .collect();
    let nodes = metadata.resolve.nodes.iter();
    nodes
        .filter_map(|node| Some((packages.get(&node.id)?, node)))
        .map(|(package, node)| {
            let mut part = of_package(package)?;
            part.uses = node
                .deps
                .iter()
                .filter(|it| it.dep_kinds.iter().any(|it| it.kind.is_none()))
                .filter_map(|it| packages.get(&it.pkg))
                .map(|used| Ok(of_package(used)?.reference()))
                .collect::<Result<_>>()?;
            Ok(part)
        })
        .collect()
}

/// The names and versions of the crates in a build, with the features that it has: `cargo metadata`
/// knows only those of the whole workspace. Procedural macros run while building and are not shipped.
fn linked(project: &Project, roots: &[&str], target: &str) -> Result<BTreeSet<(String, String)>> {
    let mut cargo = project.cargo();
    cargo.args(["tree", "--locked", "--target", target, "--prefix=none"]);
    cargo.args(["--edges=normal,no-proc-macro", "--format={p}"]);
    cargo.args(roots.iter().flat_map(|root| ["--package", root]));
    let lines = output(&mut cargo)?;
    let lines = lines.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let mut words = line.split(' ');
            let name = words.next().unwrap_or_default();
            let version = words.next().and_then(|word| word.strip_prefix('v'));
            let version = version.with_context(|| format!("cargo tree printed {line:?}"))?;
            Ok((name.to_owned(), version.to_owned()))
        })
        .collect()
}

fn of_package(package: &Package) -> Result<Part> {
    let Package { name, version, .. } = package;
    let licence = package.license.as_deref();
    let licence = licence.with_context(|| format!("the crate {name} names no licence"))?;
    let folder = package.manifest_path.parent();
    Ok(Part {
        origin: match package.source {
            Some(_) => Origin::Crates,
            None => Origin::ThisProject,
        },
        name: name.clone(),
        version: version.clone(),
        licence: spdx(licence),
        folder: folder.map(Path::to_owned),
        checksum: None,
        uses: BTreeSet::new(),
    })
}

/// Old crates write `MIT/Apache-2.0`.
fn spdx(licence: &str) -> String {
    let choices: Vec<_> = licence.split('/').map(str::trim).collect();
    choices.join(" OR ")
}

// === Others ===

/// `package-lock.json`.
#[derive(Deserialize)]
struct NpmLock {
    packages: BTreeMap<String, NpmPackage>,
}

#[derive(Deserialize)]
struct NpmPackage {
    version: String,
    license: Option<String>,
    #[serde(default)]
    dev: bool,
    #[serde(default)]
    dependencies: BTreeMap<String, String>,
}

fn npm_packages(project: &Project) -> Result<Vec<Part>> {
    let lock: NpmLock = serde_json::from_str(&project.contents(["plugin/web/package-lock.json"])?)?;
    let installed = |name: &str| format!("node_modules/{name}");
    // The empty path is the project's own.
    let shipped = |(path, it): &(&String, &NpmPackage)| !path.is_empty() && !it.dev;
    lock.packages
        .iter()
        .filter(shipped)
        .map(|(path, package)| {
            let name = path.strip_prefix("node_modules/").unwrap_or(path);
            let mut part = npm_part(name, package)?;
            part.folder = Some(project.file("plugin/web").join(path));
            for used in package.dependencies.keys() {
                let found = lock.packages.get(&installed(used));
                let found = found.with_context(|| format!("{name} needs {used}"))?;
                part.uses.insert(npm_part(used, found)?.reference());
            }
            Ok(part)
        })
        .collect()
}

fn npm_part(name: &str, package: &NpmPackage) -> Result<Part> {
    let licence = package.license.clone();
    Ok(Part {
        origin: Origin::Npm,
        name: name.to_owned(),
        version: package.version.clone(),
        licence: licence.with_context(|| format!("the npm package {name} names no licence"))?,
        folder: None,
        checksum: None,
        uses: BTreeSet::new(),
    })
}

/// Part of the program and of every module.
fn standard_library() -> Result<Part> {
    let version = output(Command::new("rustc").args(["--version", "--verbose"]))?;
    let release = version
        .lines()
        .find_map(|line| line.strip_prefix("release: "))
        .context("rustc names no release")?;
    Ok(Part {
        origin: Origin::Rust,
        name: "rust-std".to_owned(),
        version: release.to_owned(),
        licence: "MIT OR Apache-2.0".to_owned(),
        folder: None,
        checksum: None,
        uses: BTreeSet::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_what_is_linked() {
        let parts = shipped(&Project::here().unwrap()).unwrap();
        let has = |name: &str| parts.iter().any(|part| part.name == name);
        for name in [
            "scimguard-core",
            "wasmtime",
            "proxy-wasm",
            "preact",
            "rust-std",
        ] {
            assert!(has(name), "{name} is missing");
        }
        // For tests, for macros, for building.
        for name in ["proptest", "syn", "cc", "esbuild"] {
            assert!(!has(name), "{name} is not shipped");
        }
        let references: BTreeSet<_> = parts.iter().map(Part::reference).collect();
        for part in &parts {
            assert!(part.uses.is_subset(&references), "{part:?}");
        }
    }
}
