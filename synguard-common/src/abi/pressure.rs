//! How many sources press in, and what the controller hears of them.

use core::cell::Cell;

use crate::source::SourceKey;

/// How many new sources there are, and what became of them.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pressure<W = u64> {
    /// Which epoch of the sketch.
    pub epoch: W,
    /// SYNs that went into the sketch in this epoch, counted by sample.
    pub sketched: W,
    /// Events sent in this epoch.
    pub events: W,
    /// SYNs answered with a cookie in this epoch, counted by sample.
    pub answered: W,
    /// Records made without the sketch being asked, less those that time has
    /// forgiven ([`Self::FORGIVEN_SHIFT`]).
    pub admitted: W,
    /// Records made since attach.
    pub created: W,
    /// Connections completed since attach by sources that have a record or are in
    /// the sketch.
    pub handshakes: W,
    /// Events since attach for which the controller had left no room.
    pub lost: W,
}

impl<W> Pressure<W> {
    /// All admissions are forgiven within 2 to the power of this many epochs, which is
    /// a quarter of an hour with a window of a second: so slowly that a flood of some minutes, however slow,
    /// cannot push out the records of who was there before.
    pub const FORGIVEN_SHIFT: u32 = 10;
}

/// The pressure in the map, shared like a [`LiveRule`](super::LiveRule).
pub type LivePressure = Pressure<Cell<u64>>;

/// Told to the controller when a source goes over its rate.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Which source.
    pub source: SourceKey,
    /// When, in ticks.
    pub tick: u64,
}
