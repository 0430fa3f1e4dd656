//! A filter whose interface is gone, and the one that comes in its place.

use super::attach::{Attached, ensure_ethernet};
use super::held::Held;
use super::{link, object, pinned_object};
use crate::error::Context as _;
use crate::interface::Interface;
use crate::settings::Mode;
use crate::{Error, Result};

impl Attached {
    /// The id of the program that filters.
    pub fn program(&self) -> Option<u32> {
        link::pinned_program(&self.pins)
    }

    /// Makes sure that it filters no interface that is gone from here: one that moved to
    /// another network namespace takes its filter along. Everything stays pinned.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] where the kernel refuses.
    pub fn let_go(&self) -> Result<()> {
        self.held
            .link(&self.pins)
            .map_or(Ok(()), pinned_object::detach)
            .context("taking the filter off the interface that is gone")
    }

    /// Puts the same program, with the same maps, on the interface that came in the place
    /// of the one that is gone; on the latter it ends. The program is loaded already, so
    /// that this takes no longer than the driver does.
    ///
    /// # Errors
    ///
    /// Whatever is in the way; then everything is as before.
    pub fn follow(&mut self, interface: &Interface, mode: Mode) -> Result<()> {
        ensure_ethernet(interface)?;
        if let Some(xdp) = interface.xdp {
            return Err(link::foreign(interface, xdp.id));
        }
        let _lock = self.pins.lock_rules_soon()?;
        if !self.pins.exist() {
            return Err(Error::Absent(format!(
                "{} was detached meanwhile",
                interface.name
            )));
        }
        let program = object::xdp(&mut self.ebpf, self.filter)?;
        let attached = link::create(program, interface, mode, &self.pins)?;
        self.facts.native = attached.native;
        self.held = Held::of(&self.pins)?;
        let mut attachment = self.maps.attachment()?;
        attachment.interface = interface.index;
        attachment.native = u32::from(attached.native);
        self.maps.set_attachment(attachment)
    }
}
