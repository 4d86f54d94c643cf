//! Limits of connections.

use std::num::NonZeroUsize;

use serde::Deserialize;

/// Limits of the clients' address and, separately, of the facts service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Connections {
    /// In total. Absent: as many as the process may have open files for, at most 8192.
    pub most: Option<NonZeroUsize>,
    /// From one IPv4 address or one IPv6 /64, except trusted proxies. Absent: a quarter of them.
    pub per_address: Option<NonZeroUsize>,
}
