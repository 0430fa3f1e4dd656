//! The maps on the host: what the kernel's are to the program.

use std::cell::{Cell, RefCell};

use hashbrown::HashMap;
use ipnet::IpNet;
use synguard_common::abi::{LivePressure, LiveRecord, LiveRule, Pressure, Rule, SourceRecord};
use synguard_common::decide::Tables;
use synguard_common::gate::{self, EXACT, PREFIX};
use synguard_common::known;
use synguard_common::repeat::Kept;
use synguard_common::sketch::{self, CELLS};
use synguard_common::source::{self, Address, SourceKey, SourceMask};

use super::live::{live_rule, plain_record, plain_rule, write_record};
use super::slots::Slots;
use crate::address;
use crate::dataplane::Snapshot;

/// Rules without a bound, and as many records as there is room for.
pub struct HostTables {
    mask: SourceMask,
    seed: u64,
    exact: HashMap<SourceKey, LiveRule>,
    prefixes: HashMap<IpNet, LiveRule>,
    gates: Vec<u64>,
    known: Vec<Cell<u64>>,
    records: Slots<SourceKey, LiveRecord>,
    pressure: LivePressure,
    sketch: Vec<Cell<u32>>,
    /// Sources that the controller is to look at.
    reported: RefCell<Vec<SourceKey>>,
}

impl HostTables {
    /// Empty ones for so many sources. `mask` and `seed` are those of the settings.
    pub fn new(mask: SourceMask, seed: u64, sources: u32) -> Self {
        Self {
            mask,
            seed,
            exact: HashMap::new(),
            prefixes: HashMap::new(),
            gates: vec![0; gate::WORDS as usize],
            known: vec![Cell::new(0); known::WORDS as usize],
            records: Slots::new(sources),
            pressure: LivePressure::default(),
            sketch: vec![Cell::new(0); CELLS as usize],
            reported: RefCell::default(),
        }
    }

    /// The rule for exactly this prefix.
    pub fn rule(&self, net: &IpNet) -> Option<Rule> {
        let found = if address::is_source(net, &self.mask) {
            self.exact.get(&address::to_words(net.network()).key())
        } else {
            self.prefixes.get(net)
        };
        found.map(plain_rule)
    }

    /// Puts a rule in place.
    pub fn insert_rule(&mut self, net: IpNet, rule: Rule) {
        let words = address::to_words(net.network());
        let bits = u32::from(net.prefix_len());
        let live = live_rule(&Rule {
            prefix_len: net.prefix_len(),
            ..rule
        });
        let gates = &mut self.gates;
        let mut open = |gate: gate::Gate, kind: u64| {
            gates[gate.word as usize] |= kind << gate.shift;
        };
        if address::is_source(&net, &self.mask) {
            self.exact.insert(words.key(), live);
            gate::of_source(words, bits).for_each(|gate| open(gate, EXACT));
        } else {
            self.prefixes.insert(net, live);
            gate::of_prefix(words, bits).for_each(|gate| open(gate, PREFIX));
        }
    }

    /// Removes it. Its gate stays open, which costs lookups and nothing else.
    pub fn remove_rule(&mut self, net: &IpNet) {
        if address::is_source(net, &self.mask) {
            self.exact.remove(&address::to_words(net.network()).key());
        } else {
            self.prefixes.remove(net);
        }
    }

    /// A source's record.
    pub fn source(&self, source: Address) -> Option<SourceRecord> {
        self.records.get(source.key()).map(plain_record)
    }

    /// Puts a record in place.
    pub fn set_source(&self, source: Address, record: &SourceRecord) {
        let entry = self.record(source.key());
        write_record(entry, record);
        let (word, bit) = known::place(source::hash(source.key(), self.seed));
        let bits = &self.known[word as usize];
        bits.set(bits.get() | bit);
    }

    fn record(&self, key: SourceKey) -> &LiveRecord {
        match self.records.get(key) {
            Some(entry) => entry,
            None => self.records.claim(key, |_, _| ()),
        }
    }

    /// Hands all known sources to `each`, and renews the filter before the records by
    /// them.
    pub fn review(&self, each: &mut dyn FnMut(SourceKey, SourceRecord)) {
        self.known.iter().for_each(|word| word.set(0));
        self.records.each(|key, record| {
            let (word, bit) = known::place(source::hash(key, self.seed));
            let bits = &self.known[word as usize];
            bits.set(bits.get() | bit);
            each(key, plain_record(record));
        });
    }

    /// What concerns one source.
    pub fn snapshot(&self, source: Address) -> Snapshot {
        let hash = source::hash(source.key(), self.seed);
        let cell = |place: u32| self.sketch[place as usize].get();
        Snapshot {
            record: self.source(source),
            rule: self.exact.get(&source.key()).map(plain_rule),
            pressure: self.new_sources(),
            cells: sketch::places(hash).map(cell),
            known: self.known[known::place(hash).0 as usize].get(),
        }
    }

    /// How many sources are known.
    pub fn sources(&self) -> usize {
        self.records.len()
    }

    /// How many new sources there are.
    pub const fn new_sources(&self) -> Pressure {
        let pressure = &self.pressure;
        Pressure {
            epoch: pressure.epoch.get(),
            sketched: pressure.sketched.get(),
            events: pressure.events.get(),
            answered: pressure.answered.get(),
            admitted: pressure.admitted.get(),
            created: pressure.created.get(),
            handshakes: pressure.handshakes.get(),
            lost: pressure.lost.get(),
        }
    }

    /// The sources reported since this was asked last.
    pub fn take_reported(&self) -> Vec<SourceKey> {
        self.reported.take()
    }

    /// Whether there are any.
    pub fn has_reported(&self) -> bool {
        !self.reported.borrow().is_empty()
    }
}

impl Tables for HostTables {
    fn gates(&self, word: u32) -> u64 {
        self.gates.get(word as usize).copied().unwrap_or(u64::MAX)
    }

    /// None: looking a rule up costs little here, and its hits are exact.
    fn kept(&self, _place: u32) -> Option<&Kept> {
        None
    }

    fn exact(&self, source: Address) -> Option<&LiveRule> {
        self.exact.get(&source.key())
    }

    fn prefix(&self, address: Address, longest: u32) -> Option<&LiveRule> {
        let address = address::from_words(address);
        (0..=u8::try_from(longest).ok()?)
            .rev()
            .filter_map(|len| IpNet::new(address, len).ok())
            .find_map(|net| self.prefixes.get(&net.trunc()))
    }

    fn known_bits(&self, word: u32) -> Option<&Cell<u64>> {
        self.known.get(word as usize)
    }

    fn known(&self, source: Address) -> Option<&LiveRecord> {
        self.records.get(source.key())
    }

    fn create(&self, source: Address, now: u64) -> Option<&LiveRecord> {
        if let Some(record) = self.records.get(source.key()) {
            return Some(record);
        }
        let record = self.record(source.key());
        write_record(record, &SourceRecord::BLANK);
        record.begin(now);
        Some(record)
    }

    fn pressure(&self) -> Option<&LivePressure> {
        Some(&self.pressure)
    }

    fn cell(&self, place: u32) -> Option<&Cell<u32>> {
        self.sketch.get(place as usize)
    }

    fn add(&self, counter: &Cell<u64>, amount: u64) {
        counter.set(counter.get().wrapping_add(amount));
    }

    fn report(&self, source: Address, _now: u64) {
        self.reported.borrow_mut().push(source.key());
    }
}
