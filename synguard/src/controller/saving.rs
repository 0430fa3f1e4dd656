//! When the controller has bans and rules saved, for after a reboot.

use std::path::{Path, PathBuf};

use synguard_common::abi::change;

use super::guard::Guard;
use crate::Result;
use crate::dataplane::Attached;
use crate::saved::{self, Kind, Saver, Wanted};

/// What was saved of an interface, by the counters of changes in its maps.
pub(super) struct Saving {
    state: PathBuf,
    saver: Saver,
    saved: [Option<u64>; change::COUNT],
}

impl Saving {
    pub(super) fn start(state: &Path, attached: &Attached) -> Result<Self> {
        Ok(Self {
            state: state.to_owned(),
            saver: Saver::start(state, &attached.pins, attached.clock)?,
            saved: [None; change::COUNT],
        })
    }
}

impl Guard {
    /// Has saved what has changed since the last time.
    pub(super) fn save(&mut self) -> Result<()> {
        if self.saving.saver.is_ready() {
            self.save_changes()?;
        }
        Ok(())
    }

    /// Ends, and forgets what was saved: the interface does not come back.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where a file cannot be removed.
    pub fn forget(self) -> Result<()> {
        let (state, name) = (self.saving.state.clone(), self.interface().to_owned());
        // Nobody writes it after that.
        drop(self);
        saved::forget(&state, &name, &[Kind::Bans, Kind::Rules]).map(drop)
    }

    /// The same at the end, at any rate.
    pub(super) fn save_changes(&mut self) -> Result<()> {
        for kind in self.saving.saver.take_failed() {
            self.saving.saved[index(kind)] = None;
        }
        let changes = self.attached.maps.changes()?.map(Some);
        let changed = |kind| changes[index(kind)] != self.saving.saved[index(kind)];
        let (bans, rules) = (changed(Kind::Bans), changed(Kind::Rules));
        if bans || rules {
            let bans = bans.then(|| self.detection.bans.nets().collect());
            self.saving.saver.save(Wanted { bans, rules });
            self.saving.saved = changes;
        }
        Ok(())
    }
}

const fn index(kind: Kind) -> usize {
    match kind {
        Kind::Bans => change::BANS as usize,
        Kind::Rules => change::SAID as usize,
    }
}
