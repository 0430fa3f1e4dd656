//! What the maps of an interface say, as far as that needs no walk over them.

use synguard_common::abi::{Engagement, NEVER, Pressure, challenge, dry_run, missed};

use crate::Result;
use crate::counters::Counters;
use crate::dataplane::{Maps, Pins};

/// What the maps of an interface say.
#[derive(Clone, Debug)]
pub(super) struct Kernel {
    pub(super) counters: Counters,
    pub(super) pressure: Pressure,
    pub(super) native: bool,
    pub(super) counts_handshakes: bool,
    /// In seconds since 1970.
    pub(super) attached_at: u64,
    pub(super) dry_run: bool,
    pub(super) panic: bool,
    /// Somebody has yet to say `synguard confirm`.
    pub(super) unconfirmed: bool,
    pub(super) flood: bool,
    pub(super) challenges: &'static str,
    pub(super) engaged: bool,
    /// Packets that captures did without: beyond the rate, and while nobody read.
    pub(super) missed: [u64; 2],
    pub(super) source_capacity: u32,
    pub(super) rule_capacity: u32,
}

impl Kernel {
    /// That of an interface at which nothing has happened.
    pub(super) const BLANK: Self = Self {
        counters: Counters::NONE,
        pressure: Pressure {
            epoch: 0,
            sketched: 0,
            events: 0,
            answered: 0,
            admitted: 0,
            created: 0,
            handshakes: 0,
            lost: 0,
        },
        native: true,
        counts_handshakes: true,
        attached_at: 0,
        dry_run: false,
        panic: false,
        unconfirmed: false,
        flood: false,
        challenges: "auto",
        engaged: false,
        missed: [0; 2],
        source_capacity: 0,
        rule_capacity: 0,
    };

    /// Reads it.
    ///
    /// # Errors
    ///
    /// As for [`Maps::open`], and where a map cannot be read.
    pub(super) fn read(interface: &str) -> Result<Self> {
        let maps = Maps::open(&Pins::of(interface))?;
        let (settings, attachment) = (maps.settings()?, maps.attachment()?);
        let now = maps.clock()?.now();
        Ok(Self {
            counters: maps.counters()?,
            pressure: maps.pressure()?,
            native: attachment.native != 0,
            counts_handshakes: attachment.handshakes != 0,
            attached_at: attachment.attached_at,
            dry_run: settings.is_dry(now),
            panic: settings.dry_run & dry_run::PANIC != 0,
            unconfirmed: settings.passes_from != NEVER,
            flood: maps.flood()?.since != 0,
            challenges: mode(&maps.engagement()?),
            engaged: settings.challenges(now),
            missed: [maps.missed(missed::BUDGET)?, maps.missed(missed::FULL)?],
            source_capacity: maps.source_capacity(),
            rule_capacity: maps.rule_capacity(),
        })
    }
}

const fn mode(engagement: &Engagement) -> &'static str {
    match engagement.mode {
        challenge::AUTO => "auto",
        challenge::ALWAYS => "always",
        _ => "off",
    }
}
