//! Builds the browser module as an npm package: compiles it for size, binds it to JavaScript, shrinks it with
//! wasm-opt, lays it out as in `plugin/web/package`, and packs it.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::component::Profile;
use crate::project::Project;
use crate::steps::Steps;
use crate::{component, debian, node};

/// Omits the locations of panics and the output of derived `Debug`, a twentieth of the download: in a browser,
/// a panic ends the module silently anyway.
const SMALL: Profile = Profile {
    name: "web",
    flags: &["-Zlocation-detail=none", "-Zfmt-debug=shallow"],
};

/// The package for `npm publish`.
pub(crate) struct Package {
    /// The folder of its files.
    pub(crate) folder: PathBuf,
    /// The tarball.
    pub(crate) tarball: PathBuf,
    /// The npm packages that build and test it.
    pub(crate) modules: PathBuf,
}

/// Sources published unchanged.
const SOURCES: [&str; 4] = ["index.js", "index.d.ts", "node.js", "README.md"];

/// WebAssembly features that current compilers use and every browser since 2023 supports.
const FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-simd",
];

/// A placeholder in `plugin/web/package/package.json` for the workspace's version.
const VERSION: &str = "\"version\": \"0.0.0\"";

/// Makes `Symbol.dispose` known, which wasm-bindgen's types use and few projects have in their `lib`.
const DISPOSABLE: &str = "/// <reference lib=\"esnext.disposable\" />\n";

const ADVICE: &str = "Chromium is needed as `chromium` (Debian: `apt-get install chromium`; Fedora: `dnf \
    install chromium`), or the environment variable SCIMGUARD_CHROMIUM says where it is";

/// Finds a browser, and installs one if there is none.
pub(crate) fn chromium(steps: &mut Steps) -> Result<PathBuf> {
    if let Some(browser) = installed() {
        return Ok(browser);
    }
    steps.step("Chromium", |step| {
        debian::need(step, || installed().is_some(), &["chromium"], ADVICE)?;
        installed().context(ADVICE)
    })
}

fn installed() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("SCIMGUARD_CHROMIUM") {
        return Some(named.into());
    }
    debian::in_path("chromium")
}

/// Builds `target/web/package` and its tarball.
pub(crate) fn build(project: &Project, steps: &mut Steps) -> Result<Package> {
    let modules = node::web_modules(project, steps)?;
    let module = component::module(project, steps, "browser module", "scimguard-web", &SMALL)?;
    let folder = project.built("web/package");
    let bound = project.built("web/bound");
    steps.step("browser package", |step| {
        step.run(
            project
                .cargo()
                .args(["run", "--quiet", "--package", "scimguard-bindgen", "--"])
                .arg(&module)
                .arg(&bound)
                .arg("scimguard"),
        )?;
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        step.run(
            project
                .command("node")
                .arg(modules.join("binaryen/bin/wasm-opt"))
                // `-Oz` makes it smaller, but larger once compressed.
                .arg("-O1")
                .args(FEATURES)
                .arg(bound.join("scimguard_bg.wasm"))
                .arg("--output")
                .arg(folder.join("scimguard.wasm")),
        )?;
        fs::copy(bound.join("scimguard.js"), folder.join("scimguard.js"))?;
        let types = fs::read_to_string(bound.join("scimguard.d.ts"))?;
        fs::write(
            folder.join("scimguard.d.ts"),
            format!("{DISPOSABLE}{types}"),
        )?;
        let sources = project.file("plugin/web/package");
        for file in SOURCES {
            fs::copy(sources.join(file), folder.join(file))?;
        }
        fs::copy(project.file("LICENSE"), folder.join("LICENSE"))?;
        let manifest = fs::read_to_string(sources.join("package.json"))?;
        ensure!(
            manifest.contains(VERSION),
            "package.json has another version"
        );
        let version = concat!("\"version\": \"", env!("CARGO_PKG_VERSION"), "\"");
        fs::write(
            folder.join("package.json"),
            manifest.replace(VERSION, version),
        )?;
        step.run(
            project
                .command("npm")
                .args(["pack", "--silent", "--pack-destination"])
                .arg(project.built("web"))
                .arg(&folder),
        )
    })?;
    let tarball = project.built(concat!("web/scimguard-", env!("CARGO_PKG_VERSION"), ".tgz"));
    ensure!(tarball.is_file(), "npm packed something else");
    Ok(Package {
        folder,
        tarball,
        modules,
    })
}
