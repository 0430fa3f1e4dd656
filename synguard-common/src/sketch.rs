//! A count-min sketch of SYNs: which sources are worth a record?
//!
//! Putting a source into the LRU map costs some 600 ns and may push another one
//! out, so a flood of spoofed sources, each seen once, must not get there. The
//! sketch costs some 10 ns and never forgets an offender.
//!
//! Guarantees, within one epoch (Cormode and Muthukrishnan, "An improved data
//! stream summary: the count-min sketch and its applications", 2005, theorem 1,
//! with [`ROWS`] = 2 and [`COLUMNS`] = 2^15, which fits a processor's second cache:
//! a larger one is more exact and costs three times as much):
//!
//! - an estimate is never below the true count;
//! - it exceeds the true count by more than e·N/[`COLUMNS`], N being all SYNs
//!   added in the epoch, with a probability of at most e^-2, about 0.14.
//!
//! Void where two CPUs add to one cell at the same instant: an addition may then
//! be lost, which delays a source's record by one SYN.

/// Independent rows.
pub const ROWS: usize = 2;
/// Cells in a row; a power of two.
pub const COLUMNS: u32 = 1 << 15;
/// Cells in all.
pub const CELLS: u32 = COLUMNS * ROWS as u32;

/// How many bits of a cell count; the others hold the epoch.
const COUNT_BITS: u32 = 20;
const COUNT: u32 = (1 << COUNT_BITS) - 1;

/// Where the cells of the source with this hash are, one in each row.
#[inline(always)]
pub const fn places(hash: u64) -> [u32; ROWS] {
    [
        hash as u32 & (COLUMNS - 1),
        COLUMNS | (hash >> 20) as u32 & (COLUMNS - 1),
    ]
}

/// The epoch at `now`, in ticks; one lasts 2 to the power of `shift` ticks.
#[inline(always)]
pub const fn epoch(now: u64, shift: u32) -> u64 {
    now >> (shift & 63)
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

/// A cell as it would be had it counted in another epoch.
pub fn dated(cell: u32, epoch: impl FnOnce(u32) -> u32) -> u32 {
    epoch(cell >> COUNT_BITS) << COUNT_BITS | cell & COUNT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source;

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
        for last in 0..1000 {
            let [first, second] = places(source::hash([0, 0, 0, last], 42));
            assert!(first < COLUMNS && (COLUMNS..CELLS).contains(&second));
        }
    }
}
