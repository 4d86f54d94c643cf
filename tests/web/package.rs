//! Tests that the npm package is the same policy and works as documented. Installed from its tarball, it plays
//! every case of `tests/cases`, and the test compares every byte with the program's results.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use scimguard_tests::environment::{CHROMIUM, PROGRAM, WEB_MODULES, WEB_PACKAGE, file};
use scimguard_tests::process::output;
use serde::Deserialize;
use tokio::process::Command;
use tokio::sync::OnceCell;

/// The results of the corpus on one host.
#[derive(Deserialize)]
struct Corpus {
    cases: usize,
    differing: Vec<String>,
}

#[derive(Deserialize)]
struct Browser {
    corpus: Tab<Corpus>,
    bundled: Tab<Bundled>,
    control: Tab<Control>,
    foreign: Vec<String>,
}

/// A page, and the browser's report on it.
#[derive(Deserialize)]
struct Tab<T> {
    #[serde(flatten)]
    result: T,
    errors: Vec<String>,
    violations: Vec<String>,
}

#[derive(Deserialize)]
struct Bundled {
    rule: String,
    rules: usize,
}

#[derive(Deserialize)]
struct Control {
    refused: String,
}

/// The installed package, and the program's results of the corpus.
struct TestBed {
    folder: PathBuf,
    cases: usize,
}

static SCENE: OnceCell<TestBed> = OnceCell::const_new();

#[tokio::test]
async fn node_decides_byte_for_byte_what_the_program_decides() -> anyhow::Result<()> {
    let scene = scene().await?;
    let printed = scene.node("in-node.mjs").await?;
    scene.compare(&serde_json::from_str(&printed)?)
}

#[tokio::test]
async fn chromium_decides_the_same_under_a_strict_content_security_policy() -> anyhow::Result<()> {
    let scene = scene().await?;
    let printed = scene.node("in-browser.mjs").await?;
    let browser: Browser = serde_json::from_str(&printed).context(printed)?;
    scene.compare(&browser.corpus.result)?;
    for (errors, violations) in [
        (&browser.corpus.errors, &browser.corpus.violations),
        (&browser.bundled.errors, &browser.bundled.violations),
    ] {
        ensure!(errors.is_empty(), "a page has errors: {errors:?}");
        ensure!(violations.is_empty(), "a page is refused: {violations:?}");
    }
    ensure!(
        browser.foreign.is_empty(),
        "a page asks {:?}",
        browser.foreign
    );
    let Bundled { rule, rules } = browser.bundled.result;
    ensure!(rule == "route.unknown", "in a bundle: {rule}");
    ensure!(rules == scimguard_core::rules().count(), "{rules} rules");
    // Otherwise the Content-Security-Policy is not in force, and proves nothing about `eval`.
    ensure!(browser.control.result.refused == "EvalError");
    ensure!(browser.control.violations == ["script-src eval"]);
    Ok(())
}

#[tokio::test]
async fn the_component_decides_what_the_program_decides() -> anyhow::Result<()> {
    let scene = scene().await?;
    let component = scene.folder.join("component.jsonl");
    play("wasm", &component).await?;
    let native = std::fs::read_to_string(scene.transcript())?;
    let component = std::fs::read_to_string(component)?;
    let differing = native.lines().zip(component.lines()).find(|(a, b)| a != b);
    ensure!(
        differing.is_none() && native.len() == component.len(),
        "the component plays a case otherwise: {differing:?}"
    );
    Ok(())
}

#[tokio::test]
async fn the_types_say_what_may_be_written() -> anyhow::Result<()> {
    let scene = scene().await?;
    let example = scene.folder.join("example.ts");
    std::fs::copy(sources().join("example.ts"), &example)?;
    let mut compiler = Command::new("node");
    compiler
        .arg(file(WEB_MODULES).join("typescript/bin/tsc"))
        .args(["--noEmit", "--strict", "--target", "es2022"])
        .args(["--module", "nodenext", "--lib", "es2022,dom"])
        .args(["--types", ""])
        .arg(example);
    output(&mut compiler).await?;
    Ok(())
}

async fn scene() -> anyhow::Result<&'static TestBed> {
    SCENE.get_or_try_init(TestBed::new).await
}

fn sources() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/web"))
}

/// Plays the corpus with the program; returns the number of cases that passed.
async fn play(engine: &str, transcript: &Path) -> anyhow::Result<usize> {
    let mut program = Command::new(file(PROGRAM));
    program
        .args(["test", "--engine", engine, "--transcript"])
        .arg(transcript)
        .arg(sources().with_file_name("cases"));
    let printed = output(&mut program).await?;
    let last = printed.lines().last().unwrap_or_default();
    let passed = last
        .strip_suffix(" passed, 0 failed")
        .with_context(|| format!("the program printed {last:?}"))?;
    Ok(passed.parse()?)
}

// === impl TestBed ===

impl TestBed {
    async fn new() -> anyhow::Result<Self> {
        // The leftovers are large, and a static value is never dropped, so the next run removes them.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("web-package");
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        std::fs::write(
            folder.join("package.json"),
            r#"{"private": true, "type": "module"}"#,
        )?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--offline", "--no-audit", "--no-fund"])
            .arg(file(WEB_PACKAGE))
            .current_dir(&folder);
        output(&mut npm).await?;
        let cases = play("native", &folder.join("native.jsonl")).await?;
        Ok(Self { folder, cases })
    }

    fn transcript(&self) -> PathBuf {
        self.folder.join("native.jsonl")
    }

    /// The output of a script.
    async fn node(&self, script: &str) -> anyhow::Result<String> {
        let mut node = Command::new("node");
        node.arg(sources().join(script))
            .arg(&self.folder)
            .arg(self.transcript())
            .env(WEB_MODULES, file(WEB_MODULES))
            .env(CHROMIUM, file(CHROMIUM));
        output(&mut node).await
    }

    fn compare(&self, corpus: &Corpus) -> anyhow::Result<()> {
        ensure!(
            corpus.differing.is_empty(),
            "{} cases differ:\n{}",
            corpus.differing.len(),
            corpus.differing.join("\n")
        );
        ensure!(
            corpus.cases == self.cases,
            "{} cases of {} were played",
            corpus.cases,
            self.cases
        );
        Ok(())
    }
}
