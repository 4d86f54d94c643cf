//! Resources as a backend may have them, and their parts as a client may send them. The pools of
//! values are small, so that values meet.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use crate::judge::{GROUP, USER};

pub(crate) const CORE_USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const CORE_GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A text attribute of a user, with values for it.
pub(crate) type Simple = (&'static str, &'static [&'static str]);

pub(crate) const SIMPLE: &[Simple] = &[
    (
        "title",
        &["Engineer", "Head of R&D", "Tour Guide, \"Alps\""],
    ),
    ("nickName", &["Annie", "Lee"]),
    ("displayName", &["Ann Lee", "Lee, Ann", "李安"]),
    ("userType", &["Employee", "Contractor"]),
    ("locale", &["en-US", "de-CH"]),
    ("timezone", &["Europe/Zurich", "America/New_York"]),
    ("preferredLanguage", &["en", "de-CH"]),
    (
        "profileUrl",
        &["https://example.com/ann", "https://example.com/lee"],
    ),
    ("externalId", &["00u1", "00u2"]),
    ("userName", &["ann@example.com", "ann.lee@example.com"]),
];

pub(crate) const ENTERPRISE_SIMPLE: &[Simple] = &[
    ("employeeNumber", &["701984", "0042"]),
    ("costCenter", &["4130", "R&D"]),
    ("organization", &["Universal Studios"]),
    ("division", &["Theme Park"]),
    ("department", &["Tour Operations", "R&D"]),
];

pub(crate) const NAME: &[Simple] = &[
    ("formatted", &["Ms. Ann Lee"]),
    ("familyName", &["Lee", "Lee-Müller"]),
    ("givenName", &["Ann", "Anna"]),
    ("middleName", &["J."]),
    ("honorificPrefix", &["Ms."]),
    ("honorificSuffix", &["III"]),
];

/// A multi-valued attribute of a user.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plural {
    pub(crate) name: &'static str,
    pub(crate) values: &'static [&'static str],
    /// Empty where scimmy, or nobody, has types.
    pub(crate) types: &'static [&'static str],
}

pub(crate) const DISPLAYS: &[&str] = &["Ann", "a ] \"quoted\" (one)"];

pub(crate) const PLURAL: &[Plural] = &[
    Plural {
        name: "emails",
        values: &["ann@example.com", "lee@example.com", "a.lee@example.org"],
        types: &["work", "home", "other"],
    },
    Plural {
        name: "phoneNumbers",
        values: &["tel:+41-44-555-0100", "tel:+41-44-555-0199"],
        types: &["work", "mobile", "fax"],
    },
    Plural {
        name: "ims",
        values: &["annlee", "lee.ann"],
        types: &["xmpp", "skype"],
    },
    Plural {
        name: "photos",
        values: &["https://example.com/ann/1", "https://example.com/ann/2"],
        types: &["photo", "thumbnail"],
    },
    Plural {
        name: "entitlements",
        values: &["vpn", "mail"],
        types: &[],
    },
    Plural {
        name: "roles",
        values: &["admin", "reader"],
        types: &[],
    },
];

pub(crate) const ADDRESS: &[Simple] = &[
    (
        "streetAddress",
        &["100 Universal City Plaza", "Bahnhofstrasse 1"],
    ),
    ("locality", &["Hollywood", "Zürich"]),
    ("region", &["CA", "ZH"]),
    ("postalCode", &["91608", "8001"]),
    ("country", &["US", "CH"]),
];

const MEMBERS: &[&str] = &["u1", "u2", "u3", "2819c223-7f76-453a-919d-413861904646"];

/// Any of some values.
pub(crate) fn any_of<T: Clone + std::fmt::Debug + 'static>(
    values: &'static [T],
) -> impl Strategy<Value = T> + Clone {
    select(values)
}

/// Text for one of some attributes.
pub(crate) fn text_of(
    attributes: &'static [Simple],
) -> impl Strategy<Value = (&'static str, Value)> {
    any_of(attributes).prop_flat_map(|(name, values)| {
        any_of(values).prop_map(move |value| (name, Value::from(value)))
    })
}

/// An object with at least one of some attributes.
pub(crate) fn object_of(attributes: &'static [Simple]) -> impl Strategy<Value = Value> {
    prop::collection::btree_map(
        any_of(attributes).prop_map(|(name, _)| name),
        any::<prop::sample::Index>(),
        1..=attributes.len(),
    )
    .prop_map(move |chosen| {
        let members = attributes.iter().filter_map(|(name, values)| {
            let index = chosen.get(name)?;
            Some(((*name).to_owned(), json!(index.get(values))))
        });
        Value::Object(members.collect())
    })
}

/// One value of a multi-valued attribute; not the primary one.
pub(crate) fn element(plural: Plural) -> impl Strategy<Value = Value> {
    let types: Vec<Option<&str>> = match plural.types {
        [] => vec![None],
        types => types.iter().copied().map(Some).collect(),
    };
    (
        any_of(plural.values),
        select(types),
        prop::option::weighted(0.2, any_of(DISPLAYS)),
    )
        .prop_map(|(value, r#type, display)| {
            let mut element = json!({"value": value});
            if let Some(r#type) = r#type {
                element["type"] = r#type.into();
            }
            if let Some(display) = display {
                element["display"] = display.into();
            }
            element
        })
}

/// Some values of a multi-valued attribute, none twice, perhaps one of them primary.
pub(crate) fn elements(plural: Plural) -> impl Strategy<Value = Value> {
    (
        prop::collection::vec(element(plural), 1..=3),
        prop::option::of(0..3_usize),
    )
        .prop_map(|(elements, primary)| distinct(elements, primary))
}

/// An address.
pub(crate) fn address() -> impl Strategy<Value = Value> {
    (object_of(ADDRESS), select(vec!["work", "home", "other"])).prop_map(|(mut address, r#type)| {
        address["type"] = r#type.into();
        address
    })
}

/// Some addresses, none twice, perhaps one of them primary.
pub(crate) fn addresses() -> impl Strategy<Value = Value> {
    (
        prop::collection::vec(address(), 1..=2),
        prop::option::of(0..2_usize),
    )
        .prop_map(|(elements, primary)| distinct(elements, primary))
}

fn distinct(elements: Vec<Value>, primary: Option<usize>) -> Value {
    let mut kept: Vec<Value> = Vec::new();
    for element in elements {
        // RFC 7643 §2.4: no type and value twice.
        let is_known = kept
            .iter()
            .any(|k| k["type"] == element["type"] && k["value"] == element["value"]);
        if !is_known {
            kept.push(element);
        }
    }
    if let Some(element) = primary.and_then(|index| kept.get_mut(index)) {
        element["primary"] = true.into();
    }
    Value::Array(kept)
}

/// References to members.
pub(crate) fn members() -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(MEMBERS, 1..=MEMBERS.len())
}

/// `[{"value": "ID"}, …]`
pub(crate) fn references(ids: &[&str]) -> Value {
    ids.iter().map(|id| json!({"value": id})).collect()
}

/// A user with any of its attributes.
pub(crate) fn user() -> impl Strategy<Value = Value> {
    let of_plural = |index: usize| prop::option::weighted(0.6, elements(PLURAL[index]));
    (
        prop::option::weighted(0.9, object_of(SIMPLE)),
        prop::option::of(object_of(NAME)),
        prop::option::of(any::<bool>()),
        (
            of_plural(0),
            of_plural(1),
            of_plural(2),
            of_plural(3),
            of_plural(4),
            of_plural(5),
        ),
        prop::option::of(addresses()),
        prop::option::of(object_of(ENTERPRISE_SIMPLE)),
        prop::option::of(any_of(MEMBERS)),
    )
        .prop_map(
            |(simple, name, active, plural, addresses, enterprise, manager)| {
                let mut user = simple.unwrap_or_else(|| json!({}));
                user["schemas"] = json!([CORE_USER]);
                user["id"] = USER.into();
                user["userName"] = "ann@example.com".into();
                let mut put = |name: &str, value: Option<Value>| {
                    if let Some(value) = value {
                        user[name] = value;
                    }
                };
                put("name", name);
                put("active", active.map(Value::from));
                put("emails", plural.0);
                put("phoneNumbers", plural.1);
                put("ims", plural.2);
                put("photos", plural.3);
                put("entitlements", plural.4);
                put("roles", plural.5);
                put("addresses", addresses);
                let mut extension = match enterprise {
                    Some(Value::Object(extension)) => extension,
                    _ => Map::new(),
                };
                if let Some(manager) = manager {
                    extension.insert("manager".to_owned(), json!({"value": manager}));
                }
                if !extension.is_empty() {
                    user["schemas"] = json!([CORE_USER, ENTERPRISE]);
                    user[ENTERPRISE] = extension.into();
                }
                user
            },
        )
}

/// A group with any members.
pub(crate) fn group() -> impl Strategy<Value = Value> {
    (
        prop::option::of(members()),
        prop::option::of(any_of(&["g-ext-1", "g-ext-2"])),
    )
        .prop_map(|(members, external_id)| {
            let mut group =
                json!({"schemas": [CORE_GROUP], "id": GROUP, "displayName": "web-team"});
            if let Some(members) = members {
                group["members"] = references(&members);
            }
            if let Some(external_id) = external_id {
                group["externalId"] = external_id.into();
            }
            group
        })
}
