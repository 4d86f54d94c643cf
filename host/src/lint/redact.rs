//! The guard's details without the values that they quote: a report has other readers than the
//! message.

/// Rules whose details quote only names, URNs and booleans.
const QUOTE_NAMES: &[&str] = &[
    "body.duplicate-key",
    "schema.missing-urn",
    "schema.wrong-urn",
    "schema.unknown-attribute",
    "normalise.boolean",
    "normalise.name",
];

/// Splits a detail of the guard into its place and its message.
pub(super) fn detail(rule: &str, text: &str) -> (String, String) {
    let shown = without_quoted(text, QUOTE_NAMES.contains(&rule));
    if let Some(rest) = shown.strip_prefix("The query parameter ") {
        let (name, what) = rest.split_once([':', ' ']).unwrap_or((rest, ""));
        return (format!("?{name}"), what.trim().to_owned());
    }
    if let Some(rest) = shown.strip_prefix("The attribute ")
        && let Some((name, what)) = rest.split_once(' ')
    {
        return (name.to_owned(), what.to_owned());
    }
    let (first, rest) = shown.split_once(' ').unwrap_or((shown.as_str(), ""));
    let place = first.trim_end_matches(':');
    let is_place = place.starts_with(|c: char| c.is_ascii_lowercase() || c == '$' || c == '/')
        || place.starts_with("Operations");
    if is_place {
        (place.to_owned(), rest.to_owned())
    } else {
        ("body".to_owned(), shown)
    }
}

/// The message of a normalisation.
pub(super) fn change(rule: &str, text: &str) -> String {
    without_quoted(text, QUOTE_NAMES.contains(&rule))
}

/// Every quoted string becomes `"…"`, except URNs of SCIM and, if `names`, names.
fn without_quoted(text: &str, names: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('"') {
        let (before, quoted) = rest.split_at(open);
        shown.push_str(before);
        let end = end_of_string(quoted);
        let (string, after) = quoted.split_at(end);
        let inner = string.trim_matches('"');
        if inner.starts_with("urn:ietf:params:scim:") || (names && is_name(inner)) {
            shown.push_str(string);
        } else {
            shown.push_str("\"…\"");
        }
        rest = after;
    }
    shown.push_str(rest);
    shown
}

/// The end of a string that begins with its quote; a truncated string ends with the text.
fn end_of_string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn is_name(text: &str) -> bool {
    text.len() <= 128
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$' | '.' | ':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_and_values_are_not() {
        for (rule, text, place, what) in [
            (
                "patch.invalid-path",
                r#"Operations[1].path "emails[value eq \"ann@example.com\"": at column 31, expected `]`."#,
                "Operations[1].path",
                "\"…\": at column 31, expected `]`.",
            ),
            (
                "filter.invalid",
                "The query parameter filter: at column 5, expected one of eq.",
                "?filter",
                "at column 5, expected one of eq.",
            ),
            (
                "schema.missing-attribute",
                "The attribute userName is required. Map it.",
                "userName",
                "is required. Map it.",
            ),
            (
                "schema.invalid-type",
                r#"active must be a boolean, not the text "secret"."#,
                "active",
                r#"must be a boolean, not the text "…"."#,
            ),
            (
                "schema.unknown-attribute",
                r#"favourite: no schema defines the attribute "favourite"."#,
                "favourite",
                r#"no schema defines the attribute "favourite"."#,
            ),
            (
                "body.missing",
                "The request has no body.",
                "body",
                "The request has no body.",
            ),
        ] {
            assert_eq!(detail(rule, text), (place.to_owned(), what.to_owned()));
        }
        assert_eq!(
            change("normalise.query", "written as a eq \"cut"),
            "written as a eq \"…\""
        );
    }
}
