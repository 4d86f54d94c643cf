//! Which names are unambiguous. White space, control characters and invisible characters make two
//! names that people, forms and applications take for one (Unicode TR 36, UTS 39).

use unicode_security::skeleton;

/// Longest name or id, in characters. No product has longer ones, and it also bounds the length of
/// a folded name.
pub(crate) const LONGEST_NAME: usize = 1024;

/// Signs that show nothing although Unicode does not call them white space or ignorable: a Braille
/// cell without dots, marks of interlinear annotation, a note without a head, empty hieroglyphs.
const EMPTY_SIGNS: &[char] = &[
    '\u{2800}',
    '\u{fff9}',
    '\u{fffa}',
    '\u{fffb}',
    '\u{1d159}',
    '\u{13441}',
    '\u{13442}',
];

/// The zero width joiner.
const JOINER: char = '\u{200d}';

/// The text is not a plain name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unclear;

/// The name of an account, an organisation or a project, or the id of a user or group. It is not
/// empty, and every character of it is visible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlainName(String);

/// Whether a text shows nothing: it is empty, or consists of white space and invisible characters.
#[must_use]
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(is_hidden)
}

/// Whether a text is an unambiguous name: not empty, not too long, and without white space, control
/// characters and invisible characters.
#[must_use]
pub fn is_plain_name(text: &str) -> bool {
    !text.is_empty() && !is_too_long(text) && hidden(text).next().is_none()
}

/// Whether a text is longer than a name or an id may be.
pub(crate) fn is_too_long(name: &str) -> bool {
    name.len() > LONGEST_NAME && name.chars().nth(LONGEST_NAME).is_some()
}

/// The characters of a text that show nothing. A joiner between two pictures, as in many an emoji,
/// does show (UTS 51 §1.4.2).
pub(crate) fn hidden(text: &str) -> impl Iterator<Item = char> {
    let is_picture = |c: char| !c.is_ascii() && !c.is_alphanumeric() && !is_hidden(c);
    text.char_indices().filter_map(move |(at, c)| {
        let joins = || {
            let before = text.get(..at).and_then(|text| text.chars().next_back());
            let behind = text.get(at..).and_then(|text| text.chars().nth(1));
            c == JOINER && before.is_some_and(is_picture) && behind.is_some_and(is_picture)
        };
        (is_hidden(c) && !joins()).then_some(c)
    })
}

/// Whether an e-mail address is unambiguous. Characters that are ignored in display are allowed:
/// addresses are compared by what they look like.
pub(crate) fn is_plain_email(text: &str) -> bool {
    !is_blank(text) && hidden(text).all(is_ignorable)
}

/// Whether a character shows nothing: white space, a control character, or one that is ignored in
/// display (Default_Ignorable_Code_Point: zero width, soft hyphens, variation selectors, tags,
/// marks of direction).
fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control() || c == ' ';
    }
    c.is_whitespace() || c.is_control() || EMPTY_SIGNS.contains(&c) || is_ignorable(c)
}

/// Skeletons omit exactly the characters with this property (UTS 39 §4).
fn is_ignorable(c: char) -> bool {
    skeleton(c.encode_utf8(&mut [0; 4])).next().is_none()
}

/// Unicode TR 36 §2.4: characters that make text look like other text.
pub(crate) fn is_bidirectional_override(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') || is_direction_mark(c)
}

/// Unicode UAX 9 §2.6: marks that have a direction but do not apply it to the text around them.
pub(crate) fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}')
}

// === impl PlainName ===

impl PlainName {
    /// Reads what a request says. Empty means the same as absent.
    pub(crate) fn read(text: Option<String>) -> Result<Option<Self>, Unclear> {
        match text.filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) if is_plain_name(&text) => Ok(Some(Self(text))),
            Some(_) => Err(Unclear),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<PlainName> for String {
    fn from(name: PlainName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_nothing_is_no_name() {
        for text in [
            "",
            " ",
            "\t",
            "\0",
            "\u{a0}",
            "\u{ad}",
            "\u{34f}",
            "\u{61c}",
            "\u{115f}",
            "\u{1160}",
            "\u{1680}",
            "\u{17b4}",
            "\u{180e}",
            "\u{2003}",
            "\u{200b}",
            "\u{200d}",
            "\u{202e}",
            "\u{2028}",
            "\u{205f}",
            "\u{2060}",
            "\u{2065}",
            "\u{206a}",
            "\u{2800}",
            "\u{3000}",
            "\u{3164}",
            "\u{fe0f}",
            "\u{feff}",
            "\u{ffa0}",
            "\u{fff9}",
            "\u{1d173}",
            "\u{e0001}",
            "\u{e0041}",
            "\u{e0100}",
            " \u{200b}\0",
        ] {
            assert!(is_blank(text), "{text:?}");
            assert!(!is_plain_name(text), "{text:?}");
            assert!(
                !is_plain_name(&format!("org{text}1")) || text.is_empty(),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_joiner_shows_between_pictures_alone() {
        assert!(is_plain_name("u-\u{1f469}\u{200d}\u{1f680}"));
        for text in [
            "u\u{200d}1",
            "\u{1f469}\u{200d}",
            "\u{200d}\u{1f680}",
            "\u{1f469}\u{200d}\u{200d}\u{1f680}",
            "\u{1f469}\u{200d}x",
            "\u{915}\u{94d}\u{200d}\u{937}",
        ] {
            assert!(!is_plain_name(text), "{text:?}");
        }
    }

    #[test]
    fn every_script_has_names() {
        for text in [
            "org1",
            "ann+x@example.com",
            "M\u{fc}ller",
            "Mu\u{308}ller",
            "\u{5d3}\u{5b8}\u{5d5}\u{5b4}\u{5d3}",
            "\u{7530}\u{4e2d}",
            "\u{915}\u{94d}\u{937}",
            "\u{1f600}",
            "a-b_c.d:e",
            "%",
        ] {
            assert!(is_plain_name(text), "{text:?}");
            assert!(!is_blank(text), "{text:?}");
        }
    }
}
