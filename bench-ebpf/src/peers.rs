//! What SynGuard is compared with.

use aya_ebpf::bindings::xdp_action::{XDP_DROP, XDP_PASS, XDP_TX};
use aya_ebpf::btf_maps::{HashMap, LruHashMap};
use aya_ebpf::helpers::generated::bpf_ktime_get_ns;
use aya_ebpf::macros::{btf_map, xdp};
use aya_ebpf::programs::XdpContext;

use crate::headers::{FLAGS, PROTOCOL, ipv4_source, read};

/// SYNs a second from which on [`lru_count`] drops.
const LIMIT: u64 = 50;
const SECOND: u64 = 1_000_000_000;

const TCP: u8 = 6;
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

/// Blocked sources, and how often each came.
#[btf_map]
static BLOCKED: HashMap<u32, u64, 1024> = HashMap::new();

/// What the naive counter knows of a source.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Count {
    syns: u64,
    since: u64,
}

/// As many sources as SynGuard keeps unless told otherwise.
#[btf_map]
static COUNTS: LruHashMap<u32, Count, 65_536> = LruHashMap::new();

/// The least that a program can do about a packet.
#[xdp(frags)]
pub fn drop_all(_ctx: XdpContext) -> u32 {
    XDP_DROP
}

/// The least that leaves a packet to the kernel.
#[xdp(frags)]
pub fn pass_all(_ctx: XdpContext) -> u32 {
    XDP_PASS
}

/// The least that sends something back.
#[xdp(frags)]
pub fn send_back(_ctx: XdpContext) -> u32 {
    XDP_TX
}

/// The least that a blocklist needs.
#[xdp(frags)]
pub fn hash_drop(ctx: XdpContext) -> u32 {
    let Some(hits) = ipv4_source(&ctx).and_then(|source| BLOCKED.get_ptr_mut(source)) else {
        return XDP_PASS;
    };
    // SAFETY: the entry stays until the program ends; what another CPU adds at
    // the same instant may get lost, which costs a hit and nothing else.
    unsafe { *hits = (*hits).wrapping_add(1) };
    XDP_DROP
}

/// Counts the SYNs of every source, as a first version of most filters does:
/// every source gets an entry, the clock is read for every SYN.
#[xdp(frags)]
pub fn lru_count(ctx: XdpContext) -> u32 {
    match opening_source(&ctx) {
        Some(source) => count(source),
        None => XDP_PASS,
    }
}

#[inline(always)]
fn opening_source(ctx: &XdpContext) -> Option<u32> {
    let flags = read::<u8>(ctx, FLAGS)?;
    let source = ipv4_source(ctx)?;
    let opens = read::<u8>(ctx, PROTOCOL)? == TCP && flags & (SYN | ACK) == SYN;
    opens.then_some(source)
}

#[inline(always)]
fn count(source: u32) -> u32 {
    // SAFETY: the helper takes nothing and only reads a clock.
    let now = unsafe { bpf_ktime_get_ns() };
    let Some(count) = COUNTS.get_ptr_mut(source) else {
        let first = Count {
            syns: 1,
            since: now,
        };
        // A full map makes room by itself.
        let _ = COUNTS.insert(source, first, 0);
        return XDP_PASS;
    };
    // SAFETY: the entry stays until the program ends.
    let count = unsafe { &mut *count };
    if now.wrapping_sub(count.since) > SECOND {
        *count = Count {
            syns: 0,
            since: now,
        };
    }
    count.syns = count.syns.wrapping_add(1);
    if count.syns > LIMIT {
        XDP_DROP
    } else {
        XDP_PASS
    }
}
