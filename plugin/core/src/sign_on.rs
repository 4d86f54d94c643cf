//! Which of an identity provider's app integrations signs a user in? The guarded product may have
//! two, FirstGen's and NextGen's. If FirstGen's exists it is the one that authenticates, also those
//! who are assigned to NextGen's alone, and so they cannot sign in (its documentation, "FirstGen and
//! NextGen app integrations").

use serde::Serialize;

use crate::fold;

/// An app integration of the identity provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Integration {
    /// Of the product's first generation.
    FirstGen,
    /// Of its second.
    NextGen,
}

/// What becomes of a user who signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignOn {
    /// Who signs in, as asked.
    pub email: String,
    /// The integration that authenticates; `None` if there is none.
    pub integration: Option<Integration>,
    /// The user gets in.
    pub allowed: bool,
    /// Why, and what to do about it.
    pub detail: String,
}

/// Tells who authenticates a user, and whether the user gets in. An integration is the list of the
/// e-mails that are assigned to it; `None` does not exist, while an empty one does.
#[must_use]
pub fn sign_on(firstgen: Option<&[String]>, nextgen: Option<&[String]>, email: &str) -> SignOn {
    let wanted = fold(email);
    let assigned = |emails: &[String]| emails.iter().any(|email| fold(email) == wanted);
    let (integration, allowed) = match (firstgen, nextgen) {
        (Some(emails), _) => (Some(Integration::FirstGen), assigned(emails)),
        (None, Some(emails)) => (Some(Integration::NextGen), assigned(emails)),
        (None, None) => (None, false),
    };
    let only_in_nextgen = !allowed && firstgen.is_some() && nextgen.is_some_and(assigned);
    let detail = match (integration, allowed) {
        (None, _) => format!(
            "There is no app integration that could authenticate {email}: create one in the \
             identity provider and assign the user to it."
        ),
        (Some(integration), true) => {
            format!(
                "{email} is assigned to the {integration} app integration, which authenticates."
            )
        }
        (Some(_), false) if only_in_nextgen => format!(
            "Both app integrations exist, so FirstGen's authenticates, and {email} is assigned to \
             NextGen's alone: add the user to the FirstGen app integration."
        ),
        (Some(integration), false) => format!(
            "{email} is not assigned to the {integration} app integration, which authenticates: add \
             the user to it."
        ),
    };
    SignOn {
        email: email.to_owned(),
        integration,
        allowed,
        detail,
    }
}

impl std::fmt::Display for Integration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::FirstGen => "FirstGen",
            Self::NextGen => "NextGen",
        })
    }
}
