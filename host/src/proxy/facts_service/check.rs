//! Checks, part by part, whether the facts service would start with a configuration.

use super::access::{Gateways, hashes};
use crate::config::{Gateway, Proof};

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
