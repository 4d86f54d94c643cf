//! Filters on the values of a multi-valued attribute (RFC 7644 §3.4.2.2).

use proptest::prelude::*;
use proptest::sample::select;

use super::form::Form;
use super::resource::{ADDRESS, DISPLAYS, Plural, Simple, any_of};

/// A filter as text, and what it shows.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    pub(crate) text: String,
    pub(crate) forms: Vec<Form>,
}

/// A filter on the values of an attribute such as `emails`.
pub(crate) fn of_plural(plural: Plural) -> BoxedStrategy<Filter> {
    let value = comparison("value", plural.values);
    let display = comparison("display", DISPLAYS);
    let primary = select(vec!["primary eq true", "primary eq false"]).prop_map(plain);
    let leaf = if plural.types.is_empty() {
        prop_oneof![4 => value, 1 => display, 1 => primary].boxed()
    } else {
        let r#type = comparison("type", plural.types);
        prop_oneof![4 => r#type, 3 => value, 1 => display, 1 => primary].boxed()
    };
    joined(leaf)
}

/// A filter that at most one value of an attribute passes.
pub(crate) fn of_one(plural: Plural) -> BoxedStrategy<Filter> {
    let value = any_of(plural.values).prop_map(|value| plain(&format!("value eq {value:?}")));
    if plural.types.is_empty() {
        return value.boxed();
    }
    let r#type = any_of(plural.types).prop_map(|value| plain(&format!("type eq {value:?}")));
    (r#type, value)
        .prop_map(|(a, b)| Filter {
            text: format!("{} and {}", a.text, b.text),
            forms: vec![Form::FilterAnd],
        })
        .boxed()
}

/// A filter on addresses.
pub(crate) fn of_addresses() -> BoxedStrategy<Filter> {
    let part = any_of(ADDRESS).prop_flat_map(|(name, values): Simple| comparison(name, values));
    let r#type = comparison("type", &["work", "home", "other"]);
    joined(prop_oneof![2 => r#type, 1 => part].boxed())
}

fn plain(text: &str) -> Filter {
    Filter {
        text: text.to_owned(),
        forms: Vec::new(),
    }
}

fn comparison(name: &'static str, values: &'static [&'static str]) -> BoxedStrategy<Filter> {
    let operators = prop_oneof![
        6 => Just("eq"),
        2 => select(vec!["ne", "co", "sw", "ew", "pr", "gt", "ge", "lt", "le"]),
    ];
    (operators, any_of(values), prop::bool::weighted(0.1))
        .prop_map(move |(operator, value, upper)| {
            let mut forms = Vec::new();
            // For `sw` and `ew`, a part would do as well as the whole.
            let literal = serde_json::Value::from(value).to_string();
            if operator != "eq" {
                forms.push(Form::FilterOperator);
            }
            if operator != "pr" && value.contains(['"', ']', '(']) {
                forms.push(Form::FilterEscape);
            }
            if operator != "pr" && value.contains(':') {
                forms.push(Form::FilterColon);
            }
            let mut written = operator.to_owned();
            if upper {
                forms.push(Form::FilterCase);
                written.make_ascii_uppercase();
            }
            let text = match operator {
                "pr" => format!("{name} {written}"),
                _ => format!("{name} {written} {literal}"),
            };
            Filter { text, forms }
        })
        .boxed()
}

/// Up to three comparisons, in every way in which they are joined.
fn joined(leaf: BoxedStrategy<Filter>) -> BoxedStrategy<Filter> {
    use Form::{FilterAnd, FilterAndInAnd, FilterGroup, FilterNested, FilterNot, FilterOr};
    let joins: &'static [(&'static str, &'static [Form])] = &[
        ("A and B", &[FilterAnd]),
        ("A or B", &[FilterOr]),
        ("A or B and C", &[FilterOr, FilterAnd]),
        ("A and B or C", &[FilterOr, FilterAnd]),
        ("(A or B) and C", &[FilterOr, FilterAnd, FilterGroup]),
        ("A and (B or C)", &[FilterOr, FilterAnd, FilterGroup]),
        ("A and (B and C)", &[FilterAnd, FilterGroup, FilterAndInAnd]),
        ("(A)", &[FilterGroup]),
        ("((A))", &[FilterGroup, FilterNested]),
        ("not (A)", &[FilterNot]),
        ("not (A) and B", &[FilterNot, FilterAnd]),
        ("not (A or B)", &[FilterNot, FilterOr]),
        (
            "not ((A or B) and C)",
            &[FilterNot, FilterOr, FilterAnd, FilterGroup, FilterNested],
        ),
    ];
    let several = (any_of(joins), leaf.clone(), leaf.clone(), leaf.clone()).prop_filter(
        "no comparison twice",
        |(_, a, b, c)| {
            [(a, b), (a, c), (b, c)]
                .iter()
                .all(|(one, other)| !one.text.eq_ignore_ascii_case(&other.text))
        },
    );
    let several = several.prop_map(|((join, forms), a, b, c)| {
        let mut filter = plain("");
        filter.forms.extend(forms);
        for letter in join.chars() {
            let part = match letter {
                'A' => &a,
                'B' => &b,
                'C' => &c,
                other => {
                    filter.text.push(other);
                    continue;
                }
            };
            filter.text.push_str(&part.text);
            filter.forms.extend(&part.forms);
        }
        filter
    });
    prop_oneof![2 => leaf, 1 => several].boxed()
}
