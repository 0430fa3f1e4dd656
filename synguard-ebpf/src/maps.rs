//! The maps. Their layout is `synguard_common::abi`; their names are part of it.

use core::cell::Cell;

use aya_ebpf::bindings::BPF_F_NO_PREALLOC;
use aya_ebpf::btf_maps::{Array, HashMap, LpmTrie, LruHashMap, PerCpuArray, RingBuf};
use aya_ebpf::macros::btf_map;
use synguard_common::abi::{
    Attachment, LivePressure, LiveRecord, LiveRule, Settings, TrieV4, TrieV6,
};
use synguard_common::sketch::CELLS;
use synguard_common::source::SourceKey;
use synguard_common::verdict::Reason;

const NO_PREALLOC: usize = BPF_F_NO_PREALLOC as usize;

/// Room for rules. Not preallocated: memory is taken as rules are added. Not
/// LRU: a flood of spoofed sources must not be able to push a rule out.
const RULES: usize = 2_000_000;

/// What the packet path is told.
#[btf_map]
pub(crate) static SETTINGS: Array<Settings, 1> = Array::new();

/// How the filter was attached; the kernel only keeps it.
#[btf_map]
pub(crate) static ATTACHMENT: Array<Attachment, 1> = Array::new();

/// Packets by reason.
#[btf_map]
pub(crate) static COUNTERS: PerCpuArray<u64, { Reason::COUNT }> = PerCpuArray::new();

/// Rules for exactly one IPv4 source.
#[btf_map]
pub(crate) static EXACT_V4: HashMap<u32, LiveRule, RULES, NO_PREALLOC> = HashMap::new();

/// Rules for exactly one IPv6 source.
#[btf_map]
pub(crate) static EXACT_V6: HashMap<[u32; 4], LiveRule, RULES, NO_PREALLOC> = HashMap::new();

/// Rules for other IPv4 prefixes.
#[btf_map]
pub(crate) static PREFIX_V4: LpmTrie<TrieV4, LiveRule, RULES, NO_PREALLOC> = LpmTrie::new();

/// Rules for other IPv6 prefixes.
#[btf_map]
pub(crate) static PREFIX_V6: LpmTrie<TrieV6, LiveRule, RULES, NO_PREALLOC> = LpmTrie::new();

/// What is known of the sources seen most recently.
#[btf_map]
pub(crate) static SOURCES: LruHashMap<SourceKey, LiveRecord, 65_536> = LruHashMap::new();

/// How many new sources there are.
#[btf_map]
pub(crate) static PRESSURE: Array<LivePressure, 1> = Array::new();

/// The cells of `synguard_common::sketch`.
#[btf_map]
pub(crate) static SKETCH: Array<Cell<u32>, { CELLS as usize }> = Array::new();

/// `synguard_common::abi::Event`s for the controller.
#[btf_map]
pub(crate) static EVENTS: RingBuf<(), 65_536> = RingBuf::new();

/// The kernel's tick as `synguard_clock` last read it.
#[btf_map]
pub(crate) static CLOCK: Array<u64, 1> = Array::new();
