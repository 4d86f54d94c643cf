//! How names are compared, defined once.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_security::confusable_detection::skeleton as confusable_skeleton;

use crate::plain::is_direction_mark;

/// Characters that a name or an id may have. No product has longer ones, and what a name may become
/// when it is folded is bounded with it.
pub(crate) const LONGEST_NAME: usize = 1024;

/// Whether a text is longer than a name or an id may be.
pub(crate) fn is_too_long(name: &str) -> bool {
    name.len() > LONGEST_NAME && name.chars().nth(LONGEST_NAME).is_some()
}

/// The form in which user names (and, where an exact match fails, ids) are compared: NFKC and full
/// case folding, as RFC 8265 §3.3 does for user names, without white space around, which applications
/// tend to take away, and without direction marks, which nobody sees.
#[must_use]
pub fn fold(name: &str) -> String {
    if name.is_ascii() {
        return name.trim().to_ascii_lowercase();
    }
    let composed: String = name.nfkc().filter(|c| !is_direction_mark(*c)).collect();
    let folded = caseless::default_case_fold_str(composed.trim());
    folded.nfkc().collect()
}

/// The form in which keys, names of parameters and segments of paths are compared wherever case does
/// not count: as the most lenient reader would, by NFKC and full case folding. The dotted and the
/// dotless i of Turkish are the plain one, which simple case mapping takes them for.
pub(crate) fn key(name: &str) -> Cow<'_, str> {
    if name.is_ascii() {
        return match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => Cow::Owned(name.to_ascii_lowercase()),
            false => Cow::Borrowed(name),
        };
    }
    // U+FDFA alone becomes eighteen characters: what grows like that is nobody's key, and costs time.
    let most = name.len().saturating_mul(2);
    let composed: String = name.nfkc().take(most).collect();
    let folded: String = caseless::default_case_fold_str(&composed).nfkc().collect();
    Cow::Owned(folded.replace("i\u{307}", "i").replace('\u{131}', "i"))
}

/// Whether two keys are one where case does not count.
pub(crate) fn same_key(one: &str, other: &str) -> bool {
    match (one.is_ascii(), other.is_ascii()) {
        (true, true) => one.eq_ignore_ascii_case(other),
        (true, false) => may_be(other, one) && key(one) == key(other),
        (false, true) => may_be(one, other) && key(one) == key(other),
        (false, false) => key(one) == key(other),
    }
}

/// No letter that folds to an ASCII letter is longer than four bytes: what is longer is not folded.
fn may_be(text: &str, ascii: &str) -> bool {
    text.len() <= ascii.len().saturating_mul(4)
}

/// What a name looks like: two names that a person cannot tell apart have the same skeleton (UTS 39
/// §4). So do plain ones such as `rnorris` and `morris`, which are two names all the same.
#[must_use]
pub fn skeleton(name: &str) -> String {
    confusable_skeleton(&fold(name)).collect()
}

/// Whether two different names pass for each other. Plain ASCII names do not: people have such names,
/// and every form shows their difference.
pub(crate) fn look_alike(one: &str, other: &str) -> bool {
    let plain = |name: &str| fold(name).is_ascii();
    !(plain(one) && plain(other)) && skeleton(one) == skeleton(other)
}

#[cfg(test)]
mod tests {
    use super::{key, same_key};

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
        assert!(!same_key("name ", "name"));
    }

    #[test]
    fn a_key_does_not_grow_without_bound() {
        let long = "\u{fdfa}".repeat(1000);
        assert!(key(&long).chars().count() <= 2 * long.len());
    }
}
