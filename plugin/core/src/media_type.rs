//! Reads Content-Type strictly by RFC 9110 §8.3.1. A value that does not parse has no meaning,
//! since lenient readers disagree about it.

use winnow::combinator::{alt, delimited, opt, preceded, repeat, separated_pair};
use winnow::prelude::*;
use winnow::token::{one_of, take_while};

/// A media type, in lower case, and its parameters.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MediaType {
    pub(crate) essence: String,
    parameters: Vec<(String, String)>,
}

impl MediaType {
    /// Reads a field value; `None` if it is not exactly one media type with distinct parameters.
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?;
        let media_type = media_type.parse(text.trim_matches([' ', '\t'])).ok()?;
        let mut names: Vec<&str> = media_type.names().collect();
        names.sort_unstable();
        names.dedup();
        (names.len() == media_type.parameters.len()).then_some(media_type)
    }

    /// Whether the text is in UTF-8, as far as its parameters say (RFC 8259 §8.1, §11).
    pub(crate) fn is_utf8(&self) -> bool {
        self.parameters.iter().all(|(name, value)| {
            let value = value.to_ascii_lowercase();
            match name.strip_prefix("charset") {
                Some("") => matches!(value.as_str(), "utf-8" | "utf8"),
                // `charset*` and `charset*0` of RFC 2231.
                Some(rest) => !rest.starts_with('*'),
                None => true,
            }
        })
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().map(|(name, _)| name.as_str())
    }
}

fn media_type(input: &mut &str) -> ModalResult<MediaType> {
    let (kind, subtype) = separated_pair(token, '/', token).parse_next(input)?;
    let parameters: Vec<Option<(String, String)>> =
        repeat(0.., preceded((blanks, ';', blanks), opt(parameter))).parse_next(input)?;
    Ok(MediaType {
        essence: format!("{kind}/{subtype}").to_ascii_lowercase(),
        parameters: parameters.into_iter().flatten().collect(),
    })
}

fn parameter(input: &mut &str) -> ModalResult<(String, String)> {
    let (name, value) =
        separated_pair(token, '=', alt((token.map(str::to_owned), quoted))).parse_next(input)?;
    Ok((name.to_ascii_lowercase(), value))
}

/// RFC 9110 §5.6.2.
fn token<'i>(input: &mut &'i str) -> ModalResult<&'i str> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    take_while(1.., is_token).parse_next(input)
}

/// RFC 9110 §5.6.4, in ASCII.
fn quoted(input: &mut &str) -> ModalResult<String> {
    let plain = |c: char| matches!(c, '\t' | ' ' | '!' | '#'..='[' | ']'..='~');
    let escaped = preceded('\\', one_of(|c: char| matches!(c, '\t' | ' '..='~')));
    let text = repeat(0.., alt((one_of(plain), escaped)));
    delimited('"', text, '"').parse_next(input)
}

fn blanks<'i>(input: &mut &'i str) -> ModalResult<&'i str> {
    take_while(0.., [' ', '\t']).parse_next(input)
}

#[cfg(test)]
mod tests {
    use super::MediaType;

    fn utf8(value: &str) -> Option<bool> {
        let media_type = MediaType::parse(value.as_bytes())?;
        (media_type.essence == "application/json").then(|| media_type.is_utf8())
    }

    #[test]
    fn only_what_the_grammar_says_is_a_media_type() {
        for value in [
            "application/json",
            " Application/JSON ",
            "application/json;charset=utf-8",
            "application/json ; charset=\"UTF-8\"",
            "application/json; charset=\"u\\tf-8\"",
            "application/json;",
            "application/json; ; charset=UTF-8;",
            "application/json; version=1; charset=utf8",
            "application/json; profile=\"a;charset=b\"",
        ] {
            assert_eq!(utf8(value), Some(true), "{value}");
        }
        for value in [
            "application/json; charset=iso-8859-1",
            "application/json; Charset=\"utf-16\"",
            "application/json; charset*=utf-16''x",
            "application/json; charset*0=utf-16",
        ] {
            assert_eq!(utf8(value), Some(false), "{value}");
        }
        for value in [
            "",
            "application",
            "application/",
            "application /json",
            "application/json; charset =utf-8",
            "application/json; charset= utf-8",
            "application/json; charset",
            "application/json; charset=",
            "application/json; =utf-8",
            "application/json; charset=utf-8; charset=utf-8",
            "application/json; charset=utf-8; CHARSET=utf-16",
            "application/json; charset=\"utf-8",
            "application/json; charset=utf-8\"",
            "application/json; charset='utf-8",
            "application/json, application/json",
            "application/json charset=utf-8",
            "application/json; charset=\"\u{fc}\"",
            "application/json; a=b c=d",
            "application/json\0",
        ] {
            assert!(utf8(value).is_none() || value.contains('\''), "{value}");
        }
        assert_eq!(utf8("application/json; charset='utf-8'"), Some(false));
    }
}
