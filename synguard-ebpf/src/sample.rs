//! The XDP program that shows packets to user space: those that a capture wants, and
//! those that are evidence.
//!
//! Reached by a tail call, so that who is not shown pays for none of it: the filter
//! tests one word and jumps here with its decision in [`DRAFT`]. A SYN that may be
//! answered is copied before the challenge writes over it, and shown when that has
//! jumped back with what became of it.

use aya_ebpf::bindings::xdp_action::{XDP_DROP, XDP_PASS, XDP_TX};
use aya_ebpf::btf_maps::ProgramArray;
use aya_ebpf::helpers::generated::{bpf_ktime_get_ns, bpf_xdp_get_buff_len};
use aya_ebpf::macros::xdp;
use aya_ebpf::programs::XdpContext;
use synguard_common::abi::{Draft, Sample, Settings, budget, missed, stage, verdict};
use synguard_common::decide::Tables as _;
use synguard_common::packet::{View as _, parse};
use synguard_common::snap;
use synguard_common::source::Address;
use synguard_common::verdict::{Decision, Reason, Verdict};

use crate::clock;
use crate::filter::count_index;
use crate::frame::Frame;
use crate::maps::{
    BUDGETS, CAPTURE, DRAFT, EVIDENCE, MISSED, NEXT, NEXT_FRAGS, SAMPLES, SETTINGS, next,
};
use crate::tables::Maps;

/// For the filter of the same kind: the kernel lets no other jump here.
#[xdp(frags)]
pub fn synguard_sample_frags(ctx: XdpContext) -> u32 {
    // SAFETY: the helper only reads the context.
    let len = unsafe { bpf_xdp_get_buff_len(ctx.ctx) };
    sample(&ctx, len as u32, &NEXT_FRAGS)
}

/// For older kernels.
#[xdp]
pub fn synguard_sample(ctx: XdpContext) -> u32 {
    let len = ctx.data_end().wrapping_sub(ctx.data());
    sample(&ctx, len as u32, &NEXT)
}

/// Goes on to the program that shows the packet. Returns where there is none.
#[inline(always)]
pub(crate) fn hand_over(
    ctx: &XdpContext,
    decision: &Decision,
    is_evidence: bool,
    next: &ProgramArray<{ next::COUNT }>,
) {
    let Some(draft) = draft() else {
        return;
    };
    draft.stage = match decision.verdict {
        Verdict::Challenge => stage::OPEN,
        Verdict::Pass | Verdict::Drop => stage::DECIDED,
    };
    draft.sample.verdict = decision.verdict.code();
    draft.sample.reason = decision.reason as u32;
    draft.sample.evidence = u32::from(is_evidence);
    // SAFETY: nothing is to be dropped.
    unsafe { next.tail_call(ctx, next::SAMPLE) };
}

/// Goes back there with what became of a SYN that may have been answered.
#[inline(always)]
pub(crate) fn hand_back(ctx: &XdpContext, reason: Reason, next: &ProgramArray<{ next::COUNT }>) {
    let Some(draft) = draft() else {
        return;
    };
    if draft.stage == stage::OPEN {
        draft.stage = stage::CLOSED;
        draft.sample.verdict = reason.verdict().code();
        draft.sample.reason = reason as u32;
        // SAFETY: as above.
        unsafe { next.tail_call(ctx, next::SAMPLE) };
    }
}

#[inline(always)]
fn draft() -> Option<&'static mut Draft> {
    // SAFETY: this CPU's own, and XDP programs on one CPU do not interrupt each other;
    // each holds it but once. Any bits are a value.
    DRAFT.get_ptr_mut(0).map(|draft| unsafe { &mut *draft })
}

#[inline(always)]
fn sample(ctx: &XdpContext, len: u32, next: &ProgramArray<{ next::COUNT }>) -> u32 {
    let (Some(draft), Some(settings)) = (draft(), SETTINGS.get(0)) else {
        return XDP_PASS;
    };
    let now = clock::now();
    let mut outlets = 0;
    let stage = draft.stage;
    if stage != stage::CLOSED {
        draft.sample.len = len;
        let frame = Frame::new(ctx);
        let source = parse(&frame).source;
        draft.is_wanted = u32::from(is_wanted(source, now, settings));
        if stage == stage::DECIDED {
            // In a flood most are beyond the budget: what that costs is paid for others.
            // Blurred, or each way here would be followed to the end.
            outlets = frame.blur(choose(draft, now).into()) as u32;
        }
        if outlets != 0 || stage == stage::OPEN && draft.is_wanted | draft.sample.evidence != 0 {
            describe(&mut draft.sample, source, now, settings);
            let linear = ctx.data_end().wrapping_sub(ctx.data());
            draft.sample.captured = snap::copy(&frame, linear, &mut draft.sample.words) as u32;
        }
        if stage == stage::OPEN {
            // SAFETY: nothing is to be dropped. It returns only where nobody answers
            // SYNs; otherwise this program is run once more.
            unsafe { next.tail_call(ctx, next::CHALLENGE) };
            draft.sample.verdict = verdict::PASS;
        }
        count_index(draft.sample.reason);
    }
    draft.stage = stage::NONE;
    if stage != stage::DECIDED {
        outlets = choose(draft, now);
    }
    show(draft, outlets);
    match draft.sample.verdict {
        verdict::DROP => XDP_DROP,
        verdict::ANSWER => XDP_TX,
        _ => XDP_PASS,
    }
}

#[inline(always)]
fn is_wanted(source: Address, now: u64, settings: &Settings) -> bool {
    let Some(filter) = CAPTURE.get(0) else {
        return false;
    };
    if now >= settings.samples_until {
        if settings.samples_until != 0 {
            end_lease();
        }
        return false;
    }
    filter.wants_source(source)
}

/// Who captured was killed: the filter need not come here any more.
#[inline(always)]
fn end_lease() {
    if let Some(settings) = SETTINGS.get_ptr_mut(0) {
        // SAFETY: a word of the map, written whole, as user space does at any time.
        unsafe { (&raw mut (*settings).samples_until).write_volatile(0) };
    }
}

/// When it came, and what is known of its source.
#[inline(always)]
fn describe(sample: &mut Sample, address: Address, now: u64, settings: &Settings) {
    // SAFETY: the helper takes nothing and only reads a clock.
    sample.nanos = unsafe { bpf_ktime_get_ns() };
    let maps = Maps::new();
    // Protected addresses have a record of their own.
    let record = maps.known(address.masked(&settings.mask));
    let Some(record) = record.or_else(|| maps.known(address)) else {
        sample.known = 0;
        return;
    };
    sample.known = 1;
    sample.syns = record.syns.get();
    sample.dropped = record.dropped.get();
    sample.handshakes = record.handshakes.get();
    sample.load = record.load(now, settings.window).syns;
}

/// Where it is to be written: to a capture, and to the controller.
const CAPTURED: u32 = 1;
const KEPT: u32 = 2;

/// Where it is wanted, as far as budgets allow.
#[inline(always)]
fn choose(draft: &mut Draft, now: u64) -> u32 {
    let mut outlets = 0;
    if draft.is_wanted != 0
        && let Some(filter) = CAPTURE.get(0)
        && filter.wants_reason(draft.sample.reason)
    {
        draft.sample.session = filter.session;
        if may_show(budget::CAPTURE, now) {
            outlets |= CAPTURED;
        } else {
            miss(missed::BUDGET);
        }
    }
    if draft.sample.evidence != 0 && may_show(budget::EVIDENCE, now) {
        outlets |= KEPT;
    }
    outlets
}

#[inline(always)]
fn show(draft: &Draft, outlets: u32) {
    if outlets & CAPTURED != 0 && SAMPLES.output_untyped::<Sample>(&draft.sample, 0).is_err() {
        miss(missed::FULL);
    }
    if outlets & KEPT != 0 {
        // A full buffer is a flood of bans: those that come first are evidence enough.
        let _ = EVIDENCE.output_untyped::<Sample>(&draft.sample, 0);
    }
}

#[inline(always)]
fn may_show(budget: u32, now: u64) -> bool {
    BUDGETS.get(budget).is_some_and(|budget| budget.take(now))
}

#[inline(always)]
fn miss(what: u32) {
    if let Some(counter) = MISSED.get_ptr_mut(what) {
        // SAFETY: as for the counters.
        unsafe { *counter = (*counter).wrapping_add(1) };
    }
}
