//! A filter whose maps another build made, and what of it is taken over.

use synguard_common::abi::layout::{
    ATTACHMENT, LINE, LISTS, OFFENCES, PARTS, RULES, SETTINGS, SOURCES,
};
use synguard_common::abi::{ABI_VERSION, Attachment, Settings};

use aya::maps::{Map, MapData, PerCpuArray};

use super::layout::Layout;
use super::maps::Maps;
use super::pins::Pins;
use super::raw_map::RawMap;
use crate::Result;
use crate::error::Context as _;

/// The last version whose maps said nothing of their layout. Its entries begin like those
/// of the first that did.
const SILENT: u32 = 4;

/// The maps of another build.
pub(super) struct Foreign {
    pins: Pins,
    layout: Layout,
}

impl Foreign {
    /// The maps that are pinned, unless this build's own layout is theirs.
    pub(super) fn look(pins: &Pins) -> Result<Option<Self>> {
        let layout = read_layout(pins)?;
        Ok((layout.abi != ABI_VERSION).then(|| Self {
            pins: pins.clone(),
            layout,
        }))
    }

    /// Which build's.
    pub(super) const fn abi(&self) -> u32 {
        self.layout.abi
    }

    /// Whether the rules, and what else decides about packets, can be read.
    pub(super) fn is_readable(&self) -> bool {
        [SETTINGS, RULES, LISTS]
            .into_iter()
            .all(|part| self.layout.has(part))
    }

    /// Room for rules and for sources.
    pub(super) fn capacity(&self, name: &'static str) -> Option<u32> {
        RawMap::open(&self.pins, name).ok().map(|map| map.capacity)
    }

    /// What the packet path is told, as far as this build knows it.
    pub(super) fn settings(&self) -> Result<Settings> {
        let mut settings = None;
        RawMap::open(&self.pins, "SETTINGS")?.each(SETTINGS.bytes, |_: u32, entry: Settings| {
            settings = Some(Settings {
                abi_version: ABI_VERSION,
                ..entry
            });
        })?;
        settings.ok_or("no entry").context("reading SETTINGS")
    }

    /// How it was attached, where that can be read.
    pub(super) fn attachment(&self) -> Option<Attachment> {
        let mut attachment = None;
        let map = RawMap::open(&self.pins, "ATTACHMENT").ok()?;
        let read = map.each(ATTACHMENT.bytes, |_: u32, entry| attachment = Some(entry));
        read.ok().filter(|()| self.layout.has(ATTACHMENT))?;
        attachment
    }

    /// Fills the maps of this build, whose rules are locked. Gives the names of what is not
    /// taken along.
    pub(super) fn hand_over(&self, maps: &mut Maps) -> Result<Vec<&'static str>> {
        let settings = self.settings()?;
        maps.set_settings(settings)?;
        self.hand_over_rules(maps)?;
        let mut left = PARTS.map(|part| part.name).to_vec();
        left.retain(|name| !matches!(*name, "settings" | "rules" | "lists"));
        let mut done = |name: &str| left.retain(|left| *left != name);
        if self.layout.has(OFFENCES) {
            let map = RawMap::open(&self.pins, "OFFENCES")?;
            maps.offences.copy(&map, OFFENCES)?;
            done(OFFENCES.name);
        }
        if self.layout.has(SOURCES) {
            let map = RawMap::open(&self.pins, "SOURCES")?;
            let sources = maps.sources.copy(&map, SOURCES)?;
            maps.know(sources)?;
            done(SOURCES.name);
        }
        if let Some(attachment) = self.attachment() {
            maps.set_attachment(attachment)?;
            done(ATTACHMENT.name);
        }
        self.hand_over_counters(maps)?;
        if self.layout.counters.is_empty() {
            left.push("counters");
        }
        maps.tidy()?;
        Ok(left)
    }

    fn hand_over_rules(&self, maps: &mut Maps) -> Result<()> {
        let open = |name| RawMap::open(&self.pins, name);
        maps.exact_v4.copy(&open("EXACT_V4")?, RULES)?;
        maps.exact_v6.copy(&open("EXACT_V6")?, RULES)?;
        maps.prefix_v4.copy(&open("PREFIX_V4")?, RULES)?;
        maps.prefix_v6.copy(&open("PREFIX_V6")?, RULES)?;
        let mut lists = Vec::new();
        open("LISTS")?.each(LISTS.bytes, |index: u32, list| lists.push((index, list)))?;
        lists
            .into_iter()
            .try_for_each(|(index, list)| maps.set_list(index, list))
    }

    /// Those whose reason has the same name.
    fn hand_over_counters(&self, maps: &mut Maps) -> Result<()> {
        let data = MapData::from_pin(self.pins.path("COUNTERS")).context("opening COUNTERS")?;
        let map = Map::from_map_data(data).context("opening COUNTERS")?;
        let counters: PerCpuArray<_, u64> = map.try_into().context("opening COUNTERS")?;
        for (index, name) in (0..counters.len()).zip(&self.layout.counters) {
            let values = counters.get(&index, 0).context("reading COUNTERS")?;
            maps.begin_counter(name, values.iter().sum())?;
        }
        Ok(())
    }
}

fn read_layout(pins: &Pins) -> Result<Layout> {
    if !pins.path("LAYOUT").exists() {
        return silent_layout(pins);
    }
    let mut lines = Vec::new();
    let map = RawMap::open(pins, "LAYOUT")?;
    map.each(LINE, |index: u32, line: [u8; LINE]| {
        lines.push((index, line));
    })?;
    lines.sort_unstable_by_key(|(index, _)| *index);
    Ok(Layout::parse(lines.into_iter().map(|(_, line)| line)))
}

fn silent_layout(pins: &Pins) -> Result<Layout> {
    let mut abi = 0;
    RawMap::open(pins, "SETTINGS")?.each(size_of::<u32>(), |_: u32, version| abi = version)?;
    let parts: &[_] = if abi == SILENT { &PARTS } else { &[] };
    Ok(Layout::of(abi, parts))
}
