//! A JSON document of all principals' rights, by account and id:
//! `{"ACC1": {"svc-okta": {"active": true, "permissions": ["core_user_view"]}}}`.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Lookup, Rights};

/// The document.
#[derive(Debug, Deserialize)]
pub(crate) struct Document(Once<Once<Entry>>);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(default = "yes")]
    active: bool,
    permissions: Vec<String>,
}

/// An object with unique names: of two entries for one principal, an operator could read one and
/// the guard use the other.
#[derive(Debug)]
struct Once<T>(BTreeMap<String, T>);

impl Document {
    pub(super) fn parse(text: &[u8]) -> anyhow::Result<Self> {
        Ok(serde_json::from_slice(text)?)
    }

    pub(super) fn of(&self, account: &str, principal: &str) -> Lookup {
        let accounts = &self.0.0;
        let entry = accounts.get(account).and_then(|them| them.0.get(principal));
        entry.map_or(Lookup::Missing, |entry| {
            Lookup::Found(Rights {
                active: entry.active,
                permissions: entry.permissions.clone(),
            })
        })
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Once<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Names(std::marker::PhantomData))
    }
}

struct Names<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Names<T> {
    type Value = Once<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Once<T>, A::Error> {
        let mut all = BTreeMap::new();
        while let Some((name, value)) = entries.next_entry::<String, T>()? {
            if all.insert(name.clone(), value).is_some() {
                return Err(A::Error::custom(format!("{name:?} occurs twice")));
            }
        }
        Ok(Once(all))
    }
}

const fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_has_its_rights_in_its_own_account() {
        let text = br#"{"ACC1": {"svc": {"permissions": ["a", "b"]},
                                 "old": {"active": false, "permissions": []}},
                        "ACC2": {}}"#;
        let document = Document::parse(text).unwrap();
        let rights = |active, permissions: &[&str]| {
            Lookup::Found(Rights {
                active,
                permissions: permissions.iter().map(ToString::to_string).collect(),
            })
        };
        assert_eq!(document.of("ACC1", "svc"), rights(true, &["a", "b"]));
        assert_eq!(document.of("ACC1", "old"), rights(false, &[]));
        for (account, principal) in [("ACC2", "svc"), ("acc1", "svc"), ("ACC3", "svc")] {
            assert_eq!(document.of(account, principal), Lookup::Missing);
        }
    }

    #[test]
    fn faults_name_the_place() {
        for (text, why) in [
            (
                r#"{"A": {"p": {"permissions": []}, "p": {"permissions": []}}}"#,
                "\"p\" occurs twice",
            ),
            (
                r#"{"A": {"p": {"permissions": [], "admin": true}}}"#,
                "admin",
            ),
            (r#"{"A": {"p": {}}}"#, "permissions"),
            (
                r#"{"A": {"p": {"permissions": [], "active": "no"}}}"#,
                "line 1",
            ),
            ("[]", "an object"),
        ] {
            let error = Document::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
