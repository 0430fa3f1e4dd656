//! Records: what is known of a source.

use core::cell::Cell;

use crate::ports;
use crate::window::{Counts, Load, Window};

/// What is known of one source.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceRecord<W = u64> {
    /// SYNs that were not already dropped by a rule.
    pub syns: W,
    /// Of them, dropped for the rate.
    pub dropped: W,
    /// Connections that this source completed.
    pub handshakes: W,
    /// RSTs without ACK that came from it, as a host answers a SYN-ACK that it
    /// never asked for (RFC 9293 section 3.10.7).
    pub resets: W,
    /// In ticks.
    pub first_seen: W,
    /// In ticks.
    pub last_seen: W,
    /// [`Window::start`].
    pub window_start: W,
    /// [`Window::before`].
    pub window_syns: W,
    /// [`Window::before`].
    pub window_dropped: W,
    /// [`Window::before`].
    pub window_handshakes: W,
    /// The last four destination ports ([`crate::ports`]).
    pub recent_ports: W,
    /// A set of 64 buckets of destination ports ([`crate::ports`]).
    pub port_set: W,
    /// [`Window::previous`].
    pub previous_syns: W,
    /// [`Window::previous`].
    pub previous_dropped: W,
    /// [`Window::previous`].
    pub previous_handshakes: W,
    /// The source port ([`crate::ports`]).
    pub source_port: W,
    /// When the controller was last told, in ticks.
    pub reported: W,
    /// Of no meaning.
    #[cfg(feature = "other-layout")]
    pub padding: [u64; super::PADDING],
}

/// A record in the map, shared like a [`LiveRule`](super::LiveRule).
pub type LiveRecord = SourceRecord<Cell<u64>>;

impl SourceRecord {
    /// The record of a source not yet seen.
    pub const BLANK: Self = Self {
        syns: 0,
        dropped: 0,
        handshakes: 0,
        resets: 0,
        first_seen: 0,
        last_seen: 0,
        window_start: 0,
        window_syns: 0,
        window_dropped: 0,
        window_handshakes: 0,
        recent_ports: 0,
        port_set: 0,
        previous_syns: 0,
        previous_dropped: 0,
        previous_handshakes: 0,
        source_port: 0,
        reported: 0,
        #[cfg(feature = "other-layout")]
        padding: [0; super::PADDING],
    };

    /// Counts since the source was first seen.
    pub const fn totals(&self) -> Counts {
        Counts {
            syns: self.syns,
            dropped: self.dropped,
            handshakes: self.handshakes,
        }
    }

    /// What it did over the window that ends at `now`; `length` in ticks.
    pub const fn load(&self, now: u64, length: u64) -> Load {
        let window = Window {
            start: self.window_start,
            before: Counts {
                syns: self.window_syns,
                dropped: self.window_dropped,
                handshakes: self.window_handshakes,
            },
            previous: Counts {
                syns: self.previous_syns,
                dropped: self.previous_dropped,
                handshakes: self.previous_handshakes,
            },
        };
        let totals = self.totals();
        window.rolled(now, length, totals).load(now, length, totals)
    }

    /// Where the source has always used the same source port: which.
    pub const fn constant_source_port(&self) -> Option<u16> {
        ports::constant_source_port(self.source_port)
    }
}

impl LiveRecord {
    /// Counts since the source was first seen.
    #[inline(always)]
    pub fn totals(&self) -> Counts {
        Counts {
            syns: self.syns.get(),
            dropped: self.dropped.get(),
            handshakes: self.handshakes.get(),
        }
    }

    /// Whether this source has completed at least half of the handshakes that it was
    /// let through to complete, and one at least. SYNs that others send in its name
    /// end that soon.
    #[inline(always)]
    pub fn is_good(&self) -> bool {
        let totals = self.totals();
        let passed = totals.syns.saturating_sub(totals.dropped);
        totals.handshakes != 0 && totals.handshakes.saturating_mul(2) >= passed
    }

    /// Starts a blank record at `now`.
    #[inline(always)]
    pub fn begin(&self, now: u64) {
        self.first_seen.set(now);
        self.window_start.set(now);
    }

    /// Rolls the window on to `now` and gives it.
    ///
    /// Totals are added atomically; where a window begins is not. Two CPUs that
    /// roll at the same instant may leave a previous window that is too low: the
    /// source then gets at most one window's worth of SYNs more.
    #[inline(always)]
    pub fn roll(&self, now: u64, length: u64) -> Window {
        let window = self.window();
        let rolled = window.rolled(now, length, self.totals());
        if rolled.start != window.start {
            self.window_syns.set(rolled.before.syns);
            self.window_dropped.set(rolled.before.dropped);
            self.window_handshakes.set(rolled.before.handshakes);
            self.previous_syns.set(rolled.previous.syns);
            self.previous_dropped.set(rolled.previous.dropped);
            self.previous_handshakes.set(rolled.previous.handshakes);
            self.window_start.set(rolled.start);
        }
        rolled
    }

    /// What it did over the window that ends at `now`; nothing is changed.
    #[inline(always)]
    pub fn load(&self, now: u64, length: u64) -> Load {
        let totals = self.totals();
        let window = self.window().rolled(now, length, totals);
        window.load(now, length, totals)
    }

    #[inline(always)]
    fn window(&self) -> Window {
        Window {
            start: self.window_start.get(),
            before: Counts {
                syns: self.window_syns.get(),
                dropped: self.window_dropped.get(),
                handshakes: self.window_handshakes.get(),
            },
            previous: Counts {
                syns: self.previous_syns.get(),
                dropped: self.previous_dropped.get(),
                handshakes: self.previous_handshakes.get(),
            },
        }
    }

    /// Notes the ports and the time of a SYN.
    #[inline(always)]
    pub fn note(&self, source_port: u16, destination_port: u16, now: u64) {
        self.last_seen.set(now);
        let recent = self.recent_ports.get();
        self.recent_ports
            .set(ports::remember(recent, destination_port));
        let set = self.port_set.get();
        self.port_set.set(ports::mark(set, destination_port));
        let word = self.source_port.get();
        self.source_port
            .set(ports::note_source_port(word, source_port));
    }

    /// Whether the controller is to be told again: once a second per source.
    #[inline(always)]
    pub fn report_due(&self, now: u64, hz: u32) -> bool {
        let due = now.saturating_sub(self.reported.get()) >= u64::from(hz);
        if due {
            self.reported.set(now);
        }
        due
    }
}
