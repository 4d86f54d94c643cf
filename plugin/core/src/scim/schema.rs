//! Schema definitions in the form of RFC 7643 §7. The tables are data (`schemas/*.json`, after RFC
//! 7643 §8.7.1); nothing else in the guard knows which attributes a resource has.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::facts::ResourceKind;

/// A schema: a URN and its attributes, in order.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Schema {
    pub(crate) id: String,
    pub(crate) attributes: Vec<Attribute>,
}

/// The parts of an attribute or sub-attribute that the guard uses. Missing parts have the defaults
/// of RFC 7643 §2.2.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attribute {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) r#type: Type,
    #[serde(default)]
    pub(crate) multi_valued: bool,
    #[serde(default)]
    pub(crate) required: bool,
    /// Canonical values in their canonical case.
    #[serde(default)]
    pub(crate) canonical_values: Vec<String>,
    #[serde(default)]
    pub(crate) case_exact: bool,
    /// Not in RFC 7643: text that may contain line breaks, such as an address.
    #[serde(default)]
    pub(crate) multi_line: bool,
    #[serde(default)]
    pub(crate) mutability: Mutability,
    #[serde(default)]
    pub(crate) returned: Returned,
    #[serde(default)]
    pub(crate) uniqueness: Uniqueness,
    #[serde(default)]
    pub(crate) sub_attributes: Vec<Attribute>,
}

/// RFC 7643 §7.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Uniqueness {
    #[default]
    None,
    Server,
    Global,
}

/// RFC 7643 §2.3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Type {
    #[default]
    String,
    Boolean,
    Decimal,
    Integer,
    DateTime,
    Binary,
    Reference,
    Complex,
}

/// RFC 7643 §7, "mutability".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Mutability {
    ReadOnly,
    #[default]
    ReadWrite,
    Immutable,
    WriteOnly,
}

/// RFC 7643 §7, "returned".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Returned {
    Always,
    Never,
    #[default]
    Default,
    Request,
}

/// A resource type of RFC 7643 §6: its core schema and the extensions that the guard knows.
#[derive(Clone, Debug)]
pub(crate) struct ResourceType {
    /// `id`, `externalId`, `meta` (RFC 7643 §3.1).
    pub(crate) common: Schema,
    pub(crate) core: Schema,
    pub(crate) extensions: Vec<Schema>,
}

// === impl ResourceType ===

impl ResourceType {
    /// Loads the type from its tables.
    ///
    /// # Errors
    /// The tables are compiled in, so an error here is a build fault.
    pub(crate) fn load(kind: ResourceKind) -> Result<Self, serde_json::Error> {
        let common = serde_json::from_str(include_str!("schemas/common.json"))?;
        Ok(match kind {
            ResourceKind::User => Self {
                common,
                core: serde_json::from_str(include_str!("schemas/user.json"))?,
                extensions: vec![serde_json::from_str(include_str!(
                    "schemas/enterprise_user.json"
                ))?],
            },
            ResourceKind::Group => Self {
                common,
                core: serde_json::from_str(include_str!("schemas/group.json"))?,
                extensions: Vec::new(),
            },
        })
    }

    /// Returns the names of everything that a client may write, as `scim.synced` lists them. A
    /// reference list alone means only its ids, so its other parts are listed too.
    pub(crate) fn writable(&self) -> Vec<String> {
        let mut names = self.common.writable("");
        names.extend(self.core.writable(""));
        for schema in &self.extensions {
            names.extend(schema.writable(&format!("{}:", schema.id)));
        }
        names
    }

    /// Finds the extension with this URN, ignoring case.
    pub(crate) fn extension(&self, urn: &str) -> Option<&Schema> {
        self.extensions
            .iter()
            .find(|extension| extension.id.eq_ignore_ascii_case(urn))
    }

    /// Adds extensions.
    ///
    /// # Errors
    /// The index of an extension whose URN clashes with another schema, and why.
    pub(crate) fn extend(&mut self, extensions: &[Schema]) -> Result<(), (usize, String)> {
        for (index, extension) in extensions.iter().enumerate() {
            let others = std::iter::once(&self.core).chain(&self.extensions);
            for other in others {
                if is_below(&extension.id, &other.id) || is_below(&other.id, &extension.id) {
                    return Err((
                        index,
                        format!("{:?} clashes with {:?}", extension.id, other.id),
                    ));
                }
            }
            extension.check().map_err(|message| (index, message))?;
            self.extensions.push(extension.clone());
        }
        Ok(())
    }
}

/// Returns the lower-case names of RFC 7643 attributes that are never returned (§7, "returned"),
/// such as the password.
pub(crate) fn never_returned() -> BTreeSet<String> {
    let tables = [ResourceKind::User, ResourceKind::Group].map(ResourceType::load);
    let mut names = BTreeSet::new();
    for table in tables.into_iter().flatten() {
        let schemas = [&table.common, &table.core].into_iter();
        let attributes = schemas
            .chain(&table.extensions)
            .flat_map(|it| &it.attributes);
        for attribute in attributes {
            let each = std::iter::once(attribute).chain(&attribute.sub_attributes);
            let secret = each.filter(|it| it.returned == Returned::Never);
            names.extend(secret.map(|it| it.name.to_ascii_lowercase()));
        }
    }
    names
}

// === impl Schema ===

impl Schema {
    /// Returns the names of what a client may write, each with this prefix.
    pub(crate) fn writable(&self, prefix: &str) -> Vec<String> {
        let mut names = Vec::new();
        let own = self.attributes.iter();
        for attribute in own.filter(|a| a.mutability != Mutability::ReadOnly) {
            names.push(format!("{prefix}{}", attribute.name));
            if attribute.is_reference_list() {
                let subs = attribute.sub_attributes.iter();
                names.extend(subs.map(|sub| format!("{prefix}{}.{}", attribute.name, sub.name)));
            }
        }
        names
    }

    /// Checks what the policy document's own schema cannot express.
    fn check(&self) -> Result<(), String> {
        unique(&self.attributes, &self.id)?;
        for attribute in &self.attributes {
            unique(&attribute.sub_attributes, &attribute.name)?;
            let is_complex = attribute.r#type == Type::Complex;
            if is_complex == attribute.sub_attributes.is_empty() {
                return Err(format!(
                    "{:?}: the type complex requires subAttributes, and no other type allows them",
                    attribute.name
                ));
            }
        }
        Ok(())
    }

    /// Finds the attribute with this name, ignoring case.
    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes
            .iter()
            .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }
}

/// Whether a URN equals another, or could name an attribute in it.
fn is_below(urn: &str, other: &str) -> bool {
    let (urn, other) = (urn.to_ascii_lowercase(), other.to_ascii_lowercase());
    urn.strip_prefix(&other)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

fn unique(attributes: &[Attribute], of: &str) -> Result<(), String> {
    for (index, attribute) in attributes.iter().enumerate() {
        let again = attributes
            .iter()
            .skip(index + 1)
            .any(|other| other.name.eq_ignore_ascii_case(&attribute.name));
        if again {
            return Err(format!(
                "{of:?} has the attribute {:?} twice",
                attribute.name
            ));
        }
    }
    Ok(())
}

// === impl Attribute ===

impl Attribute {
    /// Finds the sub-attribute with this name, ignoring case.
    pub(crate) fn sub(&self, name: &str) -> Option<&Attribute> {
        self.sub_attributes
            .iter()
            .find(|sub| sub.name.eq_ignore_ascii_case(name))
    }

    /// Whether its values refer to other resources by id (RFC 7643 §2.4, `$ref`).
    pub(crate) fn is_reference(&self) -> bool {
        self.sub("$ref").is_some() && self.sub("value").is_some()
    }

    /// Whether it is a list of references to other resources, such as `Group.members`, whose values
    /// can be added and removed but not changed.
    pub(crate) fn is_reference_list(&self) -> bool {
        self.multi_valued
            && self
                .sub("value")
                .is_some_and(|value| value.mutability == Mutability::Immutable)
    }

    /// Returns the canonical value that equals a text ignoring case, if case does not matter (RFC
    /// 7643 §7, "canonicalValues").
    pub(crate) fn canonical_value(&self, text: &str) -> Option<&str> {
        self.canonical_values
            .iter()
            .find(|usual| !self.case_exact && usual.eq_ignore_ascii_case(text))
            .map(String::as_str)
    }

    /// Describes the expected value, for messages.
    pub(crate) fn expected(&self) -> &'static str {
        match self.r#type {
            Type::String => "a string",
            Type::Boolean => "a boolean",
            Type::Decimal => "a number",
            Type::Integer => "an integer",
            Type::DateTime => "a date and time",
            Type::Binary => "base64 text",
            Type::Reference => "a URI",
            Type::Complex => "an object",
        }
    }
}
