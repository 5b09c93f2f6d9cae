//! A hash whose value is part of what is programmed.
//!
//! Numbers derived from names must be the same after a restart and on every build, which the
//! standard library's hashers do not promise.

/// 64-bit FNV-1a (Fowler, Noll, Vo).
pub(crate) fn fnv1a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// A hash of which every bit depends on every byte, as draws of lots need it; the last bytes reach
/// few bits of FNV-1a alone (the finalizer of MurmurHash3).
pub(crate) fn lot(bytes: &[u8]) -> u64 {
    let fold = |hash: u64| hash ^ (hash >> 33);
    let hash = fold(fnv1a(bytes)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    fold(fold(hash).wrapping_mul(0xc4ce_b9fe_1a85_ec53))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        // Of the authors' test vectors.
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
