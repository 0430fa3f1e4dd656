//! What survives a reboot: bans with the history of offenders, and what people said.
//!
//! Two files in the interface's folder for state, so that a list of a million prefixes is
//! not written anew with each ban. Both are lines of JSON (`docs/saved-state.md`), written by
//! [`Saver`] and read by [`restore`] alone, when a filter is attached that has no maps to
//! go on with.

mod aside;
mod collect;
mod dates;
mod line;
mod moment;
mod passage;
mod read;
mod restore;
mod room;
mod saver;
#[cfg(test)]
mod tests;
mod write;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

pub use moment::Moment;
pub use passage::Passage;
pub use restore::{Occasion, restore};
pub use saver::{Saver, Wanted};

use crate::Result;
use crate::error::Context as _;

/// Which file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Automatic bans, and how often sources were banned.
    Bans,
    /// What people blocked, allowed and imported.
    Rules,
}

impl Kind {
    /// Where it lies for an interface, below the folder for state.
    pub fn path(self, state: &Path, interface: &str) -> PathBuf {
        let name = match self {
            Self::Bans => "bans.jsonl",
            Self::Rules => "rules.jsonl",
        };
        folder(state, interface).join(name)
    }
}

fn folder(state: &Path, interface: &str) -> PathBuf {
    state.join(interface)
}

/// Forgets what was saved; gives whether anything was.
///
/// # Errors
///
/// [`crate::Error::Failed`] where a file cannot be removed.
pub fn forget(state: &Path, interface: &str, kinds: &[Kind]) -> Result<bool> {
    let mut any = false;
    for kind in kinds {
        let path = kind.path(state, interface);
        match fs::remove_file(&path) {
            Ok(()) => any = true,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(error) => return Err(error).context(format!("removing {}", path.display())),
        }
    }
    // Not with evidence in it.
    let _ = fs::remove_dir(folder(state, interface));
    Ok(any)
}
