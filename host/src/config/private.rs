//! The files with secrets, which only the guard's user should be able to read.

use std::path::Path;

use super::{Config, Means, PermissionService, Permissions, Proof};

impl Config {
    /// Every file with a secret.
    pub(crate) fn secret_files(&self) -> Vec<&Path> {
        let introspections = self
            .issuers
            .iter()
            .filter_map(|issuer| match &issuer.means {
                Means::Introspection(introspection) => Some(&introspection.client_secret),
                Means::Keys(_) => None,
            });
        let permissions = match &self.permissions {
            Some(Permissions::Service(PermissionService { credential, .. })) => credential.as_ref(),
            _ => None,
        };
        let credentials = self.backend_credential.iter().chain(permissions);
        let gateways = self.facts.iter().flat_map(|facts| &facts.gateways);
        let gateways = gateways.filter_map(|gateway| match &gateway.proof {
            Proof::Secret(secret) => Some(secret),
            Proof::Certificate(_) => None,
        });
        let tls = self.certificates().map(|(_, files)| files);
        self.admin_token
            .iter()
            .map(|token| token.secret())
            .chain(credentials.map(|source| source.secret()))
            .chain(introspections)
            .chain(gateways)
            .filter_map(|secret| secret.file())
            .chain(tls.map(|tls| tls.key.as_path()))
            .collect()
    }
}
