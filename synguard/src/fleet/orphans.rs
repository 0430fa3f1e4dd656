//! What an earlier controller left of interfaces that a glob means, and that were deleted
//! while none ran.

use std::time::Instant;

use tracing::{info, warn};

use super::plan::{KEPT_FOR, Wanted};
use crate::Result;
use crate::dataplane::{self, Maps, Pins, attached_interfaces};
use crate::interface::Links;

/// Pins without an interface.
#[derive(Default)]
pub(super) struct Orphans(Vec<(Pins, Instant)>);

impl Orphans {
    /// Those that there are. What cannot be looked at is left alone.
    pub(super) fn find(wanted: &Wanted, links: &Links) -> Self {
        let names = attached_interfaces().unwrap_or_default();
        let orphans = names.into_iter().filter(|name| {
            wanted.means(name) && !wanted.names(name) && links.named(name).is_none()
        });
        let here = orphans.map(|name| Pins::of(&name)).filter(|pins| {
            let namespace = Maps::open(pins).and_then(|maps| Ok(maps.attachment()?.namespace));
            matches!((namespace, dataplane::namespace()), (Ok(theirs), Ok(ours)) if theirs == ours)
        });
        Self(here.map(|pins| (pins, Instant::now())).collect())
    }

    /// Lets go of those that came back, and removes those that did not in time.
    pub(super) fn settle(&mut self, links: &Links) {
        self.0.retain(|(pins, since)| {
            let name = pins.interface();
            if links.named(name).is_some() {
                return false;
            }
            if since.elapsed() < KEPT_FOR {
                return true;
            }
            match remove(pins) {
                Ok(()) => info!("{name}: it did not come back: what was left of it is removed"),
                Err(failure) => warn!("{name}: {failure}"),
            }
            false
        });
    }
}

fn remove(pins: &Pins) -> Result<()> {
    // Not while another controller waits for it.
    let _lock = pins.lock_controller()?;
    pins.remove()
}
