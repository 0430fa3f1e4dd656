//! The maps on the host: what the kernel's are to the program.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use ipnet::IpNet;
use synguard::address;
use synguard_common::abi::{LivePressure, LiveRecord, LiveRule, Rule, Settings, SourceRecord};
use synguard_common::decide::{Tables, decide};
use synguard_common::gate::{self, EXACT, PREFIX};
use synguard_common::known;
use synguard_common::packet::parse;
use synguard_common::repeat::{self, Kept};
use synguard_common::sketch::CELLS;
use synguard_common::source::{Address, SourceKey};
use synguard_common::verdict::Decision;

/// Rules and records in ordinary maps. Entries are leaked: a test is short, and
/// `Tables` hands out references as the kernel does.
pub struct HostTables {
    rules: HashMap<IpNet, &'static LiveRule>,
    gates: HashMap<u32, u64>,
    pressure: LivePressure,
    known: Vec<Cell<u64>>,
    kept: Vec<Kept>,
    sketch: Vec<Cell<u32>>,
    records: RefCell<HashMap<SourceKey, &'static LiveRecord>>,
    /// Sources reported to the controller.
    pub reported: RefCell<Vec<Address>>,
}

impl Default for HostTables {
    fn default() -> Self {
        Self {
            rules: HashMap::default(),
            gates: HashMap::default(),
            pressure: LivePressure::default(),
            kept: (0..repeat::PLACES).map(|_| Kept::default()).collect(),
            // All set: every source is looked for, as without the filter.
            known: vec![Cell::new(u64::MAX); known::WORDS as usize],
            sketch: vec![Cell::new(0); CELLS as usize],
            records: RefCell::default(),
            reported: RefCell::default(),
        }
    }
}

impl HostTables {
    /// Adds a rule, as the controller would.
    pub fn insert_rule(&mut self, net: IpNet, rule: Rule) {
        let live = LiveRule {
            hits: Cell::new(rule.hits),
            expires: rule.expires,
            since: rule.since,
            recent_ports: rule.recent_ports,
            source_port: rule.source_port,
            port_set: rule.port_set,
            syns: rule.syns,
            syns_per_second: rule.syns_per_second,
            handshakes: rule.handshakes,
            holders: rule.holders,
            action: rule.action,
            scope: rule.scope,
            origin: rule.origin,
            prefix_len: net.prefix_len(),
        };
        self.rules.insert(net, Box::leak(Box::new(live)));
        self.open(&net);
    }

    fn open(&mut self, net: &IpNet) {
        let words = address::to_words(net.network());
        let bits = u32::from(net.prefix_len());
        let mut open = |gate: gate::Gate, kind: u64| {
            *self.gates.entry(gate.word).or_default() |= kind << gate.shift;
        };
        match (words, bits) {
            (Address::V4(_), 32) | (Address::V6(_), 64) => {
                gate::of_source(words, bits).for_each(|gate| open(gate, EXACT));
            }
            _ => gate::of_prefix(words, bits).for_each(|gate| open(gate, PREFIX)),
        }
    }

    /// Puts a record in place.
    pub fn set_source(&self, source: Address, record: &SourceRecord) {
        let live = LiveRecord {
            syns: Cell::new(record.syns),
            dropped: Cell::new(record.dropped),
            handshakes: Cell::new(record.handshakes),
            resets: Cell::new(record.resets),
            first_seen: Cell::new(record.first_seen),
            last_seen: Cell::new(record.last_seen),
            window_start: Cell::new(record.window_start),
            window_syns: Cell::new(record.window_syns),
            window_dropped: Cell::new(record.window_dropped),
            window_handshakes: Cell::new(record.window_handshakes),
            recent_ports: Cell::new(record.recent_ports),
            port_set: Cell::new(record.port_set),
            previous_syns: Cell::new(record.previous_syns),
            previous_dropped: Cell::new(record.previous_dropped),
            previous_handshakes: Cell::new(record.previous_handshakes),
            source_port: Cell::new(record.source_port),
            reported: Cell::new(record.reported),
        };
        self.records
            .borrow_mut()
            .insert(source.key(), Box::leak(Box::new(live)));
    }

    /// A source's record.
    pub fn source(&self, source: Address) -> Option<&'static LiveRecord> {
        self.records.borrow().get(&source.key()).copied()
    }

    /// Decides about a frame as the kernel would.
    pub fn run(&self, frame: &[u8], now: u64, settings: &Settings) -> Decision {
        decide(parse(frame), now, settings, self)
    }

    fn lookup(&self, net: IpNet) -> Option<&LiveRule> {
        self.rules.get(&net).copied()
    }
}

impl Tables for HostTables {
    fn gates(&self, word: u32) -> u64 {
        self.gates.get(&word).copied().unwrap_or(0)
    }

    fn exact(&self, source: Address) -> Option<&LiveRule> {
        let bits = match source {
            Address::V4(_) => 32,
            Address::V6(_) => 64,
        };
        self.lookup(IpNet::new(address::from_words(source), bits).ok()?)
    }

    fn prefix(&self, address: Address, longest: u32) -> Option<&LiveRule> {
        let address = address::from_words(address);
        let exact = if address.is_ipv4() { 32 } else { 64 };
        (0..=u8::try_from(longest).ok()?)
            .rev()
            .filter(|len| *len != exact)
            .filter_map(|len| IpNet::new(address, len).ok())
            .find_map(|net| self.lookup(net.trunc()))
    }

    fn kept(&self, place: u32) -> Option<&Kept> {
        self.kept.get(usize::try_from(place).ok()?)
    }

    fn known_bits(&self, word: u32) -> Option<&Cell<u64>> {
        self.known.get(usize::try_from(word).ok()?)
    }

    fn known(&self, source: Address) -> Option<&LiveRecord> {
        self.source(source)
    }

    fn create(&self, source: Address, now: u64) -> Option<&LiveRecord> {
        self.set_source(source, &SourceRecord::BLANK);
        self.source(source)?.begin(now);
        self.source(source)
    }

    fn pressure(&self) -> Option<&LivePressure> {
        Some(&self.pressure)
    }

    fn cell(&self, place: u32) -> Option<&Cell<u32>> {
        self.sketch.get(usize::try_from(place).ok()?)
    }

    fn add(&self, counter: &Cell<u64>, amount: u64) {
        counter.set(counter.get() + amount);
    }

    fn report(&self, source: Address, _now: u64) {
        self.reported.borrow_mut().push(source);
    }
}
