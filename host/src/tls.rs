//! TLS on the guard's own addresses. Certificates and keys are read again when their files change.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use anyhow::{Context as _, ensure};
use scimguard_core::sha256_hex;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use crate::config;
use crate::reread::Reread;

/// What clients show on an address with a CA for their certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clients {
    /// A certificate; without one the connection is refused.
    Certified,
    /// A certificate, or a secret in each request.
    CertifiedOrNot,
}

/// TLS on one address.
pub(crate) struct Tls {
    files: config::Tls,
    clients: Clients,
    /// For new connections.
    present: RwLock<Arc<ServerConfig>>,
    /// A hash of the files' contents when they were last read.
    last: Mutex<Option<String>>,
    reread: Reread,
}

/// The contents of the files.
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl Tls {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// With the table and the file.
    pub(crate) fn read(
        table: &'static str,
        files: &config::Tls,
        clients: Clients,
    ) -> anyhow::Result<Arc<Self>> {
        let read = || {
            let contents = Contents::read(files)?;
            anyhow::Ok((contents.hash(), server(files, &contents, clients)?))
        };
        let (hash, server) = read().with_context(|| format!("in {table}"))?;
        Ok(Arc::new(Self {
            files: files.clone(),
            clients,
            present: RwLock::new(Arc::new(server)),
            last: Mutex::new(Some(hash)),
            reread: Reread::new(table),
        }))
    }

    /// Accepts a connection, with the certificates as they are now.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let present = self.present.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&present))
    }

    /// Reads the files again. If they cannot be used, the previous ones stay in use.
    pub(crate) fn refresh(&self) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let read = Contents::read(&self.files);
        let hash = read.as_ref().ok().map(Contents::hash);
        if hash.is_some() && *last == hash {
            return;
        }
        *last = hash;
        let server = read.and_then(|contents| server(&self.files, &contents, self.clients));
        if let Some(server) = self.reread.usable(server) {
            let mut present = self.present.write().unwrap_or_else(PoisonError::into_inner);
            *present = Arc::new(server);
            self.reread.replaced();
        }
    }

    /// Whether the files could be used when they were last read.
    pub(crate) fn reread(&self) -> &Reread {
        &self.reread
    }
}

impl Contents {
    fn read(files: &config::Tls) -> anyhow::Result<Self> {
        let read = |file: &Path| {
            std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))
        };
        Ok(Self {
            certificate: read(&files.certificate)?,
            key: read(&files.key)?,
            client_ca: files.client_ca.as_deref().map(read).transpose()?,
        })
    }

    fn hash(&self) -> String {
        let ca = self.client_ca.as_deref().unwrap_or_default();
        let hashes = [&self.certificate, &self.key, ca].map(sha256_hex);
        hashes.concat()
    }
}

/// Whether the files can be used.
///
/// # Errors
/// With the file.
pub(crate) fn check(files: &config::Tls) -> anyhow::Result<()> {
    let contents = Contents::read(files)?;
    server(files, &contents, Clients::Certified).map(drop)
}

/// When the first certificate of a file expires, in milliseconds since 1970.
///
/// # Errors
/// If the file cannot be read, or has no certificate.
pub(crate) fn first_end(file: &Path) -> anyhow::Result<u64> {
    let contents =
        std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let ends = certificates(file, &contents)?
        .into_iter()
        .map(|certificate| {
            let (_, certificate) = X509Certificate::from_der(&certificate)
                .with_context(|| format!("in {}", file.display()))?;
            let seconds = certificate.validity().not_after.timestamp();
            let seconds = u64::try_from(seconds).unwrap_or_default();
            anyhow::Ok(seconds.saturating_mul(1000))
        });
    let ends = ends.collect::<anyhow::Result<Vec<_>>>()?;
    Ok(ends.into_iter().min().unwrap_or_default())
}

fn server(
    files: &config::Tls,
    contents: &Contents,
    clients: Clients,
) -> anyhow::Result<ServerConfig> {
    let provider = Arc::new(default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let builder = match (&files.client_ca, &contents.client_ca) {
        (Some(file), Some(contents)) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(file, contents)? {
                roots
                    .add(certificate)
                    .with_context(|| format!("in {}", file.display()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = match clients {
                Clients::Certified => verifier,
                Clients::CertifiedOrNot => verifier.allow_unauthenticated(),
            };
            let verifier = verifier
                .build()
                .with_context(|| format!("in {}", file.display()))?;
            builder.with_client_cert_verifier(verifier)
        }
        _ => builder.with_no_client_auth(),
    };
    let chain = certificates(&files.certificate, &contents.certificate)?;
    let key = PrivateKeyDer::from_pem_slice(&contents.key)
        .with_context(|| format!("cannot read the key {}", files.key.display()))?;
    let mut server = builder
        .with_single_cert(chain, key)
        .with_context(|| format!("in {}", files.certificate.display()))?;
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(server)
}

fn certificates(file: &Path, contents: &[u8]) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(contents).collect();
    let certificates =
        read.with_context(|| format!("cannot read the certificates in {}", file.display()))?;
    ensure!(
        !certificates.is_empty(),
        "{} has no certificate",
        file.display()
    );
    Ok(certificates)
}
