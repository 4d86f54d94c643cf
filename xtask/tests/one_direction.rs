//! Checks that modules use each other in one direction: no crate has a circle of modules, or of its top-level
//! modules with their descendants. A module and its ancestors or descendants may use each other, and tests
//! may use everything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::{fs, iter};

use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;
use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A module, by its path in the crate; empty for the crate itself.
type Module = Vec<String>;

#[test]
fn no_crate_has_modules_in_a_circle() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let crates: Vec<PathBuf> = iter::once(root.join("host"))
        .chain(folders(&root.join("plugin")))
        .map(|folder| folder.join("src"))
        .filter(|source| source.is_dir())
        .collect();
    assert!(crates.len() > 5, "{crates:?}");
    let mut circles = Vec::new();
    for source in crates {
        for circle in circles_of(&uses_of(&source)) {
            circles.push(format!("{}: {}", source.display(), circle.join(", ")));
        }
    }
    assert!(
        circles.is_empty(),
        "modules in circles:\n{}",
        circles.join("\n")
    );
}

#[test]
fn a_circle_is_found_in_groups_macros_and_below_the_top() {
    let modules: BTreeSet<Module> = ["", "a", "a::x", "b", "c"].map(module).into();
    let uses = |text: &str, of: &str| {
        let tokens = TokenStream::from_str(text).unwrap();
        uses(&tokens, &module(of), &modules)
    };
    let found: BTreeSet<Module> = ["a::x", "b"].map(module).into();
    assert_eq!(uses("use crate::{a::x::Y, b::{Z, z as w}};", "c"), found);
    assert_eq!(
        uses("fn f() { log!(super::a::x::y(), crate::b::z()); }", "c"),
        found
    );
    let not = "// crate::a\n#[cfg(test)] mod tests { use crate::b; } const A: &str = \"crate::a\"; use self::y;";
    assert_eq!(uses(not, "c"), BTreeSet::new());

    let graph: BTreeMap<Module, BTreeSet<Module>> = [("a::x", "b"), ("b", "a::z"), ("c", "a::x")]
        .map(|(from, to)| (module(from), BTreeSet::from([module(to)])))
        .into();
    assert_eq!(circles_of(&graph), [["a", "b"]]);
}

fn module(path: &str) -> Module {
    let parts = path.split("::").filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(of).expect("the folder can be read");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.is_dir()).collect()
}

/// The modules of a crate, each with the modules that it uses.
fn uses_of(source: &Path) -> BTreeMap<Module, BTreeSet<Module>> {
    let mut files = BTreeMap::new();
    read(source, &Vec::new(), &mut files);
    let modules: BTreeSet<Module> = files.keys().cloned().collect();
    let used = files
        .iter()
        .map(|(name, tokens)| (name.clone(), uses(tokens, name, &modules)));
    used.collect()
}

/// Reads the modules in a folder, except tests.
fn read(folder: &Path, at: &Module, files: &mut BTreeMap<Module, TokenStream>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .expect("a name");
        let below = [at.as_slice(), &[name.to_owned()]].concat();
        if path.is_dir() && name != "tests" {
            read(&path, &below, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests" {
            let text = fs::read_to_string(&path).expect("the file can be read");
            let tokens = TokenStream::from_str(&text).expect("it is Rust");
            let module = match name {
                "mod" | "lib" | "main" => at.clone(),
                _ => below,
            };
            files.insert(module, tokens);
        }
    }
}

/// The modules whose items these tokens name, except ancestors and descendants of `of`.
fn uses(tokens: &TokenStream, of: &Module, modules: &BTreeSet<Module>) -> BTreeSet<Module> {
    let mut paths = Vec::new();
    walk(tokens, of, &mut paths);
    let named = paths.into_iter().filter_map(|mut path| {
        while !modules.contains(&path) {
            path.pop()?;
        }
        Some(path)
    });
    let is_other = |path: &Module| !(path.starts_with(of) || of.starts_with(path));
    named.filter(is_other).collect()
}

/// Collects all paths that start in the crate.
fn walk(tokens: &TokenStream, of: &Module, paths: &mut Vec<Module>) {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        if is_tests(&tokens[at..]) {
            // `#[cfg(test)] mod tests { … }`
            at += 5;
            continue;
        }
        let begins = match text(tokens.get(at)).as_str() {
            "crate" => Some(Vec::new()),
            "self" if is_path(&tokens, at + 1) => Some(of.clone()),
            "super" => Some(of[..of.len().saturating_sub(1)].to_vec()),
            _ => None,
        };
        match (begins, &tokens[at]) {
            (Some(begins), _) => at = follow(&tokens, at + 1, begins, paths),
            (None, TokenTree::Group(group)) => {
                walk(&group.stream(), of, paths);
                at += 1;
            }
            (None, _) => at += 1,
        }
    }
}

/// Follows a path from the `::` at this position; returns the position after it.
fn follow(tokens: &[TokenTree], mut at: usize, mut path: Module, paths: &mut Vec<Module>) -> usize {
    while is_path(tokens, at) {
        match tokens.get(at + 2) {
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                for part in inner.split(|token| text(Some(token)) == ",") {
                    let first = text(part.first());
                    if !first.is_empty() && first != "self" {
                        let below = [path.as_slice(), &[first]].concat();
                        follow(part, 1, below, paths);
                    }
                }
                paths.push(path);
                return at + 3;
            }
            Some(TokenTree::Ident(name)) if *name == "super" => {
                path.pop();
            }
            Some(TokenTree::Ident(name)) => path.push(name.to_string()),
            _ => break,
        }
        at += 3;
    }
    paths.push(path);
    at
}

fn is_path(tokens: &[TokenTree], at: usize) -> bool {
    text(tokens.get(at)) == ":" && text(tokens.get(at + 1)) == ":"
}

fn is_tests(tokens: &[TokenTree]) -> bool {
    let [hash, attribute, word, _, TokenTree::Group(_), ..] = tokens else {
        return false;
    };
    text(Some(hash)) == "#"
        && attribute.to_string().replace(' ', "") == "[cfg(test)]"
        && text(Some(word)) == "mod"
}

fn text(token: Option<&TokenTree>) -> String {
    match token {
        Some(TokenTree::Group(_)) | None => String::new(),
        Some(token) => token.to_string(),
    }
}

/// The circles of modules, and of top-level modules with their descendants.
fn circles_of(uses: &BTreeMap<Module, BTreeSet<Module>>) -> Vec<Vec<String>> {
    let edges = || {
        let all = uses.iter();
        all.flat_map(|(from, to)| to.iter().map(move |to| (from, to)))
    };
    let modules = edges().map(|(from, to)| (from.join("::"), to.join("::")));
    let tops = edges().map(|(from, to)| (top(from), top(to)));
    let tops = tops.filter(|(from, to)| from != to);
    let mut circles = circles(&modules.collect());
    circles.extend(self::circles(&tops.collect()));
    circles
}

fn top(module: &Module) -> String {
    module.first().cloned().unwrap_or_default()
}

fn circles(edges: &BTreeSet<(String, String)>) -> Vec<Vec<String>> {
    let edges = edges.iter().map(|(from, to)| (from.as_str(), to.as_str()));
    let graph = DiGraphMap::<&str, ()>::from_edges(edges);
    let mut found: Vec<Vec<String>> = tarjan_scc(&graph)
        .into_iter()
        .filter(|circle| circle.len() > 1)
        .map(|circle| circle.into_iter().map(str::to_owned).collect())
        .collect();
    found.iter_mut().for_each(|circle| circle.sort_unstable());
    found
}
