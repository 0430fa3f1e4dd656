//! The XDP program: parse, decide, count.

use aya_ebpf::bindings::xdp_action::{XDP_DROP, XDP_PASS};
use aya_ebpf::btf_maps::ProgramArray;
use aya_ebpf::macros::xdp;
use aya_ebpf::programs::XdpContext;
use synguard_common::decide::decide;
use synguard_common::packet::parse;
use synguard_common::verdict::{Reason, Verdict};

use crate::clock;
use crate::frame::Frame;
use crate::maps::{COUNTERS, NEXT, NEXT_FRAGS, SETTINGS, next};
use crate::sample::hand_over;
use crate::tables::Maps;

/// For drivers that hand over a packet in several buffers (jumbo frames), from
/// Linux 5.18 on.
#[xdp(frags)]
pub fn synguard_frags(ctx: XdpContext) -> u32 {
    filter(&ctx, &NEXT_FRAGS)
}

/// For older kernels.
#[xdp]
pub fn synguard(ctx: XdpContext) -> u32 {
    filter(&ctx, &NEXT)
}

#[inline(always)]
fn filter(ctx: &XdpContext, next: &ProgramArray<{ next::COUNT }>) -> u32 {
    let Some(settings) = SETTINGS.get(0) else {
        return XDP_PASS;
    };
    let packet = parse(&Frame::new(ctx));
    let maps = Maps::new();
    let decision = decide(packet, clock::now(), settings, &maps);
    if maps.evidence() | settings.samples_until != 0 {
        // It returns only where no such program is loaded; that one counts the packet.
        hand_over(ctx, &decision, maps.evidence() != 0, next);
    }
    if decision.verdict == Verdict::Challenge {
        // SAFETY: nothing here is to be dropped. It returns only where no such
        // program is loaded; that one counts the packet itself.
        unsafe { next.tail_call(ctx, next::CHALLENGE) };
    }
    count(decision.reason);
    #[cfg(feature = "log")]
    crate::journal::syn(ctx, &packet, &decision);
    match decision.verdict {
        Verdict::Pass | Verdict::Challenge => XDP_PASS,
        Verdict::Drop => XDP_DROP,
    }
}

#[inline(always)]
pub(crate) fn count(reason: Reason) {
    count_index(reason as u32);
}

#[inline(always)]
pub(crate) fn count_index(reason: u32) {
    if let Some(counter) = COUNTERS.get_ptr_mut(reason) {
        // SAFETY: this CPU's own slot, and XDP programs on one CPU do not
        // interrupt each other.
        unsafe { *counter = (*counter).wrapping_add(1) };
    }
}
