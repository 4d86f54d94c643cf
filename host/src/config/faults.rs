//! Describes what is wrong with a configuration file and what to write instead. The example file,
//! which shows every key, says where a key belongs and what it looks like.

use std::ops::Range;

use scimguard_core::{meant, nearest};

use super::EXAMPLE;

/// A key in the example file.
struct Shown {
    /// Header of its table; empty at the top level.
    table: &'static str,
    key: &'static str,
    /// The whole line.
    line: &'static str,
    /// The first sentence of the comment above it, if it fits on one line.
    about: Option<&'static str>,
}

/// The fault with its line, and how to correct it.
pub(super) fn in_words(text: &str, error: &toml::de::Error) -> anyhow::Error {
    let said = error.message();
    let start = error.span().map_or(0, |span: Range<usize>| span.start);
    let place = Place::of(text, start);
    let words = place.words(said);
    let whole = error.to_string();
    let shown = whole.trim_end().strip_suffix(said).unwrap_or_default();
    match said.starts_with(MISSING) && place.table.is_empty() {
        // The parser points at the first line of the file, which is as good as any other.
        true => anyhow::anyhow!("{words}"),
        false => anyhow::anyhow!("{shown}{words}"),
    }
}

const MISSING: &str = "missing field `";

/// The place of the fault.
struct Place<'a> {
    /// The header of the table, or nothing.
    table: &'a str,
    /// The key of the line.
    key: &'a str,
}

impl<'a> Place<'a> {
    fn of(text: &'a str, start: usize) -> Self {
        let before = text.get(..start).unwrap_or_default();
        let rest = text.get(before.rfind('\n').map_or(0, |at| at + 1)..);
        let line = rest.unwrap_or_default().lines().next().unwrap_or_default();
        let headers = before.lines().chain([line]);
        let table = headers.map(str::trim).rfind(|line| line.starts_with('['));
        Self {
            table: table.and_then(header).unwrap_or_default(),
            key: line.split('=').next().unwrap_or_default().trim(),
        }
    }

    fn words(&self, said: &str) -> String {
        let quoted: Vec<&str> = said.split('`').skip(1).step_by(2).collect();
        match quoted.as_slice() {
            [name, known @ ..] if said.starts_with("unknown field `") => {
                self.unknown_key(name, known)
            }
            _ if said.starts_with("unknown variant `") => match meant(said) {
                Some(meant) => format!("{said}; did you mean {meant:?}?"),
                None => said.to_owned(),
            },
            [name, ..] if said.starts_with(MISSING) => missing(self.table, name),
            _ if said == "invalid socket address syntax" => {
                let such = example(self.table, self.key);
                let such = such.map_or("127.0.0.1:8080", |it| it.line);
                format!("give an IP address and a port, such as {such}")
            }
            _ if said.starts_with("invalid type: ") => {
                let said = said.replace("a sequence", "a list");
                match example(self.table, self.key) {
                    Some(example) => format!("{said}, such as {}", example.line),
                    None => said,
                }
            }
            _ => said.to_owned(),
        }
    }

    fn unknown_key(&self, name: &str, known: &[&str]) -> String {
        let here = match self.table {
            "" => "at the top level".to_owned(),
            table => format!("in {table}"),
        };
        let unknown = format!("there is no key `{name}` {here}");
        if !self.table.is_empty() && example("", name).is_some() {
            return format!(
                "{unknown}: `{name}` is a key of the top level, so put it above {}",
                first_table(self.table)
            );
        }
        if let Some(meant) = nearest(name, known.iter().copied()) {
            return format!("{unknown}; did you mean `{meant}`?");
        }
        let other = keys().into_iter().find(|shown| shown.key == name);
        if let Some(other) = other {
            return format!(
                "{unknown}: `{name}` is a key of {}, so put it below that line",
                other.table
            );
        }
        match known {
            [] => unknown,
            known => format!("{unknown}; the keys are {}", quoted_list(known)),
        }
    }
}

/// Describes everything that a line above all tables precedes.
fn first_table(table: &str) -> String {
    format!("{table} and every other [table]")
}

fn missing(table: &str, name: &str) -> String {
    let whose = match table {
        "" => String::new(),
        table => format!(" of {table}"),
    };
    let missing = format!("the key `{name}`{whose} is missing");
    let Some(example) = example(table, name) else {
        return missing;
    };
    match example.about {
        Some(about) => format!("{missing} ({about}), such as {}", example.line),
        None => format!("{missing}, such as {}", example.line),
    }
}

fn quoted_list(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

fn example(table: &str, key: &str) -> Option<Shown> {
    keys()
        .into_iter()
        .find(|shown| shown.table == table && shown.key == key)
}

/// Every key of the example file, set or commented out.
fn keys() -> Vec<Shown> {
    let mut table = "";
    let mut about = None;
    let mut was_comment = false;
    let mut keys = Vec::new();
    for line in EXAMPLE.lines() {
        let is_comment = line.starts_with('#');
        let bare = line.trim_start_matches("# ");
        if let Some(found) = header(bare) {
            table = found;
            // The comment belongs to the table.
            about = None;
        } else if let Some(key) = key(bare) {
            keys.push(Shown {
                table,
                key,
                line: bare,
                about,
            });
        } else if !is_comment || !was_comment {
            about = first_sentence(bare);
        }
        was_comment = is_comment;
    }
    keys
}

/// `[name]` or `[[name]]`, alone or before a comment.
fn header(line: &str) -> Option<&str> {
    let end = line.find(']')?;
    let end = match line.get(end..)?.starts_with("]]") {
        true => end + 2,
        false => end + 1,
    };
    line.get(..end).filter(|it| it.starts_with('['))
}

fn key(line: &str) -> Option<&str> {
    let (key, _) = line.split_once(" = ")?;
    let is_key = key
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    (is_key && !key.is_empty()).then_some(key)
}

/// `None` if it continues on the next line.
fn first_sentence(comment: &str) -> Option<&str> {
    let first = comment.split_once(". ").map(|(first, _)| first);
    first.or_else(|| comment.strip_suffix('.'))
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use std::path::Path;

    /// A file with this line changed or added, and the resulting message.
    #[test]
    fn a_fault_says_what_to_write_instead() {
        let base = [
            "listen = \"127.0.0.1:0\"",
            "backend = \"http://127.0.0.1:9\"",
            "store = \"sqlite:x\"",
        ];
        for (lines, told) in [
            (
                "[limits]\ndecisions = \"sqlite:d\"",
                "there is no key `decisions` in [limits]: `decisions` is a key of the top level, so put it above \
                 [limits] and every other [table]",
            ),
            (
                "[[issuer]]\ndecisions = \"sqlite:d\"",
                "is a key of the top level, so put it above [[issuer]] and every other [table]",
            ),
            (
                "lease_timout = \"3s\"",
                "there is no key `lease_timout` at the top level; did you mean `lease_timeout`?",
            ),
            (
                "[limits]\nrequest_per_second = 1",
                "there is no key `request_per_second` in [limits]; did you mean `requests_per_second`?",
            ),
            (
                "burst = 1",
                "there is no key `burst` at the top level: `burst` is a key of [limits], so put it below that line",
            ),
            (
                "[limits]\ncolour = 1",
                "there is no key `colour` in [limits]; the keys are `requests_per_second`, `burst`, `failures`",
            ),
            (
                "unseen = \"refused\"",
                "unknown variant `refused`, expected `native` or `refuse`; did you mean \"refuse\"?",
            ),
            (
                "admin = \"localhost:27160\"",
                "give an IP address and a port, such as admin = \"127.0.0.1:8081\"",
            ),
            (
                "[facts]\nlisten = \"localhost:1\"",
                "give an IP address and a port, such as listen = \"127.0.0.1:8082\"",
            ),
            (
                "[facts]\nclear_text = true",
                "the key `listen` of [facts] is missing, such as listen = \"127.0.0.1:8082\"",
            ),
            (
                "backend_timeout = 3",
                "expected a string, such as backend_timeout = \"30s\"",
            ),
            (
                "trusted_proxies = \"10.0.0.0/8\"",
                "expected a list, such as trusted_proxies = [\"10.0.0.0/8\"]",
            ),
        ] {
            let text = format!("{}\n{lines}\n", base.join("\n"));
            let error = Config::parse(&text, Path::new("")).unwrap_err().to_string();
            assert!(
                error.ends_with(told),
                "{lines}\nexpected …{told}\ngot {error}"
            );
            assert!(error.contains("at line"), "{error}");
        }
        for (without, told) in [
            (
                1,
                "the key `backend` is missing (The application: scheme, host and port), such as backend = \
                 \"http://127.0.0.1:9000\"",
            ),
            (
                2,
                "the key `store` is missing (Tokens and the ownership record), such as store = \
                 \"sqlite:scimguard.db\"",
            ),
        ] {
            let mut lines = base.to_vec();
            lines.remove(without);
            let error = Config::parse(&lines.join("\n"), Path::new("")).unwrap_err();
            assert_eq!(error.to_string(), told);
        }
    }
}
