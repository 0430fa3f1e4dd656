//! A capture of packets under way.

use std::time::Duration;

use synguard_common::abi::{CaptureFilter, Sample, Settings, budget, missed};
use synguard_common::budget::Budget;

use super::events::Samples;
use super::job::random;
use super::maps::Maps;
use super::pins::{Lock, Pins};
use crate::clock::Clock;
use crate::{Error, Result};

/// The packet path shows packets so long after it was last asked to: it ends by itself
/// when the process that captures is killed.
const LEASE: Duration = Duration::from_secs(5);

/// Packets of one interface, as the packet path shows them to this process alone.
/// Dropping it ends it.
pub struct Capture {
    pins: Pins,
    maps: Maps,
    clock: Clock,
    samples: Samples,
    session: u64,
    /// What captures before this one did without.
    before: Missed,
    identity: Option<u64>,
    _lock: Lock,
}

/// Packets that were wanted and not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Missed {
    /// Beyond the rate.
    pub over_rate: u64,
    /// While nobody read fast enough.
    pub unread: u64,
}

impl Capture {
    /// Lets the packet path show what `filter` wants, `rate` a second at most.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] where another process captures, [`Error::Absent`] where the
    /// interface is not attached, as for [`Maps::open`].
    pub fn begin(pins: &Pins, filter: CaptureFilter, rate: u32) -> Result<Self> {
        let mut maps = Maps::open(pins)?;
        let lock = pins.lock_capture()?;
        let clock = maps.clock()?;
        let session = random()?;
        maps.set_capture(CaptureFilter { session, ..filter })?;
        // A tenth of a second's packets may come at once.
        let burst = (rate / 10).max(1);
        maps.set_budget(budget::CAPTURE, Budget::new(rate, burst, clock.hz))?;
        let mut capture = Self {
            before: Missed::of(&maps)?,
            samples: Samples::captured(pins)?,
            identity: pins.identity(),
            pins: pins.clone(),
            maps,
            clock,
            session,
            _lock: lock,
        };
        capture.renew()?;
        Ok(capture)
    }

    /// What the packet path is told.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] where a map cannot be read; so below.
    pub fn settings(&self) -> Result<Settings> {
        self.maps.settings()
    }

    /// Waits for the next packets.
    pub async fn next(&mut self) -> Result<Vec<Sample>> {
        let mut samples = self.samples.next().await?;
        // Some may have been taken for a capture that was killed.
        samples.retain(|sample| sample.session == self.session);
        Ok(samples)
    }

    /// Goes on with it: to be called every second or two.
    ///
    /// # Errors
    ///
    /// [`Error::Absent`] where the interface was detached.
    pub fn renew(&mut self) -> Result<()> {
        if self.pins.identity() != self.identity {
            return Err(Error::Absent(format!(
                "{} was detached meanwhile",
                self.pins.interface()
            )));
        }
        self.show_until(self.clock.now() + self.clock.ticks(LEASE))
    }

    /// What this capture did without so far.
    pub fn missed(&self) -> Result<Missed> {
        let now = Missed::of(&self.maps)?;
        Ok(Missed {
            over_rate: now.over_rate.saturating_sub(self.before.over_rate),
            unread: now.unread.saturating_sub(self.before.unread),
        })
    }

    fn show_until(&mut self, samples_until: u64) -> Result<()> {
        let _lock = self.pins.lock_rules()?;
        let settings = self.maps.settings()?;
        self.maps.set_settings(Settings {
            samples_until,
            ..settings
        })
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        // Where that fails, the lease ends it.
        let _ = self.show_until(0);
    }
}

impl Missed {
    fn of(maps: &Maps) -> Result<Self> {
        Ok(Self {
            over_rate: maps.missed(missed::BUDGET)?,
            unread: maps.missed(missed::FULL)?,
        })
    }
}
