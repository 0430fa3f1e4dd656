//! The kernel's tick: free to read, unlike its nanosecond clocks.

use aya_ebpf::bindings::xdp_action::XDP_PASS;
use aya_ebpf::helpers::generated::bpf_jiffies64;
use aya_ebpf::macros::xdp;
use aya_ebpf::programs::XdpContext;

use crate::maps::CLOCK;

#[inline(always)]
pub(crate) fn now() -> u64 {
    // SAFETY: the helper takes nothing and only reads a counter.
    unsafe { bpf_jiffies64() }
}

/// Shows user space the tick, which no file tells. Only ever test-run, never
/// attached.
#[xdp]
pub fn synguard_clock(_ctx: XdpContext) -> u32 {
    let _ = CLOCK.set(0, now(), 0);
    XDP_PASS
}
