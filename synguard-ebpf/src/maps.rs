//! The maps. Their layout is `synguard_common::abi`; their names are part of it.

use core::cell::Cell;

use aya_ebpf::bindings::{BPF_F_MMAPABLE, BPF_F_NO_PREALLOC};
use aya_ebpf::btf_maps::{Array, HashMap, LpmTrie, LruHashMap, PerCpuArray, ProgramArray, RingBuf};
use aya_ebpf::macros::btf_map;
use synguard_common::abi::{
    Attachment, CaptureFilter, Draft, Endpoint, Engagement, List, Listener, LivePressure,
    LiveRecord, LiveRule, Offences, Settings, SpoofedFlood, TrieV4, TrieV6, budget, change, holder,
    layout, missed,
};
use synguard_common::budget::LiveBudget;
use synguard_common::gate;
use synguard_common::known;
use synguard_common::repeat::{self, Kept};
use synguard_common::sketch::CELLS;
use synguard_common::source::SourceKey;
use synguard_common::verdict::Reason;

const NO_PREALLOC: usize = BPF_F_NO_PREALLOC as usize;

/// Room for rules, unless attach is told otherwise. Not preallocated: memory is
/// taken as rules are added, beyond 16 bytes for each of a hash map. Not LRU: a
/// flood of spoofed sources must not be able to push a rule out.
const RULES: usize = 262_144;

/// What the packet path is told.
#[btf_map]
pub(crate) static SETTINGS: Array<Settings, 1> = Array::new();

/// How the filter was attached; the kernel only keeps it.
#[btf_map]
pub(crate) static ATTACHMENT: Array<Attachment, 1> = Array::new();

/// What these maps' layout is, in words; the kernel only keeps it.
#[btf_map]
pub(crate) static LAYOUT: Array<[u8; layout::LINE], { layout::LINES }> = Array::new();

/// How often rules were changed; the kernel only keeps it.
#[btf_map]
pub(crate) static CHANGES: Array<u64, { change::COUNT }> = Array::new();

/// Packets by reason.
#[btf_map]
pub(crate) static COUNTERS: PerCpuArray<u64, { Reason::COUNT }> = PerCpuArray::new();

/// The gates before the rules; user space opens them.
#[btf_map]
pub(crate) static GATES: Array<u64, { gate::WORDS as usize }, { BPF_F_MMAPABLE as usize }> =
    Array::new();

/// The verdicts that each CPU keeps for the next packets of a flood.
#[btf_map]
pub(crate) static REPEAT: PerCpuArray<Kept, { repeat::PLACES as usize }> = PerCpuArray::new();

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

/// What is known of the sources seen most recently. As large as attach says.
#[btf_map]
pub(crate) static SOURCES: LruHashMap<SourceKey, LiveRecord, 65_536> = LruHashMap::new();

/// The filter before them; the controller renews it.
#[btf_map]
pub(crate) static KNOWN: Array<Cell<u64>, { known::WORDS as usize }, { BPF_F_MMAPABLE as usize }> =
    Array::new();

/// How many new sources there are.
#[btf_map]
pub(crate) static PRESSURE: Array<LivePressure, 1> = Array::new();

/// The cells of `synguard_common::sketch`, in pairs: the kernel would round a
/// single one up to eight bytes.
#[btf_map]
pub(crate) static SKETCH: Array<[Cell<u32>; 2], { CELLS as usize / 2 }> = Array::new();

/// `synguard_common::abi::Event`s for the controller.
#[btf_map]
pub(crate) static EVENTS: RingBuf<(), 65_536> = RingBuf::new();

/// The programs that the filter goes on to, as far as this kernel takes them.
#[btf_map]
pub(crate) static NEXT: ProgramArray<{ next::COUNT }> = ProgramArray::new();

/// The same for frames in several buffers: a map holds programs of one kind.
#[btf_map]
pub(crate) static NEXT_FRAGS: ProgramArray<{ next::COUNT }> = ProgramArray::new();

/// The entries of [`NEXT`] and [`NEXT_FRAGS`].
pub(crate) mod next {
    /// Answers SYNs: [`crate::challenge`].
    pub(crate) const CHALLENGE: u32 = 0;
    /// Shows packets to user space: [`crate::sample`].
    pub(crate) const SAMPLE: u32 = 1;
    pub(crate) const COUNT: usize = 2;
}

/// Which packets a capture wants.
#[btf_map]
pub(crate) static CAPTURE: Array<CaptureFilter, 1> = Array::new();

/// How many packets user space is shown.
#[btf_map]
pub(crate) static BUDGETS: Array<LiveBudget, { budget::COUNT }> = Array::new();

/// How many a capture does without, by why.
#[btf_map]
pub(crate) static MISSED: PerCpuArray<u64, { missed::COUNT }> = PerCpuArray::new();

/// The packet that is about to be shown.
#[btf_map]
pub(crate) static DRAFT: PerCpuArray<Draft, 1> = PerCpuArray::new();

/// `synguard_common::abi::Sample`s for who captures.
#[btf_map]
pub(crate) static SAMPLES: RingBuf<(), 1_048_576> = RingBuf::new();

/// The same for the controller, which keeps them as evidence.
#[btf_map]
pub(crate) static EVIDENCE: RingBuf<(), 262_144> = RingBuf::new();

/// Where SYNs can be answered; user space says.
#[btf_map]
pub(crate) static LISTENERS: HashMap<Endpoint, Listener, 65_536, NO_PREALLOC> = HashMap::new();

/// Whether there is a spoofed flood; the kernel only keeps it.
#[btf_map]
pub(crate) static FLOOD: Array<SpoofedFlood, 1> = Array::new();

/// Whether new clients are challenged; the kernel only keeps it.
#[btf_map]
pub(crate) static ENGAGEMENT: Array<Engagement, 1> = Array::new();

/// Who was banned how often, the most recent of them; the kernel only keeps it.
#[btf_map]
pub(crate) static OFFENCES: LruHashMap<SourceKey, Offences, 65_536> = LruHashMap::new();

/// The imported lists; the kernel only keeps them.
#[btf_map]
pub(crate) static LISTS: Array<List, { holder::LISTS as usize }> = Array::new();

/// The kernel's tick as `synguard_clock` last read it.
#[btf_map]
pub(crate) static CLOCK: Array<u64, 1> = Array::new();
