//! A controller's own hold on everything that is pinned: should bpffs be unmounted
//! underneath, filter and maps go on, and can be pinned anew.

use std::fs;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;

use super::pinned_object;
use super::pins::Pins;
use crate::Result;
use crate::error::Context as _;

/// Descriptors of all that is pinned, by name.
pub(super) struct Held {
    objects: Vec<(String, OwnedFd)>,
    /// The file system that they are pinned in.
    device: u64,
}

impl Held {
    /// Takes hold of what is pinned now.
    pub(super) fn of(pins: &Pins) -> Result<Self> {
        let device = device(pins)?;
        let doing = || format!("opening the pins of {}", pins.interface());
        let mut objects = Vec::new();
        for entry in fs::read_dir(pins.directory()).context(doing())? {
            let entry = entry.context(doing())?;
            let object = pinned_object::open(&entry.path()).context(doing())?;
            let name = entry.file_name().to_string_lossy().into_owned();
            objects.push((name, object));
        }
        Ok(Self { objects, device })
    }

    /// The link, wherever it is pinned now. One whose interface was deleted holds nothing.
    pub(super) fn link(&self, pins: &Pins) -> Option<BorrowedFd<'_>> {
        let name = pins.link();
        let name = name.file_name()?.to_str()?;
        let held = self.objects.iter().find(|(held, _)| held == name);
        held.map(|(_, link)| link.as_fd())
    }

    /// Whether the file system that held the pins is no longer mounted there: then
    /// nobody has removed them.
    pub(super) fn is_unmounted(&self) -> bool {
        Pins::device() != Some(self.device)
    }

    /// Pins everything again, in the bpffs that is mounted then.
    pub(super) fn pin_again(&mut self, pins: &Pins) -> Result<()> {
        pins.create()?;
        let doing = || format!("pinning {} again", pins.interface());
        for (name, object) in &self.objects {
            let path = pins.path(name);
            if !path.exists() {
                pinned_object::pin(object.as_fd(), &path).context(doing())?;
            }
        }
        self.device = device(pins)?;
        Ok(())
    }
}

fn device(pins: &Pins) -> Result<u64> {
    let facts = fs::metadata(pins.directory());
    let facts = facts.context(format!("looking at {}", pins.directory().display()))?;
    Ok(facts.dev())
}
