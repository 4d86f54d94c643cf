//! The id that an application derives from a group's name.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::document::{GroupId, OtherGroupId};
use crate::facts::derived_id;

// === impl GroupId ===

impl GroupId {
    /// Returns the id by the documented rule.
    pub(super) fn documented(&self, name: &str) -> String {
        derived_id(name, &self.replace, &self.with)
    }

    /// Returns every id that the application may assign: the documented one first, then the other
    /// if it differs.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        let documented = self.documented(name);
        let other = self
            .or
            .map(|OtherGroupId::Identifier| self.identifier(name));
        let other = other.filter(|other| !other.is_empty() && *other != documented);
        std::iter::once(documented).chain(other).collect()
    }

    /// Follows the product's order: trim; replace the characters of `replace` except white space;
    /// drop accents, then leading digits, `-` and `$`, then characters that no identifier has;
    /// replace white space last.
    fn identifier(&self, name: &str) -> String {
        let early: String = self
            .replace
            .chars()
            .filter(|c| !c.is_whitespace())
            .collect();
        let replaced = derived_id(name.trim(), &early, &self.with);
        let plain: String = replaced.nfd().filter(|c| !is_combining_mark(*c)).collect();
        let begins = |c: char| !(c.is_ascii_digit() || c == '-' || c == '$');
        let from = plain.find(begins).unwrap_or(plain.len());
        let kept = plain[from..]
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | ' '));
        derived_id(&kept.collect::<String>(), " ", &self.with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documentation_and_product_agree_or_both_ids_are_returned() {
        let harness = GroupId {
            replace: ".- ".to_owned(),
            with: "_".to_owned(),
            or: Some(OtherGroupId::Identifier),
        };
        for (name, ids) in [
            ("example-group", &["example_group"][..]),
            ("a.b c", &["a_b_c"]),
            ("1 Team", &["1_Team", "_Team"]),
            ("A#B", &["A#B", "AB"]),
            ("Foo (Bar)", &["Foo_(Bar)", "Foo_Bar"]),
            ("Équipe É", &["Équipe_É", "Equipe_E"]),
            ("2024-x", &["2024_x", "_x"]),
            ("$9a", &["$9a", "a"]),
            (" a ", &["_a_", "a"]),
            ("チーム", &["チーム"]),
        ] {
            assert_eq!(harness.all(name), ids, "{name}");
        }
    }
}
