//! How many connections there may be.

use std::num::NonZeroUsize;

use serde::Deserialize;

/// Limits of the address of clients and, apart from it, of the facts service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Connections {
    /// In all. Absent: what the process may have open files for, at most 8192.
    pub most: Option<NonZeroUsize>,
    /// From one address, or one /64 of IPv6, that is no trusted proxy. Absent: a quarter of them.
    pub per_address: Option<NonZeroUsize>,
}
