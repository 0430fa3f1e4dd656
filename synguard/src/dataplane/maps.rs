//! The pinned maps, opened: settings, counters, sources.
//!
//! Rules are in [`super::rules`].

use std::net::IpAddr;

use aya::maps::lpm_trie::LpmTrie;
use aya::maps::{Array, HashMap, Map, MapData, MapError, PerCpuArray};
use synguard_common::abi::{ABI_VERSION, Attachment, Rule, Settings, SourceRecord, TrieV4, TrieV6};
use synguard_common::source::{Address, SourceKey};
use synguard_common::verdict::{Reason, Verdict};

use super::pins::Pins;
use super::plain::Plain;
use crate::clock::Clock;
use crate::error::Context as _;
use crate::{Error, Result, address};

/// The maps of one interface.
pub struct Maps {
    settings: Array<MapData, Plain<Settings>>,
    attachment: Array<MapData, Plain<Attachment>>,
    counters: PerCpuArray<MapData, u64>,
    clock: Array<MapData, u64>,
    sources: HashMap<MapData, SourceKey, Plain<SourceRecord>>,
    pub(super) exact_v4: HashMap<MapData, u32, Plain<Rule>>,
    pub(super) exact_v6: HashMap<MapData, [u32; 4], Plain<Rule>>,
    pub(super) prefix_v4: LpmTrie<MapData, TrieV4, Plain<Rule>>,
    pub(super) prefix_v6: LpmTrie<MapData, TrieV6, Plain<Rule>>,
}

impl Maps {
    /// Opens the maps pinned for an interface.
    ///
    /// # Errors
    ///
    /// [`Error::Absent`] where the interface is not attached,
    /// [`Error::Unsupported`] where another version made the maps.
    pub fn open(pins: &Pins) -> Result<Self> {
        if !pins.exist() {
            return Err(Error::Absent(format!(
                "{0} is not attached: `synguard attach {0}` does it",
                pins.interface()
            )));
        }
        let maps = Self::open_pinned(pins)?;
        let version = maps.settings()?.abi_version;
        if version == ABI_VERSION {
            return Ok(maps);
        }
        Err(other_version(
            pins,
            &format!("layout {version}, this is layout {ABI_VERSION}"),
        ))
    }

    /// Opens the maps before their settings are written.
    pub(super) fn open_pinned(pins: &Pins) -> Result<Self> {
        Self::from_maps(|name| {
            let data =
                MapData::from_pin(pins.path(name)).context(format!("opening the map {name}"))?;
            Map::from_map_data(data).context(format!("opening the map {name}"))
        })
        .map_err(|error| match error {
            Error::Failed { source, .. } if is_layout_error(&*source) => {
                other_version(pins, &source.to_string())
            }
            error => error,
        })
    }

    pub(super) fn from_maps(mut map: impl FnMut(&str) -> Result<Map>) -> Result<Self> {
        Ok(Self {
            settings: map("SETTINGS")?.try_into().context("opening SETTINGS")?,
            attachment: map("ATTACHMENT")?
                .try_into()
                .context("opening ATTACHMENT")?,
            counters: map("COUNTERS")?.try_into().context("opening COUNTERS")?,
            clock: map("CLOCK")?.try_into().context("opening CLOCK")?,
            sources: map("SOURCES")?.try_into().context("opening SOURCES")?,
            exact_v4: map("EXACT_V4")?.try_into().context("opening EXACT_V4")?,
            exact_v6: map("EXACT_V6")?.try_into().context("opening EXACT_V6")?,
            prefix_v4: map("PREFIX_V4")?.try_into().context("opening PREFIX_V4")?,
            prefix_v6: map("PREFIX_V6")?.try_into().context("opening PREFIX_V6")?,
        })
    }

    /// What the packet path is told.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] where the kernel refuses to read the map; so below.
    pub fn settings(&self) -> Result<Settings> {
        Ok(self.settings.get(&0, 0).context("reading the settings")?.0)
    }

    /// Tells the packet path something else.
    pub fn set_settings(&mut self, settings: Settings) -> Result<()> {
        self.settings
            .set(0, Plain(settings), 0)
            .context("writing the settings")
    }

    /// How and when the filter was attached.
    pub fn attachment(&self) -> Result<Attachment> {
        Ok(self
            .attachment
            .get(&0, 0)
            .context("reading the attachment")?
            .0)
    }

    pub(super) fn set_attachment(&mut self, attachment: Attachment) -> Result<()> {
        self.attachment
            .set(0, Plain(attachment), 0)
            .context("writing the attachment")
    }

    /// The tick that the clock program read last.
    pub(super) fn tick(&self) -> Result<u64> {
        self.clock.get(&0, 0).context("reading the kernel's tick")
    }

    /// The clock that the maps' ticks are read by.
    pub fn clock(&self) -> Result<Clock> {
        Ok(Clock {
            hz: self.settings()?.hz,
            offset: self.attachment()?.tick_offset,
        })
    }

    /// Packets by reason, over all CPUs.
    pub fn counters(&self) -> Result<Counters> {
        let mut counters = Counters::default();
        for reason in Reason::ALL {
            let values = self
                .counters
                .get(&(reason as u32), 0)
                .context("reading the counters")?;
            counters.0[reason as usize] = values.iter().sum();
        }
        Ok(counters)
    }

    /// The record of a source, if it is still known.
    pub fn source(&self, source: Address) -> Result<Option<SourceRecord>> {
        match self.sources.get(&source.key(), 0) {
            Ok(record) => Ok(Some(record.0)),
            Err(MapError::KeyNotFound) => Ok(None),
            Err(error) => Err(error).context("reading a source"),
        }
    }

    /// All known sources.
    pub fn sources(&self) -> impl Iterator<Item = Result<(IpAddr, SourceRecord)>> {
        self.sources.iter().map(|entry| {
            let (key, record) = entry.context("reading the sources")?;
            Ok((address::from_words(Address::from_key(key)), record.0))
        })
    }

    /// Puts a source's record in place: for tests and for replay.
    pub fn set_source(&mut self, source: Address, record: SourceRecord) -> Result<()> {
        self.sources
            .insert(source.key(), Plain(record), 0)
            .context("writing a source")
    }

    /// Forgets a source, known or not: for tests and for replay.
    pub fn forget_source(&mut self, source: Address) -> Result<()> {
        match self.sources.remove(&source.key()) {
            Err(MapError::SyscallError(error))
                if error.io_error.kind() == std::io::ErrorKind::NotFound =>
            {
                Ok(())
            }
            result => result.context("forgetting a source"),
        }
    }
}

fn is_layout_error(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    matches!(
        error.downcast_ref(),
        Some(
            MapError::InvalidKeySize { .. }
                | MapError::InvalidValueSize { .. }
                | MapError::InvalidMapType { .. }
        )
    )
}

fn other_version(pins: &Pins, what: &str) -> Error {
    Error::Unsupported(format!(
        "the maps of {0} were made by another version of SynGuard ({what}): \
         use that version, or `synguard detach {0}` and attach again",
        pins.interface()
    ))
}

/// Packets by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters([u64; Reason::COUNT]);

impl Counters {
    /// Packets with this reason.
    pub const fn of(&self, reason: Reason) -> u64 {
        self.0[reason as usize]
    }

    /// Packets with any of the reasons that `wanted` picks.
    pub fn sum(&self, wanted: impl Fn(Reason) -> bool) -> u64 {
        let picked = Reason::ALL.into_iter().filter(|reason| wanted(*reason));
        picked.map(|reason| self.of(reason)).sum()
    }

    /// All packets.
    pub fn packets(&self) -> u64 {
        self.sum(|_| true)
    }

    /// All SYNs.
    pub fn syns(&self) -> u64 {
        self.sum(Reason::is_syn)
    }

    /// Packets dropped, or that would have been in a dry run.
    pub fn dropped(&self) -> u64 {
        self.sum(|reason| reason.verdict() == Verdict::Drop)
    }
}
