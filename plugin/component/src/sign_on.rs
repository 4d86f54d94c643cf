//! The sign-on check for hosts, which needs no configuration or facts.

use scimguard_core::sign_on;

use crate::Component;
use crate::wit::exports::scimguard::policy::sign_on::{Guest, Integration, Login};

impl Guest for Component {
    fn check(
        first_gen: Option<Vec<String>>,
        next_gen: Option<Vec<String>>,
        email: String,
    ) -> Login {
        sign_on::sign_on(first_gen.as_deref(), next_gen.as_deref(), &email).into()
    }
}

impl From<sign_on::SignOn> for Login {
    fn from(known: sign_on::SignOn) -> Self {
        Self {
            email: known.email,
            integration: known.integration.map(|integration| match integration {
                sign_on::Integration::FirstGen => Integration::FirstGen,
                sign_on::Integration::NextGen => Integration::NextGen,
            }),
            allowed: known.allowed,
            detail: known.detail,
        }
    }
}
