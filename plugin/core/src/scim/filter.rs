//! Filters and paths as trees, each with one canonical text form.

use std::fmt;

use crate::json::Json;

/// A filter of RFC 7644 §3.4.2.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Present(Name),
    Compare(Name, Operator, Json),
    /// A filter on the sub-attributes of one value of a multi-valued attribute.
    Within(Name, Box<Filter>),
}

/// An attribute as written: an optional URN, the attribute, an optional sub-attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name(pub(crate) String);

/// The operators of RFC 7644 table 3, except `pr`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Contains,
    StartsWith,
    EndsWith,
    GreaterThan,
    GreaterOrEqual,
    LessThan,
    LessOrEqual,
}

/// The path of a PATCH operation, RFC 7644 figure 7.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) name: Name,
    pub(crate) filter: Option<Filter>,
    /// The sub-attribute after the brackets.
    pub(crate) sub: Option<String>,
}

// === impl Operator ===

impl Operator {
    fn text(self) -> &'static str {
        match self {
            Self::Equal => "eq",
            Self::NotEqual => "ne",
            Self::Contains => "co",
            Self::StartsWith => "sw",
            Self::EndsWith => "ew",
            Self::GreaterThan => "gt",
            Self::GreaterOrEqual => "ge",
            Self::LessThan => "lt",
            Self::LessOrEqual => "le",
        }
    }

    /// Whether the operator requires ordered values.
    pub(crate) fn is_ordering(self) -> bool {
        matches!(
            self,
            Self::GreaterThan | Self::GreaterOrEqual | Self::LessThan | Self::LessOrEqual
        )
    }
}

// === impl Filter ===

impl Filter {
    /// Whether it consists only of equalities joined by `and`.
    pub(crate) fn is_of_equalities(&self) -> bool {
        match self {
            Self::Compare(_, operator, _) => *operator == Operator::Equal,
            Self::And(all) => all.iter().all(Self::is_of_equalities),
            Self::Within(_, inner) => inner.is_of_equalities(),
            Self::Or(_) | Self::Not(_) | Self::Present(_) => false,
        }
    }

    /// Returns the names that it compares.
    pub(crate) fn names(&self) -> Vec<&str> {
        match self {
            Self::Compare(name, ..) | Self::Present(name) => vec![&name.0],
            Self::And(all) | Self::Or(all) => all.iter().flat_map(Self::names).collect(),
            Self::Not(inner) | Self::Within(_, inner) => inner.names(),
        }
    }

    /// Returns the values of a filter that consists only of `value eq "…"` joined by `or`.
    pub(crate) fn values(&self) -> Option<Vec<&str>> {
        match self {
            Self::Compare(name, Operator::Equal, Json::String(value))
                if name.0.eq_ignore_ascii_case("value") =>
            {
                Some(vec![value])
            }
            Self::Or(all) => all
                .iter()
                .map(Self::values)
                .collect::<Option<Vec<_>>>()
                .map(|values| values.concat()),
            _ => None,
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(all) => join(f, all, " and ", |inner| {
                matches!(inner, Self::Or(_) | Self::And(_))
            }),
            Self::Or(all) => join(f, all, " or ", |inner| matches!(inner, Self::Or(_))),
            Self::Not(inner) => write!(f, "not ({inner})"),
            Self::Present(name) => write!(f, "{} pr", name.0),
            Self::Compare(name, operator, value) => {
                write!(f, "{} {} {value}", name.0, operator.text())
            }
            Self::Within(name, inner) => write!(f, "{}[{inner}]", name.0),
        }
    }
}

fn join(
    f: &mut fmt::Formatter<'_>,
    all: &[Filter],
    word: &str,
    in_parentheses: impl Fn(&Filter) -> bool,
) -> fmt::Result {
    for (index, inner) in all.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        if in_parentheses(inner) {
            write!(f, "({inner})")?;
        } else {
            write!(f, "{inner}")?;
        }
    }
    Ok(())
}
