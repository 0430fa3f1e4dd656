//! Telling the packet path of settings, with the rules locked.

use std::time::Duration;

use synguard_common::abi::{NEVER, Settings as KernelSettings, dry_run};

use super::attach::Attached;
use super::maps::Maps;
use crate::clock::Clock;
use crate::settings::Settings;
use crate::{Result, rules};

/// Puts settings in the place of those of `before`. Bans of a dry run were never meant to
/// drop anything: they end with it.
pub(super) fn replace(
    maps: &mut Maps,
    before: KernelSettings,
    settings: KernelSettings,
) -> Result<()> {
    if before.dry_run != 0 && settings.dry_run == 0 {
        rules::lift_bans(maps)?;
    }
    let present = maps.settings()?;
    maps.change_source(KernelSettings {
        holders: present.holders,
        all_rules: present.all_rules,
        ..settings
    })?;
    maps.tidy()
}

/// From when on everything passes: so long after `now` as somebody has to confirm, and
/// not later than was said before. An attach that takes over confirms nothing.
pub(super) fn passes_from(
    confirm_within: Duration,
    before: Option<KernelSettings>,
    clock: &Clock,
    now: u64,
) -> u64 {
    let wanted = if confirm_within.is_zero() {
        NEVER
    } else {
        now + clock.ticks(confirm_within)
    };
    let pending = before.map(|before| before.passes_from);
    // What passes everything by now is attached anew.
    wanted.min(pending.filter(|tick| *tick > now).unwrap_or(NEVER))
}

impl Attached {
    /// Puts other settings in force: not a packet passes unfiltered meanwhile. Maps and
    /// mode stay as they are.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where the kernel refuses.
    pub fn adopt(&mut self, settings: &Settings) -> Result<()> {
        let _lock = self.pins.lock_rules_soon()?;
        let before = self.maps.settings()?;
        let wanted = settings.for_kernel(&self.clock, before.seed, self.maps.source_capacity());
        let wanted = KernelSettings {
            dry_run: wanted.dry_run | before.dry_run & dry_run::PANIC,
            answers: before.answers,
            answers_until: before.answers_until,
            passes_from: before.passes_from,
            samples_until: before.samples_until,
            ..wanted
        };
        replace(&mut self.maps, before, wanted)?;
        let mut attachment = self.maps.attachment()?;
        attachment.syn_rate = settings.syn_rate;
        attachment.ban_seconds = settings.ban_time.as_secs();
        self.maps.set_attachment(attachment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::DEFAULT;

    #[test]
    fn who_takes_over_confirms_nothing() {
        let clock = Clock { hz: 100, offset: 0 };
        let minute = Duration::from_secs(60);
        let before = |passes_from| {
            Some(KernelSettings {
                passes_from,
                ..DEFAULT.for_kernel(&clock, 1, 1024)
            })
        };
        for (within, before, expected) in [
            (Duration::ZERO, None, NEVER),
            (minute, None, 1000 + 6000),
            (Duration::ZERO, before(NEVER), NEVER),
            (minute, before(NEVER), 1000 + 6000),
            (Duration::ZERO, before(3000), 3000),
            (minute, before(3000), 3000),
            (Duration::ZERO, before(1000), NEVER),
            (minute, before(900), 1000 + 6000),
        ] {
            assert_eq!(passes_from(within, before, &clock, 1000), expected);
        }
    }
}
