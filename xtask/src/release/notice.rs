//! The licences of everything that is shipped, with their texts, which most of them require.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::listed;
use super::parts::{Origin, Part};

/// How files with licences and copyrights begin, in capitals.
const NAMES: [&str; 6] = [
    "LICENSE",
    "LICENCE",
    "COPYING",
    "COPYRIGHT",
    "NOTICE",
    "UNLICENSE",
];

/// Endings of files that are something else.
const OTHERS: [&str; 6] = ["html", "js", "json", "rs", "toml", "ts"];

/// Some packages name the MIT licence without having its text. Those under the Apache License have it in
/// `LICENSE`.
const MIT: &str = include_str!("../../../packaging/MIT.txt");

const HEADING: &str = "\
scimguard is licensed under the Apache License, Version 2.0. The program, its modules and its pages
contain the following libraries of others, under these licences:

";

/// The text of `NOTICE`.
pub(super) fn of(parts: &[Part]) -> Result<String> {
    let mut notice = HEADING.to_owned();
    // Many have the same text.
    let mut users = BTreeMap::<String, Vec<String>>::new();
    let others = parts.iter().filter(|it| it.origin != Origin::ThisProject);
    for part in others {
        let name = format!("{} {}", part.name, part.version);
        let licence = &part.licence;
        notice.push_str(&format!("{name}: {licence}\n"));
        let mut texts = texts_of(part)?;
        if texts.is_empty() && licence == "MIT" {
            texts.insert(MIT.trim_end().to_owned());
        }
        for text in texts {
            users.entry(text).or_default().push(name.clone());
        }
    }
    let mut texts: Vec<_> = users.into_iter().collect();
    texts.sort_by(|(_, one), (_, other)| one.cmp(other));
    let line = "-".repeat(80);
    for (text, users) in texts {
        notice.push_str(&format!("\n{line}\n{}:\n\n{text}\n", users.join(", ")));
    }
    Ok(notice)
}

fn texts_of(part: &Part) -> Result<BTreeSet<String>> {
    let Some(folder) = &part.folder else {
        return Ok(BTreeSet::new());
    };
    let mut files = licence_files(folder)?;
    // A crate may contain the sources of another library, in a folder with its own licence.
    for inside in listed(folder)?.iter().filter(|path| path.is_dir()) {
        files.extend(licence_files(inside)?);
    }
    files
        .iter()
        .map(|file| {
            let bytes =
                fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            let text = String::from_utf8_lossy(&bytes);
            let lines: Vec<_> = text.lines().map(str::trim_end).collect();
            Ok(lines.join("\n").trim_matches('\n').to_owned())
        })
        .collect()
}

fn licence_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let is_licence = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_uppercase();
        let ending = path.extension().unwrap_or_default().to_string_lossy();
        path.is_file()
            && NAMES.iter().any(|start| name.starts_with(start))
            && !OTHERS.contains(&&*ending)
    };
    Ok(listed(folder)?.into_iter().filter(is_licence).collect())
}
