//! Suggests the known name for a misspelt one.

/// A longer name is not a typing error, and a comparison costs the product of both lengths.
const MAX_LENGTH: usize = 64;

/// The known name that is closest to this one: equal except for case, or with a few wrong letters.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > MAX_LENGTH {
        return None;
    }
    let name = name.to_lowercase();
    // One letter in three may be wrong, and at least one: `bse` means `base`, but `a` does not mean
    // `id`.
    let allowed = (name.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|it| (strsim::osa_distance(&name, &it.to_lowercase()), it))
        .filter(|(distance, it)| *distance <= allowed && *distance < it.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, it)| it)
}

/// The intended name, from serde's message about an unknown field or value, which lists the known
/// ones.
#[must_use]
pub fn meant(message: &str) -> Option<&str> {
    let unknown = ["unknown field `", "unknown variant `"];
    if !unknown.iter().any(|start| message.starts_with(start)) {
        return None;
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    let name = quoted.next()?;
    nearest(name, quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_serde_does_not_know_may_be_near() {
        for (message, name) in [
            ("unknown field `pth`, expected `path`", Some("path")),
            (
                "unknown field `pth`, expected `path` or `body`",
                Some("path"),
            ),
            (
                "unknown field `foo`, expected one of `path`, `body`, `method`",
                None,
            ),
            (
                "unknown variant `Native`, expected `wasm` or `native`",
                Some("native"),
            ),
            ("unknown field `foo`, there are no fields", None),
            ("missing field `path`", None),
            ("expected value", None),
        ] {
            assert_eq!(meant(message), name, "{message}");
        }
    }

    #[test]
    fn a_slip_is_near_and_another_word_is_not() {
        let known = [
            "base",
            "upstream_base",
            "group_id",
            "emails",
            "id",
            "POST",
            "PUT",
        ];
        for (name, meant) in [
            ("bse", Some("base")),
            ("Base", Some("base")),
            ("upstream-base", Some("upstream_base")),
            ("upstraem_bas", Some("upstream_base")),
            ("groupId", Some("group_id")),
            ("email", Some("emails")),
            ("post", Some("POST")),
            ("di", Some("id")),
            ("mode", None),
            ("x", None),
            ("", None),
            ("preset", None),
            (&"base".repeat(1000), None),
        ] {
            assert_eq!(nearest(name, known), meant, "{name}");
        }
    }
}
