//! The program in the kernel beside the host, packet by packet.
//!
//! Before each packet it is given what the host decides by, and afterwards it must have
//! decided the same, and have left the same behind: so both go the same way by
//! induction, though the kernel's clock cannot be set to the capture's.

use synguard_common::abi::Settings as KernelSettings;
use synguard_common::packet::Packet;
use synguard_common::source::{Address, SourceMask};
use synguard_common::verdict::Decision;

use super::report::KernelEntry;
use super::run::Replay;
use crate::dataplane::{Snapshot, Twin};
use crate::error::Context as _;
use crate::pcap::Frame;
use crate::settings::Settings;
use crate::{Result, address};

/// The program, and how far it agrees.
pub struct Witness {
    twin: Twin,
    mask: SourceMask,
    agreed: KernelEntry,
}

/// A packet under way: what the program made of it.
pub struct Testimony {
    address: Address,
    decision: Decision,
    after: Snapshot,
}

impl Witness {
    /// Loads the program.
    ///
    /// # Errors
    ///
    /// As for attaching.
    pub fn new(user: &Settings, settings: &KernelSettings) -> Result<Self> {
        Ok(Self {
            twin: Twin::new(user, *settings)?,
            mask: settings.mask,
            agreed: KernelEntry::default(),
        })
    }

    /// Runs a packet through the program, before the host decides about it. Nothing for
    /// a packet that it cannot be given.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where the kernel refuses.
    pub fn hear(
        &mut self,
        replay: &Replay,
        frame: &Frame<'_>,
        packet: Packet,
        now: u64,
    ) -> Result<Option<Testimony>> {
        let bytes = frame.ethernet();
        if !self.twin.takes(bytes.len()) {
            self.agreed.not_run += 1;
            return Ok(None);
        }
        let address = packet.source;
        let before = replay.snapshot(address.masked(&self.mask));
        let (decision, after) = self.twin.run(&bytes, address, &before, now)?;
        Ok(Some(Testimony {
            address,
            decision,
            after,
        }))
    }

    /// Compares it with what the host decided, and left behind.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where they differ.
    pub fn compare(
        &mut self,
        replay: &Replay,
        testimony: &Testimony,
        decision: Decision,
    ) -> Result<()> {
        let after = replay.snapshot(testimony.address.masked(&self.mask));
        let source = address::from_words(testimony.address);
        let difference = if testimony.decision != decision {
            format!(
                "{} and {}",
                testimony.decision.reason.label(),
                decision.reason.label()
            )
        } else if testimony.after != after {
            format!("they leave {:?} and {after:?}", testimony.after)
        } else {
            self.agreed.agreed += 1;
            return Ok(());
        };
        let number = self.agreed.agreed + self.agreed.not_run + 1;
        Err(format!(
            "packet {number} that the filter sees, from {source}: {difference}"
        ))
        .context("the kernel and the host disagree")
    }

    /// How far they agree.
    pub const fn agreed(&self) -> KernelEntry {
        self.agreed
    }
}
