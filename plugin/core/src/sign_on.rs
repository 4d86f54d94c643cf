//! Which of an identity provider's app integrations signs a user in. The guarded product may have
//! two, FirstGen's and NextGen's. If FirstGen's exists, it authenticates all users, so users who
//! are assigned only to NextGen's cannot sign in (its documentation, "FirstGen and NextGen app
//! integrations").

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

/// The result of a user's sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignOn {
    /// The user's e-mail, as asked.
    pub email: String,
    /// The integration that authenticates; `None` if there is none.
    pub integration: Option<Integration>,
    /// Whether the user gets in.
    pub allowed: bool,
    /// The reason, and what to do about it.
    pub detail: String,
}

/// Finds the integration that authenticates a user, and whether the user gets in. An integration is
/// the list of the e-mails that are assigned to it; `None` means that it does not exist, while an
/// empty list does.
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
