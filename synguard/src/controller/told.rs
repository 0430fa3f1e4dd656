//! What people tell the packet path past the controller: `synguard panic` and
//! `synguard confirm`. It holds without one, and a living one goes along with it.

use synguard_common::abi::{NEVER, Settings as KernelSettings, dry_run};
use tracing::{error, warn};

use super::guard::Guard;
use crate::events::Event;
use crate::{Result, text};

/// What people last told the packet path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// That nothing is to be dropped.
    pub(super) panic: bool,
    /// From which tick on everything passes, as nobody has confirmed yet.
    passes_from: u64,
}

impl Told {
    pub(super) const fn of(settings: &KernelSettings) -> Self {
        Self {
            panic: settings.dry_run & dry_run::PANIC != 0,
            passes_from: settings.passes_from,
        }
    }
}

impl Guard {
    /// Goes along with what was said since the last look.
    pub(super) async fn listen(&mut self) -> Result<()> {
        let told = Told::of(&self.attached.maps.settings()?);
        let before = std::mem::replace(&mut self.told, told);
        if told.passes_from == NEVER && before.passes_from != NEVER {
            self.tell(&Event::Confirmed {});
        }
        if told.panic == before.panic {
            return Ok(());
        }
        if told.panic {
            self.remind();
        } else {
            self.tell(&Event::PanicOver {});
        }
        self.begin_challenges_anew("somebody panicked").await?;
        self.sweep()
    }

    /// Says what keeps the filter from dropping, or soon will.
    pub(super) fn remind(&mut self) {
        if self.told.panic {
            self.tell(&Event::PanicBegun {});
        }
        let name = self.interface();
        if self.told.passes_from != NEVER {
            let clock = &self.attached.clock;
            let left = clock.since(clock.now(), self.told.passes_from);
            warn!(
                "{name}: it detaches in {}, unless `synguard confirm {name}` is said",
                text::duration(left)
            );
        }
    }

    /// Whether the time to confirm is over. If so, the filter is taken off, unless
    /// somebody confirms in this very moment.
    pub(super) fn is_unconfirmed(&self) -> bool {
        let pins = &self.attached.pins;
        if self.attached.clock.now() < self.told.passes_from {
            return false;
        }
        let taken_off = pins.lock_rules_soon().and_then(|_lock| {
            let still = self.attached.maps.settings()?.passes_from;
            let over = self.attached.clock.now() >= still;
            if over {
                pins.remove().map(|()| true)
            } else {
                Ok(false)
            }
        });
        taken_off.unwrap_or_else(|failure| {
            error!("{}: {failure}", self.interface());
            false
        })
    }
}
