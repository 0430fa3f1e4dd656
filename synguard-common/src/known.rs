//! A small filter before the records: does this source have one?
//!
//! To look in vain into a full LRU map costs some 150 ns of cache misses, and in a
//! flood of new sources every SYN does. So each record sets a bit, at a hash of its
//! source, in an array that stays in the processor's cache.
//!
//! Where a record is, its bit is set, unless another CPU set one of the same word at
//! the same instant, or the controller renewed the bits as the record was made; the
//! source then looks new until its next SYN or, in a flood, a few more. Bits of
//! records that are gone stay until then, and cost a lookup each.

/// Words of the filter: 128 KiB.
pub const WORDS: u32 = 1 << 14;

/// Where the bit of the source with this hash is: a word, and the bit in it.
#[inline(always)]
pub const fn place(hash: u64) -> (u32, u64) {
    ((hash >> 50) as u32 & (WORDS - 1), 1 << ((hash >> 44) & 63))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source;

    #[test]
    fn neighbours_spread_over_all_bits() {
        let mut words = [0_u64; WORDS as usize];
        for last in 0..49_152_u32 {
            let (word, bit) = place(source::hash([0, 0, 0xffff_0000, last.to_be()], 42));
            if let Some(word) = words.get_mut(word as usize) {
                *word |= bit;
            }
        }
        let set: u32 = words.iter().map(|word| word.count_ones()).sum();
        // 1 - e^(-49152 / 2^20) of 2^20, when they fall at random.
        assert!((47_000..49_000).contains(&set), "{set}");
    }
}
