//! What a reboot takes along, without one: bpffs with all that is pinned there, and
//! `/run`. What is on disk stays, and so does the lab's network.

use std::fs;
use std::io::ErrorKind;

use anyhow::{Context, Result};
use rustix::mount::{UnmountFlags, unmount};

use crate::synguard::Synguard;

/// Where everything is pinned.
pub const BPFFS: &str = "/sys/fs/bpf";

impl Synguard {
    /// Takes along what a reboot would. Whatever runs has been killed before.
    ///
    /// # Errors
    /// Where bpffs is not mounted.
    pub fn reboot(&self) -> Result<()> {
        self.unmount_bpffs()?;
        self.mounts
            .inside(|| match fs::remove_dir_all("/run/synguard") {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            })??;
        Ok(())
    }

    /// Unmounts bpffs underneath whatever runs.
    ///
    /// # Errors
    /// Where it is not mounted.
    pub fn unmount_bpffs(&self) -> Result<()> {
        self.mounts
            .inside(|| unmount(BPFFS, UnmountFlags::DETACH))?
            .context("unmounting bpffs")
    }
}
