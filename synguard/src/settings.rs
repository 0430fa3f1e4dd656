//! Flags, validated: what the controller works with.

use std::time::Duration;

use synguard_common::abi::{
    ABI_VERSION, NEVER, Settings as KernelSettings, challenge, dry_run, holder,
};
use synguard_common::source::SourceMask;

use crate::clock::Clock;
use crate::ports::Ports;
use crate::rules::Scope;
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

/// When clients that have not connected before have to prove their addresses by a
/// SYN cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Challenge {
    /// Never: their SYNs go to the kernel.
    Off,
    /// During a spoofed flood.
    Auto,
    /// At any time.
    Always,
}

impl Challenge {
    /// Its [`challenge`] code.
    pub const fn code(self) -> u32 {
        match self {
            Self::Off => challenge::OFF,
            Self::Auto => challenge::AUTO,
            Self::Always => challenge::ALWAYS,
        }
    }
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
    /// Detach after this time unless confirmed; zero: without being asked.
    pub confirm_within: Duration,
    /// SYNs per second from one source above which it is an offender.
    pub syn_rate: u32,
    /// Over how long the rate is taken.
    pub window: Duration,
    /// How long a first automatic ban lasts.
    pub ban_time: Duration,
    /// How long the ban of a source that offends again and again lasts at most.
    pub max_ban_time: Duration,
    /// How long after its last ban a source's offences are forgotten.
    pub forget_after: Duration,
    /// What automatic bans drop.
    pub ban_scope: Scope,
    /// SYNs per second of the whole interface above which those of many new
    /// sources that do not connect are a spoofed flood.
    pub spoofed_rate: u32,
    /// When new clients are challenged, where somebody said so.
    pub challenge: Option<Challenge>,
    /// To which ports.
    pub challenge_ports: Ports,
    /// Whether the sysctls that this needs may be set.
    pub manage_sysctls: bool,
    /// The bits of an IPv4 address that name one source.
    pub ipv4_prefix: u8,
    /// The bits of an IPv6 address that name one source.
    pub ipv6_prefix: u8,
    /// Sources that are kept account of.
    pub max_sources: u32,
    /// Rules for exactly one source, and as many for other prefixes, in either
    /// family.
    pub max_rules: u32,
}

/// What is in force where nothing else is said.
pub const DEFAULT: Settings = Settings {
    mode: Mode::Auto,
    dry_run: false,
    keep: false,
    confirm_within: Duration::ZERO,
    syn_rate: 50,
    window: Duration::from_secs(1),
    ban_time: Duration::from_secs(600),
    max_ban_time: Duration::from_secs(86_400),
    forget_after: Duration::from_secs(86_400),
    ban_scope: Scope::Syn,
    spoofed_rate: 200,
    challenge: None,
    challenge_ports: Ports::ALL,
    manage_sysctls: false,
    ipv4_prefix: 32,
    // What an IPv6 customer is given at least (RFC 6177).
    ipv6_prefix: 64,
    max_sources: 65_536,
    max_rules: 262_144,
};

/// Events in an epoch, which is about a window: more offenders than that are
/// found by the scan of the records.
const EVENTS: u32 = 1024;

/// SYNs answered with a cookie in an epoch, which is about a window: as many as a
/// core can, without what sends them.
pub const ANSWERS: u32 = 2_000_000;
/// The same for one network: enough for an office or a provider's shared address,
/// as who has connected once is not asked again, and less than a flood.
const ANSWERS_EACH: u32 = 256;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);
const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// More SYNs in a window than anybody can send are no threshold, and counts are
/// compared in 64 bits.
const MOST_SYNS: u64 = 1_000_000_000;

/// Settings that contradict each other, or are out of range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    /// The flags, without their dashes, that it is about; the first one foremost.
    pub keys: &'static [&'static str],
    /// In words, with the limits.
    pub text: String,
}

impl From<Objection> for Error {
    fn from(objection: Objection) -> Self {
        Self::Usage(objection.text)
    }
}

/// `off`, or a time from a second to a day, as `60s`.
///
/// # Errors
///
/// Words for what it is not.
pub fn parse_confirm_within(text: &str) -> Result<Duration, String> {
    if text == "off" {
        return Ok(Duration::ZERO);
    }
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if (SECOND..=DAY).contains(&time) {
        return Ok(time);
    }
    Err("give 1s to 1day, or off".to_owned())
}

impl Settings {
    /// Checks what the command line cannot.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] naming the flag and its limits.
    pub fn validated(self) -> Result<Self> {
        self.objection().map_or(Ok(self), |found| Err(found.into()))
    }

    /// What is wrong with them that no flag's own parser sees; the first of it.
    pub fn objection(&self) -> Option<Objection> {
        self.time_out_of_range()
            .or_else(|| self.rate_out_of_range())
    }

    fn time_out_of_range(&self) -> Option<Objection> {
        let least_window = Duration::from_millis(100);
        let most_window = Duration::from_secs(3600);
        let limits: [(_, &'static [&'static str], _, _); 4] = [
            (self.window, &["window"], least_window, most_window),
            (self.ban_time, &["ban-time"], SECOND, YEAR),
            (
                self.max_ban_time,
                &["max-ban-time", "ban-time"],
                self.ban_time,
                YEAR,
            ),
            (self.forget_after, &["forget-after"], SECOND, YEAR),
        ];
        let out_of_range = |(value, _, least, most): &(Duration, _, Duration, Duration)| {
            value < least || value > most
        };
        let (value, keys, least, most) = limits.into_iter().find(out_of_range)?;
        Some(Objection {
            keys,
            text: format!(
                "--{} {} is out of range: give {} to {}",
                keys[0],
                humantime::format_duration(value),
                humantime::format_duration(least),
                humantime::format_duration(most),
            ),
        })
    }

    fn rate_out_of_range(&self) -> Option<Objection> {
        let wrong = match self.limit() {
            0 => "is less than one SYN: raise one of them".to_owned(),
            limit if limit > MOST_SYNS => {
                format!("is more than {MOST_SYNS} SYNs: lower one of them")
            }
            _ => return None,
        };
        Some(Objection {
            keys: &["syn-rate", "window"],
            text: format!(
                "--syn-rate {} in a --window of {} {wrong}",
                self.syn_rate,
                humantime::format_duration(self.window),
            ),
        })
    }

    /// SYNs per window above which a source is an offender.
    pub fn limit(&self) -> u64 {
        let nanos = u128::from(self.syn_rate) * self.window.as_nanos();
        u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX)
    }

    /// When new clients are challenged.
    pub fn challenge(&self) -> Challenge {
        self.challenge.unwrap_or(Challenge::Auto)
    }

    /// Which bits of an address name one source.
    pub const fn source_mask(&self) -> SourceMask {
        SourceMask::new(self.ipv4_prefix as u32, self.ipv6_prefix as u32)
    }

    /// What to tell the packet path, with room for `sources`. The count of rules
    /// is for the dataplane; `seed` is to be drawn at random.
    pub fn for_kernel(&self, clock: &Clock, seed: u64, sources: u32) -> KernelSettings {
        let window = clock.ticks(self.window);
        KernelSettings {
            abi_version: ABI_VERSION,
            dry_run: u32::from(self.dry_run) * dry_run::ASKED,
            // Who captures sets it.
            samples_until: 0,
            window,
            limit: self.limit(),
            hz: clock.hz,
            all_rules: 0,
            mask: self.source_mask(),
            epoch_shift: window.next_power_of_two().ilog2(),
            holders: holder::DIRECT | holder::OUTGOING,
            events: EVENTS,
            // Three quarters of the map, so that even a flood of new sources
            // leaves the others their place.
            admissions: u64::from(sources) / 4 * 3,
            seed,
            // The controller sets it once it knows where SYNs can be answered.
            answers: 0,
            answers_until: 0,
            answers_each: ANSWERS_EACH,
            passes_from: NEVER,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SANE: Settings = DEFAULT;

    #[test]
    fn the_defaults_pass() {
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
            (
                Settings {
                    max_ban_time: Duration::from_secs(599),
                    ..SANE
                },
                "--max-ban-time",
            ),
        ] {
            let error = settings.validated().unwrap_err().to_string();
            assert!(error.starts_with(flag), "{error}");
        }
    }
}
