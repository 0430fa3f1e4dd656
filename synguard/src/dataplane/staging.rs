//! Two sets of maps for one interface, while a filter is taken over from a build with
//! another layout, and how one takes the place of the other.
//!
//! The new maps are made beside the old ones, and the link is pinned there too. Then the
//! link is given the new program, and the folders change places. Whoever dies in between
//! leaves both: which maps the running program uses tells the next one what is left to do.

use std::os::fd::AsFd as _;

use aya::maps::MapInfo;
use aya::programs::loaded_programs;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::pins::Pins;
use super::{link, pinned_object};
use crate::Result;
use crate::error::Context as _;

/// Where the new maps are made, and where the old ones go.
const NEXT: &str = "next";
/// Where the old ones go meanwhile on kernels that cannot exchange folders.
const OLD: &str = "old";

/// A folder for the new maps, empty.
pub(super) fn begin(pins: &Pins) -> Result<Pins> {
    let next = pins.aside(NEXT);
    next.remove_directory()?;
    next.create()?;
    Ok(next)
}

/// Pins the link beside the new maps too, if it is pinned.
pub(super) fn share_link(pins: &Pins, next: &Pins) -> Result<()> {
    let doing = "pinning the filter again";
    let link = pinned_object::open(&pins.link()).context(doing)?;
    pinned_object::pin(link.as_fd(), &next.link()).context(doing)
}

/// Puts the new maps in the place of the old ones, which go.
pub(super) fn finish(pins: &Pins) -> Result<()> {
    let (next, old) = (pins.aside(NEXT), pins.aside(OLD));
    match rename(&next, pins, RenameFlags::EXCHANGE) {
        // Before Linux 5.16.
        Err(Errno::INVAL) => rename(pins, &old, RenameFlags::empty())
            .and_then(|()| rename(&next, pins, RenameFlags::empty())),
        // A crash left nothing to exchange with.
        Err(Errno::NOENT) => rename(&next, pins, RenameFlags::empty()),
        exchanged => exchanged,
    }
    .context(format!("renaming {}", next.directory().display()))?;
    forget(pins)
}

/// Finishes or undoes what somebody who died left half-done.
pub(super) fn settle(pins: &Pins) -> Result<()> {
    if runs_on(&pins.aside(NEXT)) {
        return finish(pins);
    }
    forget(pins)
}

/// Removes both folders beside that of the interface.
pub(super) fn forget(pins: &Pins) -> Result<()> {
    pins.aside(NEXT).remove_directory()?;
    pins.aside(OLD).remove_directory()
}

/// Whether the program that the pinned link runs uses the maps pinned beside it.
fn runs_on(pins: &Pins) -> bool {
    let Some(id) = link::pinned_program(pins) else {
        return false;
    };
    let Ok(settings) = MapInfo::from_pin(pins.path("SETTINGS")) else {
        return false;
    };
    let mut programs = loaded_programs().flatten();
    let maps = programs
        .find(|program| program.id() == id)
        .and_then(|program| program.map_ids().ok().flatten());
    maps.is_some_and(|maps| maps.contains(&settings.id()))
}

fn rename(from: &Pins, to: &Pins, flags: RenameFlags) -> Result<(), Errno> {
    renameat_with(CWD, from.directory(), CWD, to.directory(), flags)
}
