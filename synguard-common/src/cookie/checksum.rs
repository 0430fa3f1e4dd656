//! The internet checksum (RFC 1071).

/// The sum of words in host byte order, not folded yet. Room for billions.
#[inline(always)]
pub(super) fn sum<const N: usize>(words: &[u32; N]) -> u64 {
    let mut sum = 0_u64;
    for word in words {
        sum = sum.wrapping_add(u64::from(*word));
    }
    sum
}

/// The checksum for what was summed with zeros in the checksum's place.
#[inline(always)]
pub(super) const fn folded(sum: u64) -> u32 {
    let sum = (sum & 0xffff_ffff).wrapping_add(sum >> 32);
    let sum = (sum & 0xffff)
        .wrapping_add((sum >> 16) & 0xffff)
        .wrapping_add(sum >> 32);
    let sum = (sum & 0xffff).wrapping_add(sum >> 16);
    let sum = (sum & 0xffff).wrapping_add(sum >> 16);
    (!sum & 0xffff) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071() {
        // Section 3 sums these to ddf2.
        let words = [0x0001_f203, 0xf4f5_f6f7];
        assert_eq!(folded(sum(&words)), !0xddf2 & 0xffff);
    }

    #[test]
    fn carries_are_added_back() {
        for (words, expected) in [
            ([0, 0], 0xffff),
            ([u32::MAX, u32::MAX], 0),
            ([0xffff_ffff, 1], 0xfffe),
            ([0x8000_0000, 0x8000_0000], 0xfffe),
        ] {
            assert_eq!(folded(sum(&words)), expected, "{words:x?}");
        }
    }
}
