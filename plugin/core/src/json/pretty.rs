//! Human-readable JSON: one member per line, with numbers and keys as written.

use super::write::write_string;
use super::{Json, read};

/// Maximum nesting of text that is formatted.
const DEPTH: usize = 512;

/// Formats JSON text with one part per line; other text stays as it is.
#[must_use]
pub fn pretty(text: &str) -> String {
    match read(text.as_bytes(), DEPTH) {
        Ok((value, _)) => {
            let mut out = Vec::with_capacity(text.len());
            value.write_pretty(0, &mut out);
            String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
        }
        Err(_) => text.to_owned(),
    }
}

// === impl Json ===

impl Json {
    fn write_pretty(&self, depth: usize, out: &mut Vec<u8>) {
        match self {
            Self::Array(elements) if !elements.is_empty() => {
                for (index, element) in elements.iter().enumerate() {
                    out.push(if index == 0 { b'[' } else { b',' });
                    line(depth + 1, out);
                    element.write_pretty(depth + 1, out);
                }
                line(depth, out);
                out.push(b']');
            }
            Self::Object(members) if !members.is_empty() => {
                for (index, member) in members.iter().enumerate() {
                    out.push(if index == 0 { b'{' } else { b',' });
                    line(depth + 1, out);
                    write_string(&member.name, out);
                    out.extend_from_slice(b": ");
                    member.value.write_pretty(depth + 1, out);
                }
                line(depth, out);
                out.push(b'}');
            }
            plain => plain.write(out),
        }
    }
}

fn line(depth: usize, out: &mut Vec<u8>) {
    out.push(b'\n');
    out.extend(std::iter::repeat_n(b' ', 2 * depth));
}

#[cfg(test)]
mod tests {
    use super::pretty;

    #[test]
    fn every_part_has_a_line_and_nothing_else_changes() {
        for (text, shown) in [
            (
                r#"{"b":[1.50,12345678901234567890],"a":{},"c":[]}"#,
                "{\n  \"b\": [\n    1.50,\n    12345678901234567890\n  ],\n  \"a\": {},\n  \"c\": []\n}",
            ),
            ("\"a\"", "\"a\""),
            (r#"{"a":"#, r#"{"a":"#),
            (r#"{"a":1,"a":2}"#, r#"{"a":1,"a":2}"#),
        ] {
            assert_eq!(pretty(text), shown);
        }
    }
}
