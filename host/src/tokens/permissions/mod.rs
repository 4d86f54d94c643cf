//! The rights of principals that the guard's own store does not know: from a document, or from the
//! application's own service.

mod document;
mod service;

use std::path::Path;

use scimguard_core::facts::Principal;

use self::document::Document;
use self::service::PermissionService;
use super::watched::Watched;
use crate::config;

/// Where rights come from.
pub(crate) enum Permissions {
    Document(Watched<Document>),
    Service(Box<PermissionService>),
}

/// What is known of a principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Its rights now.
    Rights(Rights),
    /// There is no such principal.
    Nobody,
    /// It cannot be found out now.
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

    /// The rights of a principal.
    pub(crate) async fn of(&self, account: &str, principal: &str) -> Told {
        match self {
            Self::Document(file) => match file.content() {
                Some(document) => document.of(account, principal),
                None => Told::Unavailable,
            },
            Self::Service(service) => service.of(account, principal).await,
        }
    }

    /// The rights of a principal as they are told now, or why they are not.
    pub(crate) async fn tried(&self, account: &str, principal: &str) -> anyhow::Result<Told> {
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
