//! The origin of a request: the peer of the connection, or what a trusted proxy reports.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;

/// The address that a request comes from. Each proxy appends its peer's address to
/// `X-Forwarded-For`; what precedes the last address that is not a trusted proxy's may be invented.
pub(super) fn of(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    walk(peer, headers, trusted).0
}

/// The number of trusted proxies that a request passed last.
pub(super) fn trusted_hops(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> usize {
    walk(peer, headers, trusted).1
}

fn walk(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> (IpAddr, usize) {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let mut nearest = peer.to_canonical();
    let mut proxies = usize::from(is_trusted(&nearest));
    let hops: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .collect();
    for hop in hops.iter().rev() {
        if !is_trusted(&nearest) {
            break;
        }
        let Some(address) = address(hop.trim()) else {
            break;
        };
        nearest = address.to_canonical();
        proxies += usize::from(is_trusted(&nearest));
    }
    (nearest, proxies)
}

/// With or without a port.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<SocketAddr>().ok().map(|both| both.ip());
    text.parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let trusted: [IpNet; 2] = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let source = |peer: &str, forwarded: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            of(peer.parse().unwrap(), &headers, &trusted).to_string()
        };
        assert_eq!(source("192.0.2.9", &["198.51.100.1"]), "192.0.2.9");
        assert_eq!(source("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(source("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(
            source("::ffff:10.0.0.1", &["198.51.100.1:443"]),
            "198.51.100.1"
        );
        // The client wrote the first one itself.
        assert_eq!(
            source("10.0.0.1", &["127.0.0.1, 198.51.100.1, 10.1.1.1"]),
            "198.51.100.1"
        );
        assert_eq!(
            source("10.0.0.1", &["198.51.100.1", "10.1.1.1"]),
            "198.51.100.1"
        );
        assert_eq!(source("fd00::1", &["2001:db8::1"]), "2001:db8::1");
        assert_eq!(source("10.0.0.1", &["unknown, 10.1.1.1"]), "10.1.1.1");
    }
}
