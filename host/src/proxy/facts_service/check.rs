//! Checks, part by part, whether the facts service would start with a configuration, and how long
//! its certificates are valid.

use std::path::Path;

use anyhow::Context as _;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use super::access::{Gateways, hashes};
use super::tls;
use crate::config::{Gateway, Proof, Tls};

/// Whether a gateway's secret or certificate can be used.
pub(crate) fn proof(gateway: &Gateway) -> anyhow::Result<()> {
    match &gateway.proof {
        Proof::Secret(source) => hashes(source).map(drop),
        Proof::Certificate(_) => Ok(()),
    }
}

/// Whether no two gateways authenticate alike.
pub(crate) fn together(gateways: &[Gateway]) -> anyhow::Result<()> {
    Gateways::read(gateways).map(drop)
}

/// Whether the TLS settings can be used.
pub(crate) fn encryption(config: &Tls) -> anyhow::Result<()> {
    tls::acceptor(config).map(drop)
}

/// When the first certificate of a file expires, in milliseconds since 1970.
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
