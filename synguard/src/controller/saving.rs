//! When the controller has bans and rules saved, for after a reboot.

use std::path::{Path, PathBuf};

use synguard_common::abi::change;

use super::guard::Guard;
use crate::Result;
use crate::dataplane::Attached;
use crate::saved::{Kind, Saver, Wanted};

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

    /// The folder for state, and who writes to it yet.
    pub(super) fn into_parts(self) -> (PathBuf, Saver) {
        (self.state, self.saver)
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
