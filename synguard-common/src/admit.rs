//! Which sources get a record.
//!
//! Every new source does while there are few. In a flood of new ones, a source
//! must first have been seen a few times in the sketch's epoch: the records of
//! real offenders are then not pushed out by sources that come once.

use crate::abi::{LivePressure, LiveRecord, Settings};
use crate::decide::Tables;
use crate::sketch::{self, COLUMNS};
use crate::source::{Address, SourceKey};
use crate::verdict::Reason;

/// So often must a source be seen in an epoch, beyond what other sources add to
/// its cells on average.
const SEEN: u64 = 3;

/// The record of a source, made where it deserves one.
///
/// # Errors
///
/// The reason under which a SYN without a record is counted.
#[inline(always)]
pub(crate) fn record<'t, T: Tables>(
    source: Address,
    now: u64,
    settings: &Settings,
    tables: &'t T,
) -> Result<&'t LiveRecord, Reason> {
    if let Some(record) = tables.known(source) {
        return Ok(record);
    }
    if !deserves(source.key(), now, settings, tables) {
        return Err(Reason::SynSketched);
    }
    tables.create(source, now).ok_or(Reason::SynUncounted)
}

#[inline(always)]
fn deserves<T: Tables>(source: SourceKey, now: u64, settings: &Settings, tables: &T) -> bool {
    let Some(pressure) = tables.pressure() else {
        return true;
    };
    let epoch = now >> (settings.epoch_shift & 63);
    if pressure.epoch.get() != epoch {
        restart(pressure, epoch);
    }
    let admitted = pressure.admitted.get();
    if admitted < settings.admissions {
        pressure.admitted.set(admitted.wrapping_add(1));
        return true;
    }
    let sketched = pressure.sketched.get().wrapping_add(1);
    pressure.sketched.set(sketched);
    // What N SYNs leave in a cell is N / COLUMNS on average; twice that is far
    // out in the tail.
    let noise = sketched >> COLUMNS.ilog2();
    seen(source, epoch as u32, settings.seed, tables) > SEEN.wrapping_add(noise.wrapping_mul(2))
}

#[inline(always)]
fn restart(pressure: &LivePressure, epoch: u64) {
    pressure.epoch.set(epoch);
    pressure.admitted.set(0);
    pressure.sketched.set(0);
}

/// Adds a SYN to the sketch and gives the estimate for its source.
#[inline(always)]
fn seen<T: Tables>(source: SourceKey, epoch: u32, seed: u64, tables: &T) -> u64 {
    let [first, second] = sketch::places(source, seed);
    let (first, second) = (bump(first, epoch, tables), bump(second, epoch, tables));
    u64::from(if first < second { first } else { second })
}

#[inline(always)]
fn bump<T: Tables>(place: u32, epoch: u32, tables: &T) -> u32 {
    let Some(cell) = tables.cell(place) else {
        return 0;
    };
    let bumped = sketch::bumped(cell.get(), epoch);
    cell.set(bumped);
    sketch::count(bumped, epoch)
}
