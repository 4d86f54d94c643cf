//! The values of a part, from every place where its route looks for them. An empty value counts as
//! absent; one that is blank, too long or ambiguous is refused.

use super::body::{self, pointers};
use super::parts::Parts;
use crate::json::{Json, pointer_tokens};
use crate::plain::{LONGEST_NAME, PlainName, Unclear, is_blank, is_plain_email, is_too_long};
use crate::policy::Source;
use crate::route::management::{disagree, unclear};
use crate::rules::{Refusal, body as body_rules, route, scim as scim_rules};

impl Parts<'_> {
    /// The name of a user or group. People's names contain spaces, and marks that join letters.
    pub(super) fn name(&self) -> Result<Option<String>, Refusal> {
        let name = self.text(&self.matched.route.name, "name")?;
        if let Some(name) = &name
            && (is_blank(name) || name.chars().any(char::is_control))
        {
            return Err(route::AMBIGUOUS_QUERY.because(
                "The name contains a control character, or nothing visible. Send a readable name, or leave it out.",
            ));
        }
        Ok(name)
    }

    pub(super) fn id(&self, sources: &[Source], name: &str) -> Result<Option<PlainName>, Refusal> {
        PlainName::read(self.text(sources, name)?).map_err(|Unclear| unclear(name, sources))
    }

    pub(super) fn email(&self) -> Result<Option<String>, Refusal> {
        let sources = &self.matched.route.email;
        email(self.text(sources, "email")?).map_err(|Unclear| unclear("email", sources))
    }

    /// The ids of a part that may have several.
    pub(super) fn ids(&self, sources: &[Source], name: &str) -> Result<Vec<String>, Refusal> {
        let id = |text| Ok(PlainName::read(text)?.map(String::from));
        self.values(sources, name, id)
    }

    /// The e-mails of all users to create.
    pub(super) fn emails(&self) -> Result<Vec<String>, Refusal> {
        self.values(&self.matched.route.email, "email", email)
    }

    /// The only value of a part; all sources must agree.
    pub(super) fn text(&self, sources: &[Source], name: &str) -> Result<Option<String>, Refusal> {
        let mut found = self.matched.outside_body(sources, self.request, name)?;
        for pointer in pointers(sources) {
            for value in self.in_body(pointer)? {
                let text = match value {
                    Json::Null => continue,
                    Json::String(text) => text.clone(),
                    other => {
                        return Err(body_rules::SYNTAX.because(format!(
                            "{pointer} in the body must be a string, not {}.",
                            other.kind()
                        )));
                    }
                };
                if found.as_ref().is_some_and(|other| *other != text) {
                    return Err(disagree(name, sources));
                }
                if found.is_none() && !text.is_empty() && self.may_be_overlooked(sources) {
                    return Err(in_body_alone(name, pointer));
                }
                found = Some(text);
            }
        }
        if let Some(value) = &found {
            not_too_long(value, name)?;
        }
        Ok(found.filter(|text| !text.is_empty()))
    }

    /// Whether applications may ignore the body, because the edit's values are all outside it.
    fn may_be_overlooked(&self, sources: &[Source]) -> bool {
        let is_outside = |source: &Source| !matches!(source, Source::Body(_) | Source::Answer(_));
        !self.matched.route.needs_body() && sources.iter().any(is_outside)
    }

    /// The values of a part that may have several, each read by `read`. A text counts as a list of
    /// one.
    fn values(
        &self,
        sources: &[Source],
        name: &str,
        read: impl Fn(Option<String>) -> Result<Option<String>, Unclear>,
    ) -> Result<Vec<String>, Refusal> {
        let read = |text| read(text).map_err(|Unclear| unclear(name, sources));
        let outside = self.matched.outside_body(sources, self.request, name)?;
        let mut all: Vec<String> = read(outside)?.into_iter().collect();
        for pointer in pointers(sources) {
            let wrong = |what: &str| {
                body_rules::SYNTAX.because(format!(
                    "{pointer} in the body must be a list of strings, not {what}."
                ))
            };
            let element = |value: &Json| -> Result<String, Refusal> {
                let text = value.as_str().ok_or_else(|| wrong(value.kind()))?;
                not_too_long(text, name)?;
                let value = read(Some(text.to_owned()))?;
                value.ok_or_else(|| wrong("a list with an empty one"))
            };
            let names_elements = pointer_tokens(pointer).any(|token| token == "*");
            for value in self.in_body(pointer)? {
                match value {
                    Json::Null if !names_elements => {}
                    Json::String(text) if text.is_empty() && !names_elements => {}
                    Json::Array(elements) if !names_elements => {
                        for value in elements {
                            all.push(element(value)?);
                        }
                    }
                    value => all.push(element(value)?),
                }
            }
        }
        Ok(all)
    }

    fn in_body(&self, pointer: &str) -> Result<Vec<&Json>, Refusal> {
        match self.body {
            Some(body) => body::values(body, pointer),
            None => Ok(Vec::new()),
        }
    }
}

fn email(text: Option<String>) -> Result<Option<String>, Unclear> {
    match text.filter(|text| !text.is_empty()) {
        Some(text) if !is_plain_email(&text) => Err(Unclear),
        text => Ok(text),
    }
}

/// The refusal of a part that only the body names although the application may ignore the body.
fn in_body_alone(name: &str, pointer: &str) -> Refusal {
    route::AMBIGUOUS_QUERY.because(format!(
        "The request names the {name} only in its body ({pointer}), which the application may ignore here. Name it outside the body too."
    ))
}

fn not_too_long(value: &str, name: &str) -> Result<(), Refusal> {
    if is_too_long(value) {
        return Err(scim_rules::SCHEMA_INVALID_VALUE.because(format!(
            "The {name} is longer than {LONGEST_NAME} characters. Send a shorter one."
        )));
    }
    Ok(())
}
