//! TLS on an address: `[tls]`, `[admin_tls]` and `[facts.tls]`.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The files of an address, in PEM.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    /// Its certificate and the intermediates, without the root.
    pub(crate) certificate: PathBuf,
    /// Its private key.
    pub(crate) key: PathBuf,
    /// The CA of clients' certificates. Absent: clients need none.
    pub(crate) client_ca: Option<PathBuf>,
}

impl Tls {
    /// Makes paths relative to the configuration.
    pub(super) fn place(&mut self, folder: &Path) {
        let files = [
            Some(&mut self.certificate),
            Some(&mut self.key),
            self.client_ca.as_mut(),
        ];
        for file in files.into_iter().flatten() {
            *file = folder.join(&*file);
        }
    }
}
