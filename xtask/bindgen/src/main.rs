//! Generates a Wasm module's JavaScript and types with the wasm-bindgen of the lock file. A separate
//! program, so that it is compiled only to build the browser module.

use std::path::PathBuf;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

/// `scimguard-bindgen MODULE FOLDER NAME`: writes `NAME.js`, `NAME.d.ts` and `NAME_bg.wasm`.
fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let mut next = || arguments.next().context("give MODULE FOLDER NAME");
    let (module, folder, name) = (PathBuf::from(next()?), PathBuf::from(next()?), next()?);
    let name = name.to_str().context("the name is not UTF-8")?;
    Bindgen::new()
        .input_path(module)
        .out_name(name)
        .web(true)?
        .typescript(true)
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(folder)
}
