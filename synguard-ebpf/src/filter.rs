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
use crate::maps::{CHALLENGE, CHALLENGE_FRAGS, COUNTERS, SETTINGS};
use crate::tables::Maps;

/// For drivers that hand over a packet in several buffers (jumbo frames), from
/// Linux 5.18 on.
#[xdp(frags)]
pub fn synguard_frags(ctx: XdpContext) -> u32 {
    filter(&ctx, &CHALLENGE_FRAGS)
}

/// For older kernels.
#[xdp]
pub fn synguard(ctx: XdpContext) -> u32 {
    filter(&ctx, &CHALLENGE)
}

#[inline(always)]
fn filter(ctx: &XdpContext, challenge: &ProgramArray<1>) -> u32 {
    let Some(settings) = SETTINGS.get(0) else {
        return XDP_PASS;
    };
    let packet = parse(&Frame::new(ctx));
    let decision = decide(packet, clock::now(), settings, &Maps);
    if decision.verdict == Verdict::Challenge {
        // SAFETY: nothing here is to be dropped. It returns only where no such
        // program is loaded; that one counts the packet itself.
        unsafe { challenge.tail_call(ctx, 0) };
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
    if let Some(counter) = COUNTERS.get_ptr_mut(reason as u32) {
        // SAFETY: this CPU's own slot, and XDP programs on one CPU do not
        // interrupt each other.
        unsafe { *counter = (*counter).wrapping_add(1) };
    }
}
