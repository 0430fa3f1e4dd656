//! What attach would find in this kernel, without attaching anything.

use super::object;
use super::sandbox::Sizes;
use super::tracepoint::{Offsets, can_pin};
use crate::Result;

/// As little room as will do: no packet comes by.
const SIZES: Sizes = Sizes {
    sources: 1024,
    rules: 1024,
};

/// Which of the programs the kernel takes.
#[derive(Debug)]
pub struct Trial {
    /// Whether the filter is the one for frames of several buffers.
    pub multi_buffer: bool,
    /// The program that answers SYNs with cookies.
    pub answers: Result<()>,
    /// The program that shows packets to captures and keeps them as evidence.
    pub samples: Result<()>,
    /// The count of completed handshakes.
    pub handshakes: Handshakes,
}

/// Whether completed handshakes can be counted.
#[derive(Debug)]
pub enum Handshakes {
    /// Yes; `outlives`: without a controller, too.
    Counted {
        /// From Linux 5.15 on.
        outlives: bool,
    },
    /// tracefs, which tells how, is mounted by attach.
    NotMounted,
    /// No, for this reason.
    Lacking(String),
}

impl Trial {
    /// Loads all programs with maps of their own, and lets them go again.
    ///
    /// # Errors
    ///
    /// What would make attach fail.
    pub fn run() -> Result<Self> {
        let mut ebpf = object::load(&object::Wanted {
            pins: None,
            offsets: None,
            log_level: 0,
            max_sources: SIZES.sources,
            max_rules: SIZES.rules,
        })?;
        let filter = object::filter(&mut ebpf)?;
        Ok(Self {
            multi_buffer: filter == object::MULTI_BUFFER,
            answers: object::challenge(&mut ebpf, filter),
            samples: object::sample(&mut ebpf, filter),
            handshakes: Handshakes::look(),
        })
    }
}

impl Handshakes {
    fn look() -> Self {
        match Offsets::look() {
            Some(Ok(_)) => Self::Counted {
                outlives: can_pin(),
            },
            Some(Err(error)) => Self::Lacking(error.to_string()),
            None => Self::NotMounted,
        }
    }
}
