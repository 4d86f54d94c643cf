//! PATCH on a resource as JSON (RFC 7644 §3.5.2), for what the guard writes: the canonical messages.

use serde_json::{Map, Value};

/// The application refuses the operation, and with it the whole PATCH.
#[derive(Debug)]
pub(crate) struct NoTarget;

/// A path: an attribute, which of its values, and which of their parts.
#[derive(Clone, Debug, Default)]
struct Path {
    attribute: String,
    filter: Option<Filter>,
    sub: Option<String>,
}

/// A filter of equalities.
#[derive(Clone, Debug)]
enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Equal(String, Value),
}

/// Applies the operations of a message, in their order.
pub(crate) fn patch(resource: &mut Value, message: &Value) -> Result<(), NoTarget> {
    let operations = message["Operations"].as_array().expect("operations");
    for operation in operations {
        apply(resource, operation)?;
    }
    Ok(())
}

/// Applies one operation.
pub(crate) fn apply(resource: &mut Value, operation: &Value) -> Result<(), NoTarget> {
    let verb = operation["op"].as_str().expect("an op");
    let value = operation.get("value");
    if let Some(path) = operation.get("path") {
        let path = Path::read(path.as_str().expect("a path"));
        return write(resource, verb, &path, value);
    }
    let attributes = value.and_then(Value::as_object).expect("attributes");
    for (name, value) in attributes {
        let attribute = Path {
            attribute: name.clone(),
            ..Path::default()
        };
        write(resource, verb, &attribute, Some(value))?;
    }
    Ok(())
}

fn write(
    resource: &mut Value,
    verb: &str,
    path: &Path,
    value: Option<&Value>,
) -> Result<(), NoTarget> {
    let object = resource.as_object_mut().expect("a resource");
    let Some(filter) = &path.filter else {
        match &path.sub {
            None => write_attribute(object, verb, &path.attribute, value),
            Some(sub) => {
                let inner = object.entry(path.attribute.clone());
                let inner = inner.or_insert_with(|| Value::Object(Map::new()));
                let inner = inner.as_object_mut().expect("one complex value");
                write_attribute(inner, verb, sub, value);
            }
        }
        object.retain(|_, value| !is_unassigned(value));
        return Ok(());
    };
    let values = object.get_mut(&path.attribute);
    let mut none = Vec::new();
    let values = values.and_then(Value::as_array_mut).unwrap_or(&mut none);
    // RFC 7644 §3.5.2.3: what is replaced must be there.
    if verb != "remove" && !values.iter().any(|value| filter.matches(value)) {
        return Err(NoTarget);
    }
    if verb == "remove" && path.sub.is_none() {
        values.retain(|value| !filter.matches(value));
    }
    for element in values.iter_mut().filter(|value| filter.matches(value)) {
        match &path.sub {
            Some(sub) => {
                let parts = element.as_object_mut().expect("an element");
                write_attribute(parts, verb, sub, value);
            }
            None => *element = value.cloned().expect("a value"),
        }
    }
    object.retain(|_, value| !is_unassigned(value));
    Ok(())
}

fn write_attribute(object: &mut Map<String, Value>, verb: &str, name: &str, value: Option<&Value>) {
    match (verb, value, object.get_mut(name)) {
        // The list of the members to take out, as Entra writes it.
        ("remove", Some(Value::Array(gone)), Some(Value::Array(values))) => {
            let is_gone = |one: &Value| gone.iter().any(|gone| gone["value"] == one["value"]);
            values.retain(|value| !is_gone(value));
        }
        ("remove", ..) => {
            object.remove(name);
        }
        ("add", Some(Value::Array(new)), Some(Value::Array(values))) => {
            for value in new {
                if value["primary"] == true {
                    values.iter_mut().for_each(not_primary);
                }
                if !values.contains(value) {
                    values.push(value.clone());
                }
            }
        }
        // §3.5.2.1 and §3.5.2.3: parts that are not named stay.
        (_, Some(Value::Object(parts)), Some(Value::Object(known))) => {
            known.extend(parts.clone());
        }
        (_, Some(value), _) => {
            object.insert(name.to_owned(), value.clone());
        }
        (_, None, _) => panic!("{verb} of {name} without a value"),
    }
}

/// RFC 7644 §3.5.2: there is one primary value.
fn not_primary(value: &mut Value) {
    if value["primary"] == true {
        value["primary"] = false.into();
    }
}

fn is_unassigned(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(parts) => parts.is_empty(),
        _ => false,
    }
}

// === impl Path ===

impl Path {
    fn read(text: &str) -> Self {
        let (attribute, rest) = match text.split_once('[') {
            None => (text, None),
            Some((attribute, rest)) => (attribute, rest.rsplit_once(']')),
        };
        let Some((filter, behind)) = rest else {
            let (attribute, sub) = match attribute.split_once('.') {
                None => (attribute, None),
                Some((attribute, sub)) => (attribute, Some(sub.to_owned())),
            };
            return Self {
                attribute: attribute.to_owned(),
                filter: None,
                sub,
            };
        };
        Self {
            attribute: attribute.to_owned(),
            filter: Some(Filter::read(filter)),
            sub: behind.strip_prefix('.').map(str::to_owned),
        }
    }
}

// === impl Filter ===

impl Filter {
    fn read(text: &str) -> Self {
        let both =
            |(left, right): (&str, &str)| (Box::new(Self::read(left)), Box::new(Self::read(right)));
        if let Some(parts) = text.split_once(" or ") {
            let (left, right) = both(parts);
            return Self::Or(left, right);
        }
        if let Some(parts) = text.split_once(" and ") {
            let (left, right) = both(parts);
            return Self::And(left, right);
        }
        let (name, value) = text.split_once(" eq ").expect("an equality");
        Self::Equal(name.to_owned(), serde_json::from_str(value).expect("JSON"))
    }

    fn matches(&self, element: &Value) -> bool {
        match self {
            Self::And(left, right) => left.matches(element) && right.matches(element),
            Self::Or(left, right) => left.matches(element) || right.matches(element),
            Self::Equal(name, wanted) => match (&element[name.as_str()], wanted) {
                // RFC 7643 §8.7.1: e-mails and their types are compared ignoring case. Ids are not.
                (Value::String(known), Value::String(wanted)) if element.get("type").is_some() => {
                    known.eq_ignore_ascii_case(wanted)
                }
                (known, wanted) => known == wanted,
            },
        }
    }
}
