//! Random numbers from the TLS library, for nonces and for the jitter of retries.

use aws_lc_rs::rand;

/// The operating system provides no randomness, so requests cannot be signed.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the operating system provides no randomness")]
pub(crate) struct NoRandomness;

fn bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// A UUID v4, as every JD Cloud SDK uses for `x-jdcloud-nonce`.
pub(crate) fn nonce() -> Result<String, NoRandomness> {
    // RFC 9562, section 5.4: version 4 and variant 10 in their fixed bits.
    let bits = u128::from_be_bytes(bytes()?) & !(0xf000_c000 << 48) | 0x4000_8000 << 48;
    let hex = format!("{bits:032x}");
    Ok([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
}

/// A number in 0..1.
pub(crate) fn fraction() -> f64 {
    bytes().map_or(1.0, |bytes| f64::from(u32::from_be_bytes(bytes)) / (f64::from(u32::MAX) + 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces_are_uuids_of_version_4() {
        let (one, other) = (nonce().unwrap(), nonce().unwrap());
        assert_ne!(one, other);
        for nonce in [one, other] {
            assert_eq!(nonce.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{nonce}");
            assert_eq!(&nonce[14..15], "4", "{nonce}");
            assert!("89ab".contains(&nonce[19..20]), "{nonce}");
        }
    }
}
