//! Who sent it: addresses as the packet path sees them.
//!
//! All words are as they lie in the packet (network byte order, loaded
//! unchanged), so the kernel swaps nothing.

/// The address that a packet claims to come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// IPv4, mapped: all words are set in either case, since LLVM would
    /// otherwise let the kernel side copy words that never were, which the
    /// verifier refuses. [`Address::v4`] makes one.
    V4(SourceKey),
    /// IPv6.
    V6([u32; 4]),
}

/// The key of a source's record: an IPv6 address, or an IPv4 address mapped
/// into IPv6 (RFC 4291 section 2.5.5.2), which is also how the kernel's
/// handshake tracepoint gives it.
pub type SourceKey = [u32; 4];

/// The word before the IPv4 address in a mapped address: 0x0000ffff.
pub const MAPPED: u32 = u32::from_ne_bytes([0, 0, 0xff, 0xff]);

/// A hash of a source, all of whose bits are fit to choose places by.
///
/// `seed` is drawn at attach, so that nobody outside can choose sources that share
/// their places with a victim's.
#[inline(always)]
pub const fn hash(source: SourceKey, seed: u64) -> u64 {
    let [a, b, c, d] = source;
    let hash = mix(seed ^ (a as u64) << 32 ^ b as u64);
    mix(hash ^ (c as u64) << 32 ^ d as u64)
}

/// The finalizer of MurmurHash3 (Appleby), which lets every bit change half of
/// the others.
#[inline(always)]
const fn mix(word: u64) -> u64 {
    let word = (word ^ word >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let word = (word ^ word >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    word ^ word >> 33
}

/// Which leading bits of an address name one source.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceMask {
    /// For IPv4.
    pub v4: u32,
    /// For IPv6.
    pub v6: [u32; 4],
}

impl SourceMask {
    /// The masks for prefixes of `v4_bits` (0 to 32) and `v6_bits` (0 to 128).
    pub const fn new(v4_bits: u32, v6_bits: u32) -> Self {
        Self {
            v4: word_mask(v4_bits, 0),
            v6: [
                word_mask(v6_bits, 0),
                word_mask(v6_bits, 32),
                word_mask(v6_bits, 64),
                word_mask(v6_bits, 96),
            ],
        }
    }
}

/// The mask for the 32 bits that begin at bit `first` of a prefix of `bits`.
const fn word_mask(bits: u32, first: u32) -> u32 {
    let ones = match bits.saturating_sub(first) {
        0 => return 0,
        n if n >= 32 => 32,
        n => n,
    };
    (u32::MAX << 32_u32.saturating_sub(ones)).to_be()
}

impl Address {
    /// 0.0.0.0.
    pub const UNSPECIFIED: Self = Self::v4(0);

    /// An IPv4 address.
    #[inline(always)]
    pub const fn v4(word: u32) -> Self {
        Self::V4([0, 0, MAPPED, word])
    }

    /// The source that this address is counted under.
    #[inline(always)]
    pub const fn masked(self, mask: &SourceMask) -> Self {
        match self {
            Self::V4([a, b, c, word]) => Self::V4([a, b, c, word & mask.v4]),
            Self::V6([a, b, c, d]) => {
                let [ma, mb, mc, md] = mask.v6;
                Self::V6([a & ma, b & mb, c & mc, d & md])
            }
        }
    }

    /// The key of this source's record.
    #[inline(always)]
    pub const fn key(self) -> SourceKey {
        match self {
            Self::V4(words) | Self::V6(words) => words,
        }
    }

    /// The address behind a key.
    #[inline(always)]
    pub const fn from_key(key: SourceKey) -> Self {
        match key {
            [0, 0, MAPPED, _] => Self::V4(key),
            words => Self::V6(words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_the_leading_bits_in_network_order() {
        for (v4, v6, expected_v4, expected_v6) in [
            (32, 64, 0xffff_ffff_u32, [u32::MAX, u32::MAX, 0, 0]),
            (24, 56, 0xffff_ff00, [u32::MAX, 0xffff_ff00, 0, 0]),
            (0, 128, 0, [u32::MAX; 4]),
            (1, 0, 0x8000_0000, [0; 4]),
            (
                8,
                97,
                0xff00_0000,
                [u32::MAX, u32::MAX, u32::MAX, 0x8000_0000],
            ),
        ] {
            let mask = SourceMask::new(v4, v6);
            assert_eq!(mask.v4, expected_v4.to_be(), "/{v4}");
            assert_eq!(mask.v6, expected_v6.map(u32::to_be), "/{v6}");
        }
    }

    #[test]
    fn the_seed_moves_every_hash() {
        assert_ne!(hash([1, 2, 3, 4], 1), hash([1, 2, 3, 4], 2));
        assert_ne!(hash([1, 2, 3, 4], 1), hash([1, 2, 3, 5], 1));
    }

    #[test]
    fn keys_give_back_their_address() {
        let v4 = Address::v4(u32::from_ne_bytes([5, 39, 90, 132]));
        let v6 = Address::V6([1, 2, 3, 4]);
        assert_eq!(Address::from_key(v4.key()), v4);
        assert_eq!(Address::from_key(v6.key()), v6);
    }
}
