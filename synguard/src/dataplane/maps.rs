//! The pinned maps, opened: settings, counters, sources.
//!
//! Rules are in [`super::rules`].

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::atomic::Ordering;

use aya::maps::{Array, Map, MapData, MapError, PerCpuArray, PerCpuValues};
use synguard_common::abi::layout::LINE;
use synguard_common::abi::{
    ABI_VERSION, Attachment, CaptureFilter, Endpoint, Engagement, List, Listener, Offences,
    Pressure, Rule, Settings, SourceRecord, SpoofedFlood, TrieV4, TrieV6, endpoint, holder,
};
use synguard_common::budget::Budget;
use synguard_common::known;
use synguard_common::source::{self, Address, SourceKey, SourceMask};
use synguard_common::verdict::Reason;

use super::layout::Layout;
use super::pins::Pins;
use super::plain::{self, Plain};
use super::table::{Table, describe};
use super::trie::Trie;
use super::words::Words;
use crate::clock::Clock;
use crate::counters::Counters;
use crate::error::Context as _;
use crate::{Error, Result, address};

/// The maps of one interface.
pub struct Maps {
    settings: Entries<Settings>,
    attachment: Entries<Attachment>,
    pressure: Entries<Pressure>,
    flood: Entries<SpoofedFlood>,
    engagement: Entries<Engagement>,
    lists: Entries<List>,
    counters: PerCpuArray<MapData, u64>,
    clock: Array<MapData, u64>,
    layout: Entries<[u8; LINE]>,
    pub(super) changes: Array<MapData, u64>,
    pub(super) sources: Table<SourceKey, SourceRecord>,
    pub(super) offences: Table<SourceKey, Offences>,
    listeners: Table<Endpoint, Listener>,
    capture: Entries<CaptureFilter>,
    budgets: Entries<Budget>,
    missed: PerCpuArray<MapData, u64>,
    pub(super) gates: OwnedFd,
    known: OwnedFd,
    pub(super) exact_v4: Table<u32, Rule>,
    pub(super) exact_v6: Table<[u32; 4], Rule>,
    pub(super) prefix_v4: Trie<TrieV4>,
    pub(super) prefix_v6: Trie<TrieV6>,
    /// As in the settings, which only attach changes.
    pub(super) mask: SourceMask,
}

/// An array of few entries.
struct Entries<T: plain::Words>(Array<MapData, Plain<T>>, &'static str);

impl<T: plain::Words> Entries<T> {
    fn get(&self, index: u32) -> Result<T> {
        let entry = self.0.get(&index, 0);
        Ok(entry.context(format!("reading {}", self.1))?.0)
    }

    fn set(&mut self, index: u32, value: T) -> Result<()> {
        let set = self.0.set(index, Plain(value), 0);
        set.context(format!("writing {}", self.1))
    }
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
        // Older layouts did not say what they were.
        if !pins.path("LAYOUT").exists() {
            return Err(other_version(pins, "an older layout"));
        }
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
        let settings: Entries<Settings> = entries(map("SETTINGS")?, "SETTINGS")?;
        Ok(Self {
            mask: settings.get(0)?.mask,
            settings,
            attachment: entries(map("ATTACHMENT")?, "ATTACHMENT")?,
            pressure: entries(map("PRESSURE")?, "PRESSURE")?,
            flood: entries(map("FLOOD")?, "FLOOD")?,
            engagement: entries(map("ENGAGEMENT")?, "ENGAGEMENT")?,
            lists: entries(map("LISTS")?, "LISTS")?,
            counters: map("COUNTERS")?.try_into().context("opening COUNTERS")?,
            clock: map("CLOCK")?.try_into().context("opening CLOCK")?,
            layout: entries(map("LAYOUT")?, "LAYOUT")?,
            changes: map("CHANGES")?.try_into().context("opening CHANGES")?,
            sources: Table::open(map("SOURCES")?, "SOURCES")?,
            offences: Table::open(map("OFFENCES")?, "OFFENCES")?,
            listeners: Table::open(map("LISTENERS")?, "LISTENERS")?,
            capture: entries(map("CAPTURE")?, "CAPTURE")?,
            budgets: entries(map("BUDGETS")?, "BUDGETS")?,
            missed: map("MISSED")?.try_into().context("opening MISSED")?,
            gates: describe(&map("GATES")?, "GATES")?.0,
            known: describe(&map("KNOWN")?, "KNOWN")?.0,
            exact_v4: Table::open(map("EXACT_V4")?, "EXACT_V4")?,
            exact_v6: Table::open(map("EXACT_V6")?, "EXACT_V6")?,
            prefix_v4: Trie::open(map("PREFIX_V4")?, "PREFIX_V4")?,
            prefix_v6: Trie::open(map("PREFIX_V6")?, "PREFIX_V6")?,
        })
    }

    /// What the packet path is told.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] where the kernel refuses to read the map; so below.
    pub fn settings(&self) -> Result<Settings> {
        self.settings.get(0)
    }

    /// Tells the packet path something else.
    pub fn set_settings(&mut self, settings: Settings) -> Result<()> {
        self.mask = settings.mask;
        self.settings.set(0, settings)
    }

    /// How and when the filter was attached.
    pub fn attachment(&self) -> Result<Attachment> {
        self.attachment.get(0)
    }

    pub(super) fn set_attachment(&mut self, attachment: Attachment) -> Result<()> {
        self.attachment.set(0, attachment)
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
            counters.add(reason, values.iter().sum());
        }
        Ok(counters)
    }

    /// Says in the maps themselves what their layout is.
    pub(super) fn describe(&mut self) -> Result<()> {
        (0..)
            .zip(Layout::own().lines())
            .try_for_each(|(index, line)| self.layout.set(index, line))
    }

    /// Lets the counter of the reason with this name begin at `count`; without effect where
    /// there is none.
    pub(super) fn begin_counter(&mut self, name: &str, count: u64) -> Result<()> {
        let Some(reason) = Reason::ALL.into_iter().find(|each| each.label() == name) else {
            return Ok(());
        };
        let cpus = aya::util::nr_cpus().map_err(|(_, error)| error);
        let mut values = vec![0; cpus.context("counting CPUs")?];
        values[0] = count;
        let values = PerCpuValues::try_from(values).context("counting CPUs")?;
        let set = self.counters.set(reason as u32, values, 0);
        set.context("writing the counters")
    }

    /// How many new sources there are.
    pub fn pressure(&self) -> Result<Pressure> {
        self.pressure.get(0)
    }

    /// Makes it look otherwise: for replay.
    pub(super) fn set_pressure(&mut self, pressure: Pressure) -> Result<()> {
        self.pressure.set(0, pressure)
    }

    /// A word of the filter before the records.
    pub(super) fn known_word(&self, word: u32) -> Result<u64> {
        let filter = Words::map(self.known.as_fd(), known::WORDS)?;
        Ok(filter.all()[word as usize].load(Ordering::Relaxed))
    }

    pub(super) fn set_known_word(&self, word: u32, bits: u64) -> Result<()> {
        let filter = Words::map(self.known.as_fd(), known::WORDS)?;
        filter.all()[word as usize].store(bits, Ordering::Relaxed);
        Ok(())
    }

    /// Whether there is a spoofed flood.
    pub fn flood(&self) -> Result<SpoofedFlood> {
        self.flood.get(0)
    }

    /// Notes whether there is one.
    pub fn set_flood(&mut self, flood: SpoofedFlood) -> Result<()> {
        self.flood.set(0, flood)
    }

    /// Whether new clients are challenged.
    pub fn engagement(&self) -> Result<Engagement> {
        self.engagement.get(0)
    }

    /// Notes whether they are.
    pub fn set_engagement(&mut self, engagement: Engagement) -> Result<()> {
        self.engagement.set(0, engagement)
    }

    /// The imported lists, by index.
    pub fn lists(&self) -> Result<Vec<List>> {
        (0..holder::LISTS)
            .map(|index| self.lists.get(index))
            .collect()
    }

    /// Notes a list.
    pub fn set_list(&mut self, index: u32, list: List) -> Result<()> {
        self.lists.set(index, list)
    }

    /// The record of a source, if it is still known.
    pub fn source(&self, source: Address) -> Result<Option<SourceRecord>> {
        self.sources.get(&source.key())
    }

    /// Hands all known sources to `each`.
    pub fn each_source(&self, mut each: impl FnMut(IpAddr, SourceRecord)) -> Result<()> {
        self.sources
            .each(|key, record| each(address::from_words(Address::from_key(key)), record))
    }

    /// How many sources can be known.
    pub const fn source_capacity(&self) -> u32 {
        self.sources.capacity()
    }

    /// Puts records in place: for tests, measurements and replay.
    pub fn set_sources(&mut self, sources: &[(Address, SourceRecord)]) -> Result<()> {
        let (keys, records): (Vec<_>, Vec<_>) = sources
            .iter()
            .map(|(source, record)| (source.key(), *record))
            .unzip();
        self.sources.insert_all(&keys, &records)?;
        self.know(keys)
    }

    /// Tells the filter before the records that these sources have one.
    pub(super) fn know(&self, sources: impl IntoIterator<Item = SourceKey>) -> Result<()> {
        let seed = self.settings()?.seed;
        let filter = Words::map(self.known.as_fd(), known::WORDS)?;
        for source in sources {
            let (word, bit) = known::place(source::hash(source, seed));
            filter.all()[word as usize].fetch_or(bit, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Hands all known sources to `each`, and renews the filter before the records
    /// by them: those that are gone leave it.
    pub fn review_sources(&mut self, mut each: impl FnMut(SourceKey, SourceRecord)) -> Result<()> {
        let seed = self.settings()?.seed;
        let mut wanted = vec![0; known::WORDS as usize];
        self.sources.each(|key, record| {
            let (word, bit) = known::place(source::hash(key, seed));
            wanted[word as usize] |= bit;
            each(key, record);
        })?;
        Words::map(self.known.as_fd(), known::WORDS)?.replace(&wanted);
        Ok(())
    }

    /// Where SYNs can be answered with cookies, and how.
    pub fn listeners(&self) -> Result<Vec<(SocketAddr, Listener)>> {
        let mut listeners = Vec::new();
        self.listeners.each(|[a, b, c, d, port], listener| {
            let address = address::from_words(Address::from_key([a, b, c, d]));
            // Ports were 16 bits before they became a word.
            listeners.push((SocketAddr::new(address, port as u16), listener));
        })?;
        Ok(listeners)
    }

    /// Says so, in place of what was said before.
    pub fn set_listeners(&mut self, listeners: &[(SocketAddr, Listener)]) -> Result<()> {
        let mut before = HashMap::new();
        self.listeners.each(|key, listener| {
            before.insert(key, listener);
        })?;
        let mut changed = Vec::new();
        for (address, listener) in listeners {
            let key = endpoint(address::to_words(address.ip()).key(), address.port());
            if before.remove(&key) != Some(*listener) {
                changed.push((key, *listener));
            }
        }
        // Those that are gone make room.
        for gone in before.keys() {
            self.listeners.remove(gone)?;
        }
        for (key, listener) in changed {
            self.listeners.insert(key, listener)?;
        }
        Ok(())
    }

    /// Says which packets a capture wants.
    pub fn set_capture(&mut self, filter: CaptureFilter) -> Result<()> {
        self.capture.set(0, filter)
    }

    /// Says how many packets may be shown; the index is a [`budget`](synguard_common::abi::budget).
    pub fn set_budget(&mut self, index: u32, budget: Budget) -> Result<()> {
        self.budgets.set(index, budget)
    }

    /// Packets that captures did without since attach; the index is a
    /// [`missed`](synguard_common::abi::missed).
    pub fn missed(&self, index: u32) -> Result<u64> {
        let values = self.missed.get(&index, 0);
        Ok(values.context("reading MISSED")?.iter().sum())
    }

    /// Forgets a source, known or not.
    pub fn forget_source(&mut self, source: Address) -> Result<()> {
        self.sources.remove(&source.key())
    }

    /// Forgets all sources.
    pub(super) fn forget_sources(&mut self) -> Result<()> {
        let mut keys = Vec::new();
        self.sources.each(|key, _| keys.push(key))?;
        self.sources.remove_all(&keys)
    }

    /// How often a source was banned; none where nobody remembers.
    pub fn offences(&self, source: Address) -> Result<Option<Offences>> {
        self.offences.get(&source.key())
    }

    /// Notes it.
    pub fn set_offences(&mut self, source: Address, offences: Offences) -> Result<()> {
        self.offences.insert(source.key(), offences)
    }

    /// Hands all that are remembered to `each`.
    pub fn each_offence(&self, mut each: impl FnMut(Address, Offences)) -> Result<()> {
        self.offences
            .each(|key, offences| each(Address::from_key(key), offences))
    }

    /// Takes note of what is one source by now, which a reload may have changed.
    pub fn see_sources(&mut self) -> Result<()> {
        self.mask = self.settings()?.mask;
        Ok(())
    }

    /// Forgets it.
    pub fn forget_offences_of(&mut self, source: Address) -> Result<()> {
        self.offences.remove(&source.key())
    }

    /// Forgets the offences of all sources that `over` picks.
    pub fn forget_offences(&mut self, over: impl Fn(&Offences) -> bool) -> Result<()> {
        let mut keys = Vec::new();
        self.offences.each(|key, offences| {
            if over(&offences) {
                keys.push(key);
            }
        })?;
        self.offences.remove_all(&keys)
    }
}

fn entries<T: plain::Words>(map: Map, name: &'static str) -> Result<Entries<T>> {
    Ok(Entries(
        map.try_into().context(format!("opening {name}"))?,
        name,
    ))
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
         use that version, or `synguard attach {0}` with this one, which takes the filter over",
        pins.interface()
    ))
}
