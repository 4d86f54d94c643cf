//! Path templates such as `/gateway/ng/api/user-groups/{identifier}`.

use std::collections::BTreeMap;

use crate::fold;

/// A path with parameters, each a whole segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Parameter(String),
}

/// How a path fits a template.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// With the values of the parameters.
    Exact(BTreeMap<String, String>),
    /// Only if case is ignored.
    OtherCase,
    None,
}

// === impl Template ===

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// Describes what is wrong with the template.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut segments = Vec::new();
        for segment in text.split('/').filter(|segment| !segment.is_empty()) {
            let parameter = segment
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'));
            segments.push(match parameter {
                Some("") => return Err("a parameter without a name".to_owned()),
                Some(name) => Segment::Parameter(name.to_owned()),
                None if segment.contains(['{', '}', '%', '?', '#', ';', '\\']) => {
                    return Err(format!(
                        "{segment:?} is neither plain text nor one parameter in braces"
                    ));
                }
                None => Segment::Literal(segment.to_owned()),
            });
        }
        Ok(Self(segments))
    }

    /// Returns the names of the parameters.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|segment| match segment {
            Segment::Parameter(name) => Some(name.as_str()),
            Segment::Literal(_) => None,
        })
    }

    /// Returns the literal segments before the first parameter.
    pub(crate) fn literal_prefix(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map_while(|segment| match segment {
            Segment::Literal(text) => Some(text.as_str()),
            Segment::Parameter(_) => None,
        })
    }

    /// Whether a path, its segments folded by [`fold::key`], is at or below the literal prefix.
    pub(crate) fn literal_prefix_covers(&self, path: &[String]) -> bool {
        let mut path = path.iter();
        let mut prefix = self.literal_prefix();
        prefix.all(|literal| path.next().is_some_and(|it| *it == fold::key(literal)))
    }

    /// Matches a whole path of decoded segments.
    pub(crate) fn fit(&self, path: &[String]) -> Fit {
        if path.len() == self.0.len() {
            self.fit_start(path)
        } else {
            Fit::None
        }
    }

    /// Matches the first segments of a path.
    pub(crate) fn fit_start(&self, path: &[String]) -> Fit {
        if path.len() < self.0.len() {
            return Fit::None;
        }
        let mut parameters = BTreeMap::new();
        let mut exact = true;
        for (segment, given) in self.0.iter().zip(path) {
            match segment {
                Segment::Literal(text) if text == given => {}
                Segment::Literal(text) if fold::same_key(text, given) => {
                    exact = false;
                }
                Segment::Literal(_) => return Fit::None,
                Segment::Parameter(name) => {
                    parameters.insert(name.clone(), given.clone());
                }
            }
        }
        if exact {
            Fit::Exact(parameters)
        } else {
            Fit::OtherCase
        }
    }

    /// The number of segments.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether this template is more literal than another that fits the same path, segment by
    /// segment.
    pub(crate) fn more_literal_than(&self, other: &Self) -> bool {
        for (mine, theirs) in self.0.iter().zip(&other.0) {
            match (mine, theirs) {
                (Segment::Literal(_), Segment::Parameter(_)) => return true,
                (Segment::Parameter(_), Segment::Literal(_)) => return false,
                _ => {}
            }
        }
        false
    }

    /// Returns the path with one already encoded value in place of every parameter, without a
    /// trailing slash.
    pub(crate) fn fill(&self, value: &str) -> String {
        self.0.iter().fold(String::new(), |mut path, segment| {
            path.push('/');
            path.push_str(match segment {
                Segment::Literal(text) => text,
                Segment::Parameter(_) => value,
            });
            path
        })
    }
}

impl std::fmt::Display for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return f.write_str("/");
        }
        for segment in &self.0 {
            match segment {
                Segment::Literal(text) => write!(f, "/{text}")?,
                Segment::Parameter(name) => write!(f, "/{{{name}}}")?,
            }
        }
        Ok(())
    }
}
