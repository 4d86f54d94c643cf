//! How names are compared, defined once.

use unicode_normalization::UnicodeNormalization;

/// The form in which user names (and, where an exact match fails, ids) are compared: NFKC and full
/// case folding, as RFC 8265 §3.3 does for user names.
#[must_use]
pub fn fold(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    let composed: String = name.nfkc().collect();
    caseless::default_case_fold_str(&composed).nfkc().collect()
}
