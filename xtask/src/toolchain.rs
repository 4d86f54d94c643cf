//! Finds a compiler for wasm32. Prefers what is installed: the Rust in use if it has the target, then
//! Debian's Rust with the standard library's source; then tries `rustup target add` and Debian's packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::debian;
use crate::project::Project;
use crate::steps::Steps;

const TARGET: &str = "wasm32-unknown-unknown";
const DEBIAN: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// A compiler for wasm32.
pub(crate) enum Toolchain {
    /// The Rust that runs this program has the target.
    InUse,
    /// Debian's Rust, which has only the source of the target's standard library; it uses the linker of
    /// the Rust in use.
    Debian {
        /// `rust-lld`.
        linker: PathBuf,
    },
}

const ADVICE: &str = "no Rust for wasm32-unknown-unknown: run `rustup target add \
    wasm32-unknown-unknown` or, on Debian with a Rust from rustup, `apt-get install rustc-web \
    cargo-web rust-web-src` as root";

/// Finds a compiler, or installs one.
pub(crate) fn wasm32(steps: &mut Steps) -> Result<Toolchain> {
    if let Some(found) = installed()? {
        return Ok(found);
    }
    steps.step("Rust for wasm32", |step| {
        let rustup = step.run(Command::new("rustup").args(["target", "add", TARGET]));
        if rustup.is_err() && debian::can_install() {
            debian::install(step, &DEBIAN)?;
        }
        installed()?.context(ADVICE)
    })
}

impl Toolchain {
    /// A cargo that builds for [`TARGET`], with this Cargo profile.
    pub(crate) fn build(&self, project: &Project, profile: &str) -> Command {
        let mut command = match self {
            Self::InUse => project.cargo(),
            Self::Debian { .. } => project.command("/usr/bin/cargo"),
        };
        command.args(["build", "--profile", profile, "--target", TARGET]);
        if let Self::Debian { linker } = self {
            command
                .arg("-Zbuild-std=std,panic_abort")
                .env("RUSTC", DEBIAN_RUSTC)
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        command
    }

    /// The output folder of that cargo within its target folder.
    pub(crate) fn output(profile: &str) -> PathBuf {
        Path::new(TARGET).join(profile)
    }
}

fn installed() -> Result<Option<Toolchain>> {
    let library =
        says(Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]))?;
    if Path::new(&library).is_dir() {
        return Ok(Some(Toolchain::InUse));
    }
    if !Path::new("/usr/lib/rustlib/src/rust/library/std").is_dir() || !debian_is_new_enough()? {
        return Ok(None);
    }
    let linker = PathBuf::from(says(
        Command::new("rustc").args(["--print", "target-libdir"]),
    )?)
    .with_file_name("bin")
    .join("rust-lld");
    Ok(linker.is_file().then_some(Toolchain::Debian { linker }))
}

/// Older Debian releases have older compilers under the same package names.
fn debian_is_new_enough() -> Result<bool> {
    let version = says(Command::new(DEBIAN_RUSTC).arg("--version"))?;
    let has = version.split(' ').nth(1).and_then(minor);
    Ok(has >= minor(env!("CARGO_PKG_RUST_VERSION")))
}

/// The minor number of a Rust version; the major number has always been 1.
fn minor(version: &str) -> Option<u32> {
    version.split('.').nth(1)?.parse().ok()
}

fn says(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
