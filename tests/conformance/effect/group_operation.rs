//! Operations on a group.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::form::Form;
use super::patch::{Key, Operation, by_op, from_keys, setting};
use super::resource::{any_of, members, references};
use crate::judge::GROUP;

const NAMES: &[&str] = &["web-team", "Web Team", "R&D"];
const EXTERNAL_IDS: &[&str] = &["g-ext-1", "g-ext-2"];

/// Any operation on a group.
pub(crate) fn operation() -> BoxedStrategy<Operation> {
    prop_oneof![1 => name(), 4 => membership(), 1 => pathless()].boxed()
}

fn name() -> BoxedStrategy<Operation> {
    let rename = (setting(), any_of(NAMES)).prop_map(|(op, name)| {
        let form = by_op(op, Form::AddSimple, Form::ReplaceSimple);
        Operation::at(op, "displayName", Some(name.into()), [form])
    });
    let external_id = (setting(), any_of(EXTERNAL_IDS)).prop_map(|(op, id)| {
        let form = by_op(op, Form::AddSimple, Form::ReplaceSimple);
        Operation::at(op, "externalId", Some(id.into()), [form])
    });
    let remove = Just(Operation::at(
        "remove",
        "externalId",
        None,
        [Form::RemoveSimple],
    ));
    prop_oneof![2 => rename, 1 => external_id, 1 => remove].boxed()
}

/// References, perhaps with the names of those who are meant.
fn named(ids: &[&str], is_named: bool) -> (Value, Option<Form>) {
    if is_named {
        let list = ids
            .iter()
            .map(|id| json!({"value": id, "display": format!("{id}@example.com")}));
        (list.collect(), Some(Form::MemberDisplay))
    } else {
        (references(ids), None)
    }
}

fn membership() -> BoxedStrategy<Operation> {
    let set = (setting(), members(), prop::bool::weighted(0.2)).prop_map(|(op, ids, is_named)| {
        let (value, form) = named(&ids, is_named);
        let mut forms = vec![by_op(op, Form::AddMembers, Form::ReplaceMembers)];
        forms.extend(form);
        Operation::at(op, "members", Some(value), forms)
    });
    let single = (setting(), members()).prop_map(|(op, ids)| {
        let form = by_op(op, Form::AddMembers, Form::ReplaceMembers);
        let value = json!({"value": ids[0]});
        Operation::at(op, "members", Some(value), [form, Form::SingleForList])
    });
    let one = members().prop_map(|ids| {
        let path = format!("members[value eq \"{}\"]", ids[0]);
        Operation::at("remove", path, None, [Form::RemoveFilteredMember])
    });
    let several = members().prop_map(|ids| {
        let filter: Vec<_> = ids.iter().map(|id| format!("value eq \"{id}\"")).collect();
        let path = format!("members[{}]", filter.join(" or "));
        Operation::at("remove", path, None, [Form::RemoveFilteredMembers])
    });
    let listed = (members(), any::<bool>()).prop_map(|(ids, is_single)| {
        let mut forms = vec![Form::RemoveListedMembers];
        let value = if is_single {
            forms.push(Form::SingleForList);
            json!({"value": ids[0]})
        } else {
            references(&ids)
        };
        Operation::at("remove", "members", Some(value), forms)
    });
    let all = Just(Operation::at(
        "remove",
        "members",
        None,
        [Form::RemoveAllMembers],
    ));
    prop_oneof![4 => set, 1 => single, 2 => one, 1 => several, 2 => listed, 1 => all].boxed()
}

fn pathless() -> BoxedStrategy<Operation> {
    // Okta sends the id along when it renames.
    let key = |name: &'static str, value: Value, forms: &[Form]| Key {
        key: name.to_owned(),
        value,
        forms: forms.to_vec(),
        about: name,
    };
    let list = [Form::PathlessAddValues];
    let single = [Form::PathlessAddValues, Form::SingleForList];
    let any_key = prop_oneof![
        2 => any_of(NAMES).prop_map(move |name| key("displayName", name.into(), &[])),
        1 => any_of(EXTERNAL_IDS).prop_map(move |id| key("externalId", id.into(), &[])),
        1 => members().prop_map(move |ids| key("members", references(&ids), &list)),
        1 => members().prop_map(move |ids| key("members", json!({"value": ids[0]}), &single)),
        1 => Just(key("id", GROUP.into(), &[Form::PathlessId])),
    ];
    (setting(), prop::collection::vec(any_key, 1..=3))
        .prop_map(|(op, keys)| from_keys(op, keys))
        .boxed()
}
