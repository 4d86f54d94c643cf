//! How names are compared.

use std::borrow::Cow;

use caseless::Caseless;
use unicode_normalization::UnicodeNormalization;
use unicode_security::confusable_detection::skeleton as confusable_skeleton;

use crate::plain::{LONGEST_NAME, is_direction_mark};

/// Longest key that is folded, in bytes.
const LONGEST_KEY: usize = 4 * LONGEST_NAME;

/// The form in which user names (and ids that do not match exactly) are compared: NFKC and full
/// case folding, as RFC 8265 §3.3 requires for user names. Surrounding white space is removed, as
/// many applications do, and so are invisible direction marks.
#[must_use]
pub fn fold(name: &str) -> String {
    if name.is_ascii() {
        return name.trim().to_ascii_lowercase();
    }
    let composed: String = name.nfkc().filter(|c| !is_direction_mark(*c)).collect();
    let folded = caseless::default_case_fold_str(composed.trim());
    folded.nfkc().collect()
}

/// Whether two names differ only in case. If they are equal only after normalisation, the
/// application may take them for two names, and setting one changes the user.
pub(crate) fn same_but_for_case(one: &str, other: &str) -> bool {
    let is_same = |(a, b): (char, char)| {
        a == b || (a.to_lowercase().eq(b.to_lowercase()) && a.to_uppercase().eq(b.to_uppercase()))
    };
    one.chars().count() == other.chars().count() && one.chars().zip(other.chars()).all(is_same)
}

/// The form in which keys, parameter names and path segments are compared where case does not
/// count: NFKC and full case folding, as the most lenient reader would. The dotted and dotless i of
/// Turkish become a plain i, as in simple case mapping.
pub(crate) fn key(name: &str) -> Cow<'_, str> {
    if name.is_ascii() {
        return match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => Cow::Owned(name.to_ascii_lowercase()),
            false => Cow::Borrowed(name),
        };
    }
    // No rule reads a name this long, and folding it takes long.
    if name.len() > LONGEST_KEY {
        return Cow::Borrowed(name);
    }
    // U+FDFA alone becomes eighteen characters. No known key grows like that, and folding it costs
    // time.
    let most = name.len().saturating_mul(2);
    let composed: String = name.nfkc().take(most).collect();
    let folded: String = caseless::default_case_fold_str(&composed).nfkc().collect();
    Cow::Owned(folded.replace("i\u{307}", "i").replace('\u{131}', "i"))
}

/// Whether two keys are equal where case does not count.
pub(crate) fn same_key(one: &str, other: &str) -> bool {
    match (one.is_ascii(), other.is_ascii()) {
        (true, true) => one.eq_ignore_ascii_case(other),
        (true, false) => spells(other, one),
        (false, true) => spells(one, other),
        (false, false) => key(one) == key(other),
    }
}

/// Whether a text folds to an ASCII key. Stops at the first letter that differs: a body has many
/// keys, and each is compared with many.
fn spells(text: &str, ascii: &str) -> bool {
    let mut wanted = ascii.bytes();
    let mut after_i = false;
    for c in text.chars() {
        let folded: String = std::iter::once(c)
            .nfkc()
            .default_case_fold()
            .nfkc()
            .collect();
        for c in folded.chars() {
            // The second dot of an i.
            if after_i && c == '\u{307}' {
                after_i = false;
                continue;
            }
            let c = if c == '\u{131}' { 'i' } else { c };
            let is_wanted = |wanted: u8| char::from(wanted.to_ascii_lowercase()) == c;
            if !wanted.next().is_some_and(is_wanted) {
                return false;
            }
            after_i = c == 'i';
        }
    }
    wanted.next().is_none()
}

/// What a name looks like: two names that people cannot distinguish have the same skeleton (UTS 39
/// §4). So do some plain ones such as `rnorris` and `morris`, which are different names all the
/// same.
#[must_use]
pub fn skeleton(name: &str) -> String {
    confusable_skeleton(&fold(name)).collect()
}

/// Whether two different names can be mistaken for each other. Plain ASCII names cannot: people
/// have such names, and every form shows the difference.
pub(crate) fn look_alike(one: &str, other: &str) -> bool {
    let plain = |name: &str| fold(name).is_ascii();
    !(plain(one) && plain(other)) && skeleton(one) == skeleton(other)
}

#[cfg(test)]
mod tests {
    use super::{key, same_but_for_case, same_key};

    #[test]
    fn only_case_is_overlooked_in_what_does_not_change() {
        for (one, other) in [
            ("ann@example.com", "ANN@Example.com"),
            ("j\u{f6}rg", "J\u{d6}RG"),
            ("\u{434}\u{43d}", "\u{414}\u{41d}"),
            ("", ""),
        ] {
            assert!(same_but_for_case(one, other), "{one:?} {other:?}");
        }
        for (one, other) in [
            ("ann@example.com", "\u{ff41}nn@example.com"),
            ("ann", "ann "),
            ("ann", "ann\u{200e}"),
            ("j\u{f6}rg", "jo\u{308}rg"),
            ("kim", "\u{212a}im"),
            ("strasse", "stra\u{df}e"),
        ] {
            assert!(!same_but_for_case(one, other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn keys_are_folded_as_the_most_lenient_reader_would() {
        for spelling in [
            "userGroupIdsToAdd",
            "USERGROUPIDSTOADD",
            "userGroupId\u{17f}ToAdd",
            "user\u{ff27}roupIdsToAdd",
            "userGroup\u{130}dsToAdd",
            "userGroup\u{131}dsToAdd",
            "userGroupi\u{307}dsToAdd",
            "\u{1d42e}serGroupIdsToAdd",
        ] {
            assert!(same_key(spelling, "userGroupIdsToAdd"), "{spelling}");
        }
        assert!(same_key("\u{212a}ey", "key"));
        assert!(same_key("stra\u{df}e", "STRASSE"));
        assert!(same_key("\u{fb01}lter", "filter"));
        assert!(same_key("e\u{301}", "\u{c9}"));
        assert!(!same_key("n\u{e4}me", "name"));
        assert!(!same_key("na\u{308}me", "name"));
        assert!(!same_key("\u{ff4e}am", "name"));
        assert!(!same_key("\u{ff4e}amen", "name"));
        assert!(!same_key("i\u{307}\u{307}d", "id"));
        assert!(!same_key("name ", "name"));
    }

    #[test]
    fn a_key_does_not_grow_without_bound() {
        let long = "\u{fdfa}".repeat(1000);
        assert!(key(&long).chars().count() <= 2 * long.len());
    }
}
