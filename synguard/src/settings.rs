//! Flags, validated: what the controller works with.

use std::time::Duration;

use synguard_common::abi::{ABI_VERSION, Settings as KernelSettings};
use synguard_common::source::SourceMask;

use crate::clock::Clock;
use crate::{Error, Result};

/// How the program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// Native, or generic where the driver cannot.
    Auto,
    /// In the driver, before the kernel makes a socket buffer.
    Native,
    /// In the kernel's stack: any interface, less speed.
    Generic,
}

/// What to detect and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How to attach.
    pub mode: Mode,
    /// Count and report, drop nothing.
    pub dry_run: bool,
    /// Leave the filter in place at the end.
    pub keep: bool,
    /// SYNs per second from one source above which it is an offender.
    pub syn_rate: u32,
    /// Over how long the rate is taken.
    pub window: Duration,
    /// How long an automatic ban lasts.
    pub ban_time: Duration,
}

/// The bits of an address that name one source: an IPv4 address, or what an
/// IPv6 customer is given at least (RFC 6177).
pub const SOURCE_MASK: SourceMask = SourceMask::new(32, 64);

/// New sources that get a record in an epoch without more ado: three quarters of
/// the map, so that even a flood of them leaves the others their place.
const ADMISSIONS: u64 = 65_536 / 4 * 3;

/// More SYNs in a window than anybody can send are no threshold, and counts are
/// compared in 64 bits.
const MOST_SYNS: u64 = 1_000_000_000;

impl Settings {
    /// Checks what the command line cannot.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] naming the flag and its limits.
    pub fn validated(self) -> Result<Self> {
        let limits = [
            (
                self.window,
                "--window",
                Duration::from_millis(100),
                Duration::from_secs(3600),
            ),
            (
                self.ban_time,
                "--ban-time",
                Duration::from_secs(1),
                Duration::from_secs(365 * 86400),
            ),
        ];
        for (value, flag, least, most) in limits {
            if value < least || value > most {
                return Err(Error::Usage(format!(
                    "{flag} {} is out of range: give {} to {}",
                    humantime::format_duration(value),
                    humantime::format_duration(least),
                    humantime::format_duration(most),
                )));
            }
        }
        if self.limit() > MOST_SYNS {
            return Err(Error::Usage(format!(
                "--syn-rate {} in a --window of {} is more than {MOST_SYNS} SYNs: lower one of them",
                self.syn_rate,
                humantime::format_duration(self.window),
            )));
        }
        if self.limit() == 0 {
            return Err(Error::Usage(format!(
                "--syn-rate {} in a --window of {} is less than one SYN: raise one of them",
                self.syn_rate,
                humantime::format_duration(self.window),
            )));
        }
        Ok(self)
    }

    /// SYNs per window above which a source is an offender.
    pub fn limit(&self) -> u64 {
        let nanos = u128::from(self.syn_rate) * self.window.as_nanos();
        u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX)
    }

    /// What to tell the packet path. Counts of rules are for the dataplane;
    /// `seed` is to be drawn at random.
    pub fn for_kernel(&self, clock: &Clock, seed: u64) -> KernelSettings {
        let window = clock.ticks(self.window);
        KernelSettings {
            abi_version: ABI_VERSION,
            dry_run: u32::from(self.dry_run),
            window,
            limit: self.limit(),
            hz: clock.hz,
            all_rules: 0,
            prefix_rules_v4: 0,
            prefix_rules_v6: 0,
            mask: SOURCE_MASK,
            epoch_shift: window.next_power_of_two().ilog2(),
            admissions: ADMISSIONS,
            seed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SANE: Settings = Settings {
        mode: Mode::Auto,
        dry_run: false,
        keep: false,
        syn_rate: 50,
        window: Duration::from_secs(1),
        ban_time: Duration::from_secs(600),
    };

    #[test]
    fn sane_settings_pass() {
        assert_eq!(SANE.validated().unwrap().limit(), 50);
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        for (settings, flag) in [
            (
                Settings {
                    syn_rate: u32::MAX,
                    ..SANE
                },
                "--syn-rate",
            ),
            (
                Settings {
                    window: Duration::from_millis(1),
                    ..SANE
                },
                "--window",
            ),
            (
                Settings {
                    window: Duration::from_secs(7200),
                    ..SANE
                },
                "--window",
            ),
            (
                Settings {
                    ban_time: Duration::ZERO,
                    ..SANE
                },
                "--ban-time",
            ),
            (
                Settings {
                    syn_rate: 1,
                    window: Duration::from_millis(100),
                    ..SANE
                },
                "--syn-rate",
            ),
        ] {
            let error = settings.validated().unwrap_err().to_string();
            assert!(error.starts_with(flag), "{error}");
        }
    }
}
