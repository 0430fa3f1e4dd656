//! What can be wrong with a capture.

use std::fmt;

/// Where a capture stops to make sense, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The packet that is not read: 1 for the first of the file.
    pub packet: u64,
    /// Where in the file its record begins, in bytes.
    pub offset: u64,
    /// In words.
    pub why: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "damaged at packet {}, byte {}: {}",
            self.packet, self.offset, self.why
        )
    }
}

/// Why a file is no capture that can be read at all: what it is, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);
