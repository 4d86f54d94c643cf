//! How names are compared, defined once.

use unicode_normalization::UnicodeNormalization;
use unicode_security::confusable_detection::skeleton as confusable_skeleton;

/// The form in which user names (and, where an exact match fails, ids) are compared: NFKC and full
/// case folding, as RFC 8265 §3.3 does for user names, without white space around, which applications
/// tend to take away.
#[must_use]
pub fn fold(name: &str) -> String {
    if name.is_ascii() {
        return name.trim().to_ascii_lowercase();
    }
    let composed: String = name.nfkc().collect();
    let folded = caseless::default_case_fold_str(composed.trim());
    folded.nfkc().collect()
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
