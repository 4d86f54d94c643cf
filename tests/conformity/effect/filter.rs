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
        .prop_map(|(a, b)| join(a, " and ", b, Form::FilterAnd))
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

fn joined(leaf: BoxedStrategy<Filter>) -> BoxedStrategy<Filter> {
    let recursive = leaf.clone().prop_recursive(2, 4, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| join(a, " and ", b, Form::FilterAnd)),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| join(a, " or ", b, Form::FilterOr)),
            inner
                .clone()
                .prop_map(|a| around("not (", a, Form::FilterNot)),
            inner.prop_map(|a| around("(", a, Form::FilterGroup)),
        ]
    });
    prop_oneof![2 => leaf, 1 => recursive].boxed()
}

fn join(a: Filter, word: &str, b: Filter, form: Form) -> Filter {
    let mut forms = a.forms;
    forms.extend(b.forms);
    forms.push(form);
    Filter {
        text: format!("{}{word}{}", a.text, b.text),
        forms,
    }
}

fn around(before: &str, a: Filter, form: Form) -> Filter {
    let mut forms = a.forms;
    forms.push(form);
    Filter {
        text: format!("{before}{})", a.text),
        forms,
    }
}
