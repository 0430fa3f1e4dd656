//! The XDP program: parse, decide, count.

use aya_ebpf::bindings::xdp_action::{XDP_DROP, XDP_PASS};
use aya_ebpf::macros::xdp;
use aya_ebpf::programs::XdpContext;
use synguard_common::decide::decide;
use synguard_common::packet::parse;
use synguard_common::verdict::{Decision, Reason, Verdict};

use crate::clock;
use crate::frame::Frame;
use crate::maps::{COUNTERS, SETTINGS};
use crate::tables::Maps;

/// For drivers that hand over a packet in several buffers (jumbo frames), from
/// Linux 5.18 on.
#[xdp(frags)]
pub fn synguard_frags(ctx: XdpContext) -> u32 {
    filter(&ctx)
}

/// For older kernels.
#[xdp]
pub fn synguard(ctx: XdpContext) -> u32 {
    filter(&ctx)
}

#[inline(always)]
fn filter(ctx: &XdpContext) -> u32 {
    let Some(settings) = SETTINGS.get(0) else {
        return XDP_PASS;
    };
    let packet = parse(&Frame::new(ctx));
    let decision = decide(packet, clock::now(), settings, &Maps);
    count(decision.reason);
    log(ctx, &decision);
    match decision.verdict {
        Verdict::Pass => XDP_PASS,
        Verdict::Drop => XDP_DROP,
    }
}

#[inline(always)]
fn count(reason: Reason) {
    if let Some(counter) = COUNTERS.get_ptr_mut(reason as u32) {
        // SAFETY: this CPU's own slot, and XDP programs on one CPU do not
        // interrupt each other.
        unsafe { *counter = (*counter).wrapping_add(1) };
    }
}

/// Off unless asked for at attach: the verifier then removes it.
#[cfg(feature = "log")]
#[inline(always)]
fn log(ctx: &XdpContext, decision: &Decision) {
    if decision.reason.is_syn() || matches!(decision.verdict, Verdict::Drop) {
        aya_log_ebpf::debug!(
            ctx,
            "reason {} dropped {}",
            decision.reason as u32,
            u8::from(matches!(decision.verdict, Verdict::Drop))
        );
    }
}

#[cfg(not(feature = "log"))]
#[inline(always)]
fn log(_: &XdpContext, _: &Decision) {}
