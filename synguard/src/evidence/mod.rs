//! The first packets of each ban, kept on disk: bounded, so that no flood fills it, and
//! written by a thread of its own, so that no disk keeps the controller waiting.

mod keeper;
mod name;
mod read;
mod ring;

use std::path::{Path, PathBuf};

pub use keeper::Keeper;
pub use read::samples;
pub use ring::{Ban, Bounds, Ring};

/// Where state that outlives a reboot is kept (FHS 3.0 section 5.8).
pub const STATE: &str = "/var/lib/synguard";

/// A folder for state.
///
/// # Errors
///
/// Where it is relative: a service and who reads its evidence stand in other places.
pub fn parse_state(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if !path.is_absolute() {
        return Err(format!("{} does not begin at /", path.display()));
    }
    Ok(path)
}

/// So many packets of a ban at most.
pub const PACKETS: usize = 8;

/// For all bans of an interface.
pub const BOUNDS: Bounds = Bounds {
    files: 1_000,
    bytes: 4 << 20,
};

/// The folder of an interface's evidence.
pub fn folder(state: &Path, interface: &str) -> PathBuf {
    state.join(interface).join("evidence")
}
