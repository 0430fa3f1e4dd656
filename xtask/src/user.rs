//! Who runs this.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

/// Whether this process is root's.
pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}
