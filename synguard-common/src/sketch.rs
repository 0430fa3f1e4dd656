//! A count-min sketch of SYNs: which sources are worth a record?
//!
//! Putting a source into the LRU map costs some 600 ns and may push another one
//! out, so a flood of spoofed sources, each seen once, must not get there. The
//! sketch costs some 10 ns and never forgets an offender.
//!
//! Guarantees, within one epoch (Cormode and Muthukrishnan, "An improved data
//! stream summary: the count-min sketch and its applications", 2005, theorem 1,
//! with [`ROWS`] = 2 and [`COLUMNS`] = 2^19):
//!
//! - an estimate is never below the true count;
//! - it exceeds the true count by more than e·N/[`COLUMNS`], N being all SYNs
//!   added in the epoch, with a probability of at most e^-2, about 0.14.
//!
//! Void where two CPUs add to one cell at the same instant: an addition may then
//! be lost, which delays a source's record by one SYN.

use crate::source::SourceKey;

/// Independent rows.
pub const ROWS: usize = 2;
/// Cells in a row; a power of two.
pub const COLUMNS: u32 = 1 << 19;
/// Cells in all.
pub const CELLS: u32 = COLUMNS * ROWS as u32;

/// How many bits of a cell count; the others hold the epoch.
const COUNT_BITS: u32 = 20;
const COUNT: u32 = (1 << COUNT_BITS) - 1;

/// Where a source's cells are, one in each row.
///
/// `seed` is drawn at attach, so that nobody outside can choose sources that
/// share their cells with a victim's.
#[inline(always)]
pub const fn places(source: SourceKey, seed: u64) -> [u32; ROWS] {
    let [a, b, c, d] = source;
    let hash = mix(seed ^ (a as u64) << 32 ^ b as u64);
    let hash = mix(hash ^ (c as u64) << 32 ^ d as u64);
    [
        hash as u32 & (COLUMNS - 1),
        COLUMNS | (hash >> 32) as u32 & (COLUMNS - 1),
    ]
}

/// The finalizer of MurmurHash3 (Appleby), which lets every bit change half of
/// the others.
#[inline(always)]
const fn mix(word: u64) -> u64 {
    let word = (word ^ word >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let word = (word ^ word >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    word ^ word >> 33
}

/// A cell after one more SYN in `epoch`: a cell of another epoch starts anew.
#[inline(always)]
pub const fn bumped(cell: u32, epoch: u32) -> u32 {
    match count(cell, epoch) {
        0 => epoch << COUNT_BITS | 1,
        COUNT => cell,
        _ => cell.wrapping_add(1),
    }
}

/// What a cell has counted in `epoch`.
#[inline(always)]
pub const fn count(cell: u32, epoch: u32) -> u32 {
    if cell >> COUNT_BITS == epoch & !0 >> COUNT_BITS {
        cell & COUNT
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_counts_within_its_epoch_only() {
        let cell = bumped(bumped(0, 7), 7);
        assert_eq!(count(cell, 7), 2);
        assert_eq!(count(cell, 8), 0);
        assert_eq!(count(bumped(cell, 8), 8), 1);
        assert_eq!(count(bumped(0, u32::MAX), u32::MAX), 1);
    }

    #[test]
    fn a_full_cell_stays_full() {
        let full = 3 << COUNT_BITS | COUNT;
        assert_eq!(bumped(full, 3), full);
    }

    #[test]
    fn places_are_in_their_rows() {
        for source in 0..1000 {
            let [first, second] = places([0, 0, 0, source], 42);
            assert!(first < COLUMNS && (COLUMNS..CELLS).contains(&second));
        }
    }

    #[test]
    fn the_seed_moves_everything() {
        assert_ne!(places([1, 2, 3, 4], 1), places([1, 2, 3, 4], 2));
    }
}
