//! The kernel-side debug log: every SYN, off unless asked for at
//! attach, when the verifier removes it.

use aya_ebpf::programs::XdpContext;
use aya_log_ebpf::debug;
use synguard_common::packet::{Packet, Segment};
use synguard_common::source::Address;
use synguard_common::verdict::Decision;

#[inline(always)]
pub(crate) fn syn(ctx: &XdpContext, packet: &Packet, decision: &Decision) {
    let Segment::Syn(ports) = packet.segment else {
        return;
    };
    // IPv6 as its network half. More, or narrower, arguments make LLVM lay
    // them on the stack in a way that the verifier refuses.
    let source = match packet.source {
        Address::V4([.., word]) => u64::from(u32::from_be(word)),
        Address::V6([first, second, ..]) => {
            u64::from(u32::from_be(first)) << 32 | u64::from(u32::from_be(second))
        }
    };
    debug!(
        ctx,
        "SYN from {:x} to port {}: reason {}",
        source,
        u64::from(ports.destination()),
        decision.reason as u64
    );
}
