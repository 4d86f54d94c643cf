//! Whether the facts service would start with a configuration, part by part, and how long its
//! certificates are good.

use std::path::Path;

use anyhow::Context as _;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use super::access::{Gateways, hashes};
use super::tls;
use crate::config::{Gateway, Proof, Tls};

/// Whether what a gateway proves itself with can be used.
pub(crate) fn proof(gateway: &Gateway) -> anyhow::Result<()> {
    match &gateway.proof {
        Proof::Secret(source) => hashes(source).map(drop),
        Proof::Certificate(_) => Ok(()),
    }
}

/// Whether gateways can be told apart.
pub(crate) fn together(gateways: &[Gateway]) -> anyhow::Result<()> {
    Gateways::read(gateways).map(drop)
}

/// Whether connections can be encrypted.
pub(crate) fn encryption(config: &Tls) -> anyhow::Result<()> {
    tls::acceptor(config).map(drop)
}

/// When the first of a file's certificates ends, in milliseconds since 1970.
pub(crate) fn end(file: &Path) -> anyhow::Result<u64> {
    let ends = tls::certificates(file)?.into_iter().map(|certificate| {
        let (_, certificate) = X509Certificate::from_der(&certificate)
            .with_context(|| format!("in {}", file.display()))?;
        let seconds = certificate.validity().not_after.timestamp();
        anyhow::Ok(
            u64::try_from(seconds)
                .unwrap_or_default()
                .saturating_mul(1000),
        )
    });
    let ends = ends.collect::<anyhow::Result<Vec<_>>>()?;
    Ok(ends.into_iter().min().unwrap_or_default())
}
