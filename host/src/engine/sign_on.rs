//! The sign-on check, native or of a plugin. Foreign policies may lack it.

use scimguard_core::sign_on::{Integration, SignOn};

use super::runtime::Deadline;
use super::sandbox::Plugin;
use super::{Fault, LoadError};

/// The sign-on check as Rust types, generated from `wit/sign-on.wit`.
mod wit {
    pub(super) use self::bindings::LoginCheckPre;
    pub(super) use self::bindings::exports::scimguard::policy::sign_on::Integration;

    mod bindings {
        wasmtime::component::bindgen!({ world: "login-check", path: "../wit" });
    }
}

impl Plugin {
    /// See `check` in `wit/sign-on.wit`.
    ///
    /// # Errors
    /// If the plugin has no such function, or failed.
    pub fn sign_on(
        &self,
        firstgen: Option<&[String]>,
        nextgen: Option<&[String]>,
        email: &str,
    ) -> Result<SignOn, LoadError> {
        let plugin = wit::LoginCheckPre::new(self.instance_pre().clone())
            .map_err(|_| LoadError::NoSignOn)?;
        let mut store = self.store();
        Deadline::Call.set(&mut store);
        let instance = plugin.instantiate(&mut store).map_err(Fault::from)?;
        let login = instance
            .scimguard_policy_sign_on()
            .call_check(&mut store, firstgen, nextgen, email)
            .map_err(Fault::from)?;
        Ok(SignOn {
            email: login.email,
            integration: login.integration.map(|integration| match integration {
                wit::Integration::FirstGen => Integration::FirstGen,
                wit::Integration::NextGen => Integration::NextGen,
            }),
            allowed: login.allowed,
            detail: login.detail,
        })
    }
}
