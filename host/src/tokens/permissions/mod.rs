//! The rights of principals that the guard's own store does not have: from a document, or from the
//! application's own service.

mod document;
mod service;

use std::path::Path;

use scimguard_core::facts::Principal;

use self::document::Document;
use self::service::PermissionService;
use super::watched::Watched;
use crate::config;

/// The source of rights.
pub(crate) enum Permissions {
    Document(Watched<Document>),
    Service(Box<PermissionService>),
}

/// The result of looking up a principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// Its present rights.
    Found(Rights),
    /// There is no such principal.
    Missing,
    /// It cannot be looked up now.
    Unavailable,
}

/// The rights of a principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rights {
    pub(crate) active: bool,
    pub(crate) permissions: Vec<String>,
}

impl Permissions {
    pub(crate) fn new(config: &config::Permissions) -> anyhow::Result<Self> {
        match config {
            config::Permissions::File(file) => Self::document(file),
            config::Permissions::Service(service) => PermissionService::new(service)
                .map(Box::new)
                .map(Self::Service),
        }
    }

    fn document(file: &Path) -> anyhow::Result<Self> {
        Watched::new(file.to_owned(), Document::parse).map(Self::Document)
    }

    /// Looks up the rights of a principal.
    pub(crate) async fn of(&self, account: &str, principal: &str) -> Lookup {
        match self {
            Self::Document(file) => match file.content() {
                Some(document) => document.of(account, principal),
                None => Lookup::Unavailable,
            },
            Self::Service(service) => service.of(account, principal).await,
        }
    }

    /// Looks up the rights of a principal, or says why that fails.
    pub(crate) async fn tried(&self, account: &str, principal: &str) -> anyhow::Result<Lookup> {
        match self {
            Self::Document(_) => Ok(self.of(account, principal).await),
            Self::Service(service) => service.exchange(account, principal).await,
        }
    }
}

impl Rights {
    pub(crate) fn principal(self, account: &str, id: &str) -> Principal {
        Principal {
            account: account.to_owned(),
            id: id.to_owned(),
            active: self.active,
            permissions: self.permissions,
        }
    }
}
