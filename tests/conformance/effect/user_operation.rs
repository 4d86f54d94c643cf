//! Operations on a user.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::filter::{self, Filter};
use super::form::Form;
use super::patch::{Key, Operation, by_op, from_keys, setting};
use super::resource::{
    ADDRESS, CORE_USER, DISPLAYS, ENTERPRISE, ENTERPRISE_SIMPLE, NAME, PLURAL, Plural, SIMPLE,
    Simple, address, addresses, any_of, element, elements, object_of, text_of,
};
use crate::judge::USER;

const MANAGERS: &[&str] = &["u2", "u3"];

/// Any operation on a user.
pub(crate) fn operation() -> BoxedStrategy<Operation> {
    prop_oneof![
        3 => simple(),
        1 => active(),
        2 => name(),
        3 => any_of(PLURAL).prop_flat_map(plural),
        4 => any_of(PLURAL).prop_flat_map(filtered),
        2 => on_addresses(),
        3 => extension(),
        4 => pathless(),
    ]
    .boxed()
}

fn simple() -> BoxedStrategy<Operation> {
    let core = text_of(SIMPLE).prop_map(|(name, value)| (name.to_owned(), value, None));
    let enterprise = text_of(ENTERPRISE_SIMPLE).prop_map(|(name, value)| {
        let path = format!("{ENTERPRISE}:{name}");
        (path, value, Some(Form::ExtensionPath))
    });
    let target = prop_oneof![2 => core.boxed(), 1 => enterprise.boxed()].boxed();
    let set = (setting(), target.clone(), 0..10_u8).prop_map(|(op, (path, value, form), how)| {
        let mut forms = vec![by_op(op, Form::AddSimple, Form::ReplaceSimple)];
        forms.extend(form);
        let value = match how {
            0 => {
                forms.push(Form::ListForSingle);
                json!([value])
            }
            1 if op == "replace" && path != "userName" => {
                forms.push(Form::NullValue);
                Value::Null
            }
            _ => value,
        };
        Operation::at(op, path, Some(value), forms)
    });
    let remove = target
        .prop_filter("userName is required", |(path, ..)| path != "userName")
        .prop_map(|(path, _, form)| {
            let mut forms = vec![Form::RemoveSimple];
            forms.extend(form);
            Operation::at("remove", path, None, forms)
        });
    prop_oneof![3 => set, 1 => remove].boxed()
}

/// A boolean, or the text that Entra sends for it.
fn boolean() -> BoxedStrategy<(Value, Option<Form>)> {
    prop_oneof![
        any::<bool>().prop_map(|value| (value.into(), None)),
        any_of(&["True", "False", "true", "false"])
            .prop_map(|text| (text.into(), Some(Form::BooleanText))),
    ]
    .boxed()
}

fn active() -> BoxedStrategy<Operation> {
    (setting(), boolean())
        .prop_map(|(op, (value, form))| {
            let mut forms = vec![by_op(op, Form::AddSimple, Form::ReplaceSimple)];
            forms.extend(form);
            Operation::at(op, "active", Some(value), forms)
        })
        .boxed()
}

fn name() -> BoxedStrategy<Operation> {
    let whole = (setting(), object_of(NAME)).prop_map(|(op, name)| {
        let form = by_op(op, Form::AddComplex, Form::ReplaceComplex);
        Operation::at(op, "name", Some(name), [form])
    });
    let sub = (setting(), text_of(NAME)).prop_map(|(op, (sub, value))| {
        Operation::at(op, format!("name.{sub}"), Some(value), [Form::SetSub])
    });
    let remove = Just(Operation::at("remove", "name", None, [Form::RemoveComplex]));
    let remove_sub = text_of(NAME).prop_map(|(sub, _)| {
        Operation::at("remove", format!("name.{sub}"), None, [Form::RemoveSub])
    });
    prop_oneof![3 => whole, 2 => sub, 1 => remove, 1 => remove_sub].boxed()
}

fn has_primary(value: &Value) -> Option<Form> {
    value
        .as_array()
        .is_some_and(|all| all.iter().any(|element| element["primary"] == true))
        .then_some(Form::Primary)
}

/// Whole values of a multi-valued attribute.
fn plural(plural: Plural) -> BoxedStrategy<Operation> {
    let list = (setting(), elements(plural)).prop_map(move |(op, list)| {
        let mut forms = vec![by_op(op, Form::AddValues, Form::ReplaceValues)];
        forms.extend(has_primary(&list));
        Operation::at(op, plural.name, Some(list), forms)
    });
    let single = (setting(), element(plural)).prop_map(move |(op, element)| {
        let form = by_op(op, Form::AddValues, Form::ReplaceValues);
        Operation::at(op, plural.name, Some(element), [form, Form::SingleForList])
    });
    let remove = Just(Operation::at(
        "remove",
        plural.name,
        None,
        [Form::RemoveValues],
    ));
    let empty = Operation::at(
        "replace",
        plural.name,
        Some(json!([])),
        [Form::ReplaceValues, Form::EmptyList],
    );
    prop_oneof![4 => list, 2 => single, 1 => remove, 1 => Just(empty)].boxed()
}

/// Values that a filter names.
fn filtered(plural: Plural) -> BoxedStrategy<Operation> {
    let filter = filter::of_plural(plural);
    let at = move |op, filter: Filter, behind: &str, value, form| {
        let path = format!("{}[{}]{behind}", plural.name, filter.text);
        let mut forms = filter.forms;
        forms.push(form);
        forms.extend(on_what_is_set(&path));
        Operation::at(op, path, value, forms)
    };
    let sub = prop_oneof![
        4 => any_of(plural.values).prop_map(|value| (".value", Value::from(value))),
        1 => any_of(DISPLAYS).prop_map(|value| (".display", Value::from(value))),
    ];
    let set = (setting(), filter.clone(), sub).prop_map(move |(op, filter, (sub, value))| {
        at(op, filter, sub, Some(value), Form::SetFilteredSub)
    });
    let primary = (setting(), filter::of_one(plural)).prop_map(move |(op, filter)| {
        let value = Some(Value::from(true));
        let mut operation = at(op, filter, ".primary", value, Form::SetFilteredSub);
        operation.forms.push(Form::Primary);
        operation
    });
    let whole =
        (setting(), filter.clone(), element(plural)).prop_map(move |(op, filter, element)| {
            let form = by_op(op, Form::AddFiltered, Form::ReplaceFiltered);
            at(op, filter, "", Some(element), form)
        });
    let remove = filter
        .clone()
        .prop_map(move |filter| at("remove", filter, "", None, Form::RemoveFiltered));
    let remove_sub = filter
        .prop_map(move |filter| at("remove", filter, ".display", None, Form::RemoveFilteredSub));
    prop_oneof![3 => set, 1 => primary, 2 => whole, 2 => remove, 1 => remove_sub].boxed()
}

/// Whether the filter of a path asks for the sub-attribute behind it, or for the value itself.
fn on_what_is_set(path: &str) -> Vec<Form> {
    let Some((filter, sub)) = path.rsplit_once("].") else {
        return Vec::new();
    };
    let asks = |name: &str| filter.contains(&format!("{name} "));
    let set = asks(sub).then_some(Form::FilterOnWhatIsSet);
    let value = (sub != "value" && asks("value")).then_some(Form::FilterOnValue);
    set.into_iter().chain(value).collect()
}

fn on_addresses() -> BoxedStrategy<Operation> {
    let list = (setting(), addresses()).prop_map(|(op, list)| {
        let mut forms = vec![by_op(op, Form::AddValues, Form::ReplaceValues)];
        forms.extend(has_primary(&list));
        Operation::at(op, "addresses", Some(list), forms)
    });
    let single = (setting(), address()).prop_map(|(op, address)| {
        let form = by_op(op, Form::AddValues, Form::ReplaceValues);
        Operation::at(op, "addresses", Some(address), [form, Form::SingleForList])
    });
    let part = (setting(), filter::of_addresses(), text_of(ADDRESS)).prop_map(
        |(op, filter, (sub, value))| {
            let path = format!("addresses[{}].{sub}", filter.text);
            let mut forms = filter.forms;
            forms.push(Form::SetFilteredSub);
            forms.extend(on_what_is_set(&path));
            Operation::at(op, path, Some(value), forms)
        },
    );
    let remove = filter::of_addresses().prop_map(|filter| {
        let mut forms = filter.forms;
        forms.push(Form::RemoveFiltered);
        Operation::at("remove", format!("addresses[{}]", filter.text), None, forms)
    });
    prop_oneof![list, single, part, remove].boxed()
}

/// A new address, one operation for each part of it.
pub(crate) fn in_parts() -> BoxedStrategy<Vec<Operation>> {
    let parts = prop::sample::subsequence(ADDRESS, 2..=ADDRESS.len());
    (setting(), any_of(&["work", "home", "other"]), parts)
        .prop_map(|(op, r#type, parts)| {
            let part = |(name, values): Simple| {
                let path = format!("addresses[type eq \"{type}\"].{name}", type = r#type);
                let forms = [Form::SetFilteredSub, Form::InParts];
                Operation::at(op, path, Some(values[0].into()), forms)
            };
            parts.into_iter().map(part).collect()
        })
        .boxed()
}

/// The enterprise extension.
fn extension() -> BoxedStrategy<Operation> {
    let path = format!("{ENTERPRISE}:manager");
    let at = move |op, behind: &str, value, forms: &[Form]| {
        Operation::at(op, format!("{path}{behind}"), value, forms)
    };
    let manager = {
        let at = at.clone();
        (setting(), any_of(MANAGERS), 0..3_u8).prop_map(move |(op, id, how)| match how {
            0 => at(
                op,
                "",
                Some(json!({"value": id})),
                &[Form::ExtensionComplex],
            ),
            1 => at(op, ".value", Some(json!(id)), &[Form::ExtensionSub]),
            _ => at(op, "", Some(json!(id)), &[Form::ManagerText]),
        })
    };
    let remove = Just(at("remove", "", None, &[Form::ExtensionComplex]));
    let whole = (setting(), object_of(ENTERPRISE_SIMPLE))
        .prop_map(|(op, object)| Operation::at(op, ENTERPRISE, Some(object), [Form::Extension]));
    let remove_whole = Just(Operation::at(
        "remove",
        ENTERPRISE,
        None,
        [Form::RemoveExtension],
    ));
    prop_oneof![4 => manager, 1 => remove, 2 => whole, 1 => remove_whole].boxed()
}

fn pathless() -> BoxedStrategy<Operation> {
    (
        setting(),
        prop::collection::vec(key(), 1..=4),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(op, mut keys, unassigns)| {
            if unassigns && op == "replace" {
                keys.insert(
                    0,
                    Key {
                        key: "title".to_owned(),
                        value: Value::Null,
                        forms: vec![Form::NullValue],
                        about: "title",
                    },
                );
            }
            from_keys(op, keys)
        })
        .boxed()
}

fn key() -> BoxedStrategy<Key> {
    let of = |key: String, value: Value, forms: &[Form], about| Key {
        key,
        value,
        forms: forms.to_vec(),
        about,
    };
    let simple =
        text_of(SIMPLE).prop_map(move |(name, value)| of(name.to_owned(), value, &[], name));
    let upper = text_of(SIMPLE).prop_map(move |(name, value)| {
        of(name.to_ascii_uppercase(), value, &[Form::NameCase], name)
    });
    let urn = text_of(SIMPLE).prop_map(move |(name, value)| {
        of(format!("{CORE_USER}:{name}"), value, &[Form::CoreUrn], name)
    });
    let id = Just(of("id".to_owned(), USER.into(), &[Form::PathlessId], "id"));
    let active = boolean()
        .prop_map(move |(value, form)| of("active".to_owned(), value, form.as_slice(), "active"));
    let name = object_of(NAME)
        .prop_map(move |value| of("name".to_owned(), value, &[Form::PathlessComplex], "name"));
    let dotted = text_of(NAME).prop_map(move |(sub, value)| {
        of(
            format!("name.{sub}"),
            value,
            &[Form::PathlessDotted],
            "name",
        )
    });
    let plural = any_of(PLURAL).prop_flat_map(move |plural| {
        elements(plural).prop_map(move |value| {
            let mut forms = vec![Form::PathlessAddValues];
            forms.extend(has_primary(&value));
            of(plural.name.to_owned(), value, &forms, plural.name)
        })
    });
    let single = any_of(PLURAL).prop_flat_map(move |plural| {
        element(plural).prop_map(move |value| {
            of(
                plural.name.to_owned(),
                value,
                &[Form::PathlessAddValues, Form::SingleForList],
                plural.name,
            )
        })
    });
    let filtered = any_of(&["work", "home"]).prop_map(move |r#type| {
        let key = format!("emails[type eq \"{type}\"].value", type = r#type);
        of(
            key,
            "ann@example.com".into(),
            &[Form::PathlessFilter],
            "emails",
        )
    });
    let enterprise = text_of(ENTERPRISE_SIMPLE).prop_map(move |(name, value)| {
        of(
            format!("{ENTERPRISE}:{name}"),
            value,
            &[Form::PathlessUrn],
            ENTERPRISE,
        )
    });
    let manager = (any_of(MANAGERS), 0..3_u8).prop_map(move |(id, how)| {
        let key = format!("{ENTERPRISE}:manager");
        let (key, value, form) = match how {
            0 => (key, json!({"value": id}), Form::ExtensionComplex),
            1 => (format!("{key}.value"), json!(id), Form::ExtensionSub),
            _ => (key, json!(id), Form::ManagerText),
        };
        of(key, value, &[Form::PathlessUrn, form], ENTERPRISE)
    });
    let extension = object_of(ENTERPRISE_SIMPLE).prop_map(move |value| {
        of(
            ENTERPRISE.to_owned(),
            value,
            &[Form::PathlessExtension],
            ENTERPRISE,
        )
    });
    prop_oneof![
        5 => simple,
        1 => upper,
        1 => urn,
        1 => id,
        2 => active,
        2 => name,
        2 => dotted,
        3 => plural,
        1 => single,
        1 => filtered,
        2 => enterprise,
        1 => manager,
        2 => extension,
    ]
    .boxed()
}
