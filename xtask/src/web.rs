//! The browser module as an npm package: compiled for size, bound to JavaScript, made smaller once more,
//! laid out as `plugin/web/package` says, and packed.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::component::Profile;
use crate::project::Project;
use crate::steps::Steps;
use crate::{component, debian, node};

/// Panics end the module without a word in a browser: where they come from, and what derived `Debug` would
/// say of values, is a twentieth of the download.
const SMALL: Profile = Profile {
    name: "web",
    flags: &["-Zlocation-detail=none", "-Zfmt-debug=shallow"],
};

/// What `npm publish` would take.
pub(crate) struct Package {
    /// Its files.
    pub(crate) folder: PathBuf,
    /// The same, packed.
    pub(crate) tarball: PathBuf,
    /// The npm packages that it was made with and is tested with.
    pub(crate) modules: PathBuf,
}

/// Sources that are published as they are.
const SOURCES: [&str; 4] = ["index.js", "index.d.ts", "node.js", "README.md"];

/// What code of today's compilers uses of WebAssembly, and every browser since 2023 knows.
const FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-simd",
];

/// The version in `plugin/web/package/package.json` stands for the one that the workspace has.
const VERSION: &str = "\"version\": \"0.0.0\"";

/// wasm-bindgen's types name `Symbol.dispose`, which few projects have in their `lib`.
const DISPOSABLE: &str = "/// <reference lib=\"esnext.disposable\" />\n";

const ADVICE: &str = "Chromium is needed as `chromium` (Debian: `apt-get install chromium`; Fedora: `dnf \
    install chromium`), or the environment variable SCIMGUARD_CHROMIUM says where it is";

/// A browser, installed if there is none.
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
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders)
        .map(|folder| folder.join("chromium"))
        .find(|browser| browser.is_file())
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
                // `-Oz` would make fewer bytes of it, and more once they are compressed.
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
