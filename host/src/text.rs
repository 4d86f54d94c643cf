//! Foreign text, made safe to show.

use scimguard_core::hide_secrets;

/// Longest value shown, in characters.
const LONGEST: usize = 256;

/// The path with the names of its query's parameters: their values may be names or secrets.
pub(crate) fn without_values(path: &str) -> String {
    let Some((path, query)) = path.split_once('?') else {
        return path.to_owned();
    };
    let names: Vec<&str> = query
        .split('&')
        .map(|pair| pair.split('=').next().unwrap_or_default())
        .collect();
    format!("{path}?{}", names.join("&"))
}

/// Cuts it, and removes secrets and characters that change what a terminal shows.
pub(crate) fn printable(text: &str) -> String {
    let text = hide_secrets(text);
    let mut out = String::new();
    for c in text.chars() {
        if out.len() >= LONGEST {
            out.push('…');
            break;
        }
        let hidden = c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        if hidden {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_cut_and_left_out() {
        assert_eq!(
            without_values("/a?filter=userName&x=secret&y"),
            "/a?filter&x&y"
        );
        assert_eq!(printable("a\nb\u{202e}"), "a\\u{a}b\\u{202e}");
        assert_eq!(printable(&"x".repeat(10_000)).chars().count(), LONGEST + 1);
    }
}
