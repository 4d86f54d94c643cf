//! Numbers with nouns.

use std::fmt::Display;

/// Such as "1 group" and "2 groups".
pub(crate) fn counted<N: Display + PartialEq + From<u8>>(
    number: N,
    one: &str,
    many: &str,
) -> String {
    match number == N::from(1) {
        true => format!("1 {one}"),
        false => format!("{number} {many}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        for (number, told) in [(0, "0 places"), (1, "1 place"), (2, "2 places")] {
            assert_eq!(counted(number, "place", "places"), told);
        }
    }
}
