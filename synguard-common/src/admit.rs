//! Which sources get a record.
//!
//! Every new source does while there are few. In a flood of new ones, a source
//! must first have been seen a few times in the sketch's epoch: the records of
//! real offenders are then not pushed out by sources that come once. Admissions are
//! forgiven slowly, or a slow flood would push them out all the same.

use core::cell::Cell;

use crate::abi::{LivePressure, LiveRecord, Settings};
use crate::decide::Tables;
use crate::known;
use crate::sketch::{self, COLUMNS};
use crate::source::{self, Address, SourceKey, SourceMask};
use crate::verdict::Reason;

/// So often must a source be seen in an epoch, beyond what other sources add to
/// its cells on average.
const SEEN: u64 = 3;

/// One source in 2 to the power of this many stands for all where SYNs are counted
/// by sample.
const SAMPLE_BITS: u32 = 5;

/// What one network is to [`may_answer`]: the least that is announced to the whole
/// internet.
pub const NETWORK: SourceMask = SourceMask::new(24, 48);

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
    let hash = source::hash(source.key(), settings.seed);
    let (word, bit) = known::place(hash);
    let bits = tables.known_bits(word).ok_or(Reason::SynUncounted)?;
    if bits.get() & bit != 0
        && let Some(record) = tables.known(source)
    {
        return Ok(record);
    }
    if !deserves(hash, now, settings, tables) {
        return Err(Reason::SynSketched);
    }
    let record = tables.create(source, now).ok_or(Reason::SynUncounted)?;
    // Another CPU may set another bit of the word at the same instant: then one
    // of the two sources looks new once more.
    bits.set(bits.get() | bit);
    if let Some(pressure) = tables.pressure() {
        tables.add(&pressure.created, 1);
    }
    Ok(record)
}

/// Tells the controller of a source over its rate, unless it has been told of
/// many already.
#[inline(always)]
pub(crate) fn report<T: Tables>(source: Address, now: u64, settings: &Settings, tables: &T) {
    let Some(pressure) = present(now, settings, tables) else {
        return;
    };
    let events = pressure.events.get();
    if events < u64::from(settings.events) {
        pressure.events.set(events.wrapping_add(1));
        tables.report(source, now);
    }
}

/// Whether one more SYN from there may be answered with a cookie, which is then
/// counted. CPUs that ask at the same time may count as one.
///
/// Networks are counted in the sketch beside the sources, with places of their own.
#[inline(always)]
pub fn may_answer<T: Tables>(client: Address, now: u64, settings: &Settings, tables: &T) -> bool {
    let Some(pressure) = present(now, settings, tables) else {
        return false;
    };
    if pressure.answered.get() >= u64::from(settings.answers) {
        return false;
    }
    sample(
        source::hash(client.key(), settings.seed),
        &pressure.answered,
    );
    let network = source::hash(client.masked(&NETWORK).key(), !settings.seed);
    let epoch = pressure.epoch.get() as u32;
    let most = noise(pressure).wrapping_add(u64::from(settings.answers_each));
    seen(network, epoch, tables) <= most
}

/// The record of a source that has one.
#[inline(always)]
pub(crate) fn known<'t, T: Tables>(
    source: Address,
    settings: &Settings,
    tables: &'t T,
) -> Option<&'t LiveRecord> {
    let (word, bit) = known::place(source::hash(source.key(), settings.seed));
    if tables.known_bits(word)?.get() & bit == 0 {
        return None;
    }
    tables.known(source)
}

#[inline(always)]
fn deserves<T: Tables>(hash: u64, now: u64, settings: &Settings, tables: &T) -> bool {
    let Some(pressure) = present(now, settings, tables) else {
        return true;
    };
    let admitted = pressure.admitted.get();
    if admitted < settings.admissions {
        pressure.admitted.set(admitted.wrapping_add(1));
        return true;
    }
    sample(hash, &pressure.sketched);
    let epoch = pressure.epoch.get() as u32;
    seen(hash, epoch, tables) > SEEN.wrapping_add(noise(pressure))
}

/// Counts by sample: all CPUs share this word, and writing it for every SYN of a
/// flood would make them wait for each other.
#[inline(always)]
fn sample(hash: u64, counter: &Cell<u64>) {
    if hash >> (u64::BITS - SAMPLE_BITS) == 0 {
        counter.set(counter.get().wrapping_add(1 << SAMPLE_BITS));
    }
}

/// What others add to a cell: N of them leave N / [`COLUMNS`] on average, and twice
/// that is far out in the tail.
#[inline(always)]
fn noise(pressure: &LivePressure) -> u64 {
    let others = pressure
        .sketched
        .get()
        .wrapping_add(pressure.answered.get());
    (others >> COLUMNS.ilog2()).wrapping_mul(2)
}

/// The pressure, with the counts of the present epoch.
#[inline(always)]
fn present<'t, T: Tables>(
    now: u64,
    settings: &Settings,
    tables: &'t T,
) -> Option<&'t LivePressure> {
    let pressure = tables.pressure()?;
    let epoch = sketch::epoch(now, settings.epoch_shift);
    let last = pressure.epoch.get();
    // Not back again for a CPU whose clock was read a moment before the epoch began.
    if last != epoch && last != epoch.wrapping_add(1) {
        pressure.epoch.set(epoch);
        pressure.sketched.set(0);
        pressure.events.set(0);
        pressure.answered.set(0);
        let admitted = pressure.admitted.get();
        let forgiven = forgiven(epoch.wrapping_sub(last), settings.admissions);
        pressure.admitted.set(admitted.saturating_sub(forgiven));
    }
    Some(pressure)
}

/// How many admissions so many epochs forgive.
#[inline(always)]
const fn forgiven(epochs: u64, admissions: u64) -> u64 {
    if epochs >> LivePressure::FORGIVEN_SHIFT != 0 {
        u64::MAX
    } else {
        admissions.wrapping_mul(epochs) >> LivePressure::FORGIVEN_SHIFT
    }
}

/// Whether a source has been seen in the present epoch of the sketch or the one
/// before: not unless it has, and seldom if it has not.
#[inline(always)]
pub fn was_sketched<T: Tables>(
    source: SourceKey,
    now: u64,
    settings: &Settings,
    tables: &T,
) -> bool {
    let epoch = sketch::epoch(now, settings.epoch_shift) as u32;
    let seen = |place| {
        let Some(cell) = tables.cell(place) else {
            return false;
        };
        let cell = cell.get();
        sketch::count(cell, epoch) | sketch::count(cell, epoch.wrapping_sub(1)) != 0
    };
    let [first, second] = sketch::places(source::hash(source, settings.seed));
    seen(first) && seen(second)
}

/// Counts a connection that `peer` completed, if it is of a source that was counted
/// before: not those of who connected to this host by another interface.
#[inline(always)]
pub fn note_handshake<T: Tables>(peer: Address, now: u64, settings: &Settings, tables: &T) {
    let source = peer.masked(&settings.mask);
    let known = add_handshake(source, tables);
    // Protected addresses have a record of their own.
    let protected = source.key() != peer.key() && add_handshake(peer, tables);
    if (known || protected || was_sketched(source.key(), now, settings, tables))
        && let Some(pressure) = tables.pressure()
    {
        tables.add(&pressure.handshakes, 1);
    }
}

#[inline(always)]
fn add_handshake<T: Tables>(source: Address, tables: &T) -> bool {
    let record = tables.known(source);
    if let Some(record) = record {
        tables.add(&record.handshakes, 1);
    }
    record.is_some()
}

/// Adds a SYN to the sketch and gives the estimate for its source.
#[inline(always)]
fn seen<T: Tables>(hash: u64, epoch: u32, tables: &T) -> u64 {
    let [first, second] = sketch::places(hash);
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
