//! bpffs unmounted underneath: the filter goes on, as the controller holds it, and is
//! pinned again.

use tracing::{error, warn};

use super::guard::Guard;

impl Guard {
    /// Pins again what is not pinned any more; tries it at each look.
    pub(super) fn pin_again(&mut self) {
        let name = self.interface().to_owned();
        match self.attached.pin_again() {
            Ok(()) => {
                self.is_adrift = false;
                warn!(
                    "{name}: bpffs was unmounted underneath: the filter has gone on all the while, \
                     and is pinned again"
                );
            }
            // Said once, however long it lasts.
            Err(failure) if !self.is_adrift => {
                self.is_adrift = true;
                error!(
                    "{name}: bpffs was unmounted underneath: the filter goes on only for as long \
                     as this controller runs, no command reaches it, and it cannot be pinned again \
                     ({failure}); it is tried again"
                );
            }
            Err(_) => {}
        }
    }
}
