//! Whether a public key is sound: only the holder of its private key can make its signatures, and they
//! are cheap to verify. An issuer may publish anything, and the libraries that verify check little.

use anyhow::{Context, bail};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::traits::IsIdentity;

/// A shorter modulus can be factored (NIST SP 800-131A); a longer one costs more than it protects.
pub(super) const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A longer exponent only costs time (NIST SP 800-56B allows 256 bits, no issuer uses more than 17).
const EXPONENT_BYTES: usize = 4;

/// Divisors up to this one are tried (NIST SP 800-89 §5.3.3).
const SMALL: u32 = 752;

/// The curves of ES256 and ES384.
#[derive(Clone, Copy)]
pub(super) enum Curve {
    P256,
    P384,
}

/// Checks an RSA key (RFC 7518 §6.3.1); returns bytes that identify it.
pub(super) fn rsa(modulus: &str, exponent: &str) -> anyhow::Result<Vec<u8>> {
    let modulus = number(modulus).context("its modulus is not base64url")?;
    let exponent = number(exponent).context("its exponent is not base64url")?;
    let bits = bits(&modulus);
    if bits < *RSA_BITS.start() {
        bail!(
            "its modulus has {bits} bits, fewer than {}",
            RSA_BITS.start()
        );
    }
    if bits > *RSA_BITS.end() {
        bail!("its modulus has {bits} bits, more than {}", RSA_BITS.end());
    }
    if let Some(divisor) = (2..=SMALL).find(|divisor| remainder(&modulus, *divisor) == 0) {
        bail!("its modulus can be divided by {divisor}");
    }
    let is_odd = exponent.last().is_some_and(|last| last % 2 == 1);
    match exponent.as_slice() {
        [] | [1] => bail!(
            "its exponent is {}: everything is a signature",
            exponent.len()
        ),
        _ if !is_odd => bail!("its exponent is even"),
        long if long.len() > EXPONENT_BYTES => {
            bail!("its exponent has more than {} bits", 8 * EXPONENT_BYTES)
        }
        _ => {}
    }
    let components = RsaPublicKeyComponents {
        n: &modulus,
        e: &exponent,
    };
    components
        .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
        .ok()
        .context("its numbers are not an RSA key")?;
    Ok([modulus, exponent].concat())
}

/// Checks a point of a NIST curve (RFC 7518 §6.2.1).
pub(super) fn ec(curve: Curve, x: &str, y: &str) -> anyhow::Result<Vec<u8>> {
    let (length, algorithm) = match curve {
        Curve::P256 => (32, &ECDSA_P256_SHA256_FIXED),
        Curve::P384 => (48, &ECDSA_P384_SHA384_FIXED),
    };
    let coordinate = |text: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        bytes
            .filter(|bytes| bytes.len() == length)
            .with_context(|| format!("its coordinates are not {length} bytes in base64url"))
    };
    // Uncompressed, as in SEC 1 §2.3.3.
    let point = [vec![4], coordinate(x)?, coordinate(y)?].concat();
    ParsedPublicKey::new(algorithm, &point)
        .ok()
        .context("its point is not on its curve")?;
    Ok(point)
}

/// Checks a point of Ed25519 (RFC 8032 §5.1.2, RFC 8037 §2). With a point of small order, one
/// signature fits every message; no proper key has a component of small order.
pub(super) fn ed25519(x: &str) -> anyhow::Result<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(x).ok();
    let bytes: [u8; 32] = bytes
        .and_then(|bytes| bytes.try_into().ok())
        .context("its point is not 32 bytes in base64url")?;
    let point = CompressedEdwardsY(bytes)
        .decompress()
        .context("its point is not on its curve")?;
    if point.compress().to_bytes() != bytes {
        bail!("its point is not canonically encoded");
    }
    if point.is_small_order() || point.is_identity() {
        bail!("its point has a small order: one signature fits many messages");
    }
    if !point.is_torsion_free() {
        bail!("its point is outside the group that keys are made in");
    }
    Ok(bytes.to_vec())
}

/// A number without its leading zeros.
fn number(text: &str) -> anyhow::Result<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    Ok(bytes.into_iter().skip(zeros).collect())
}

fn bits(number: &[u8]) -> usize {
    let unused = number.first().map_or(0, |byte| byte.leading_zeros());
    (number.len() * 8).saturating_sub(unused as usize)
}

fn remainder(number: &[u8], divisor: u32) -> u32 {
    number
        .iter()
        .fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % divisor)
}
