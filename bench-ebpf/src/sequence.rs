//! Sources that never come twice.

use core::cell::Cell;

use aya_ebpf::btf_maps::Array;
use aya_ebpf::macros::btf_map;

/// How many packets there were. One for all CPUs: the benchmark sends from one.
#[btf_map]
pub(crate) static SENT: Array<Cell<u32>, 1> = Array::new();

/// The space of the sources is 128.0.0.0/2, far from the lab's own addresses.
const SPACE_BITS: u32 = 30;
const SPACE: u32 = (1 << SPACE_BITS) - 1;
const FIRST: u32 = 128 << 24;

/// The number of this packet.
#[inline(always)]
pub(crate) fn next() -> u32 {
    let Some(sent) = SENT.get(0) else { return 0 };
    let number = sent.get();
    sent.set(number.wrapping_add(1));
    number
}

/// The source of packet `number`, in host byte order: another one for each of
/// 2^30 packets, as every step is a bijection on 30 bits, and without a pattern
/// that caches or hashes could profit from.
#[inline(always)]
pub(crate) const fn source(number: u32) -> u32 {
    let word = number.wrapping_mul(0x9e37_79b1) & SPACE;
    let word = (word ^ word >> 15).wrapping_mul(0x85eb_ca6b) & SPACE;
    FIRST | (word ^ word >> 13)
}
