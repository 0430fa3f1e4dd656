//! What sends: frames for the wire, and spoofed ones for a program under test.

use aya_ebpf::bindings::xdp_action::XDP_ABORTED;
use aya_ebpf::btf_maps::{Array, ProgramArray};
use aya_ebpf::helpers::generated::{bpf_ktime_get_ns, bpf_redirect, bpf_xdp_store_bytes};
use aya_ebpf::macros::{btf_map, xdp};
use aya_ebpf::programs::XdpContext;
use aya_ebpf::{EbpfContext as _, Global};

use crate::headers::{IDENTIFICATION, SEQUENCE, SOURCE, SOURCE_PORT, at};
use crate::sequence;

/// Bytes of a frame on the wire.
const FRAME: usize = 64;

/// The interface to send by.
#[unsafe(no_mangle)]
static SEND_BY: Global<u32> = Global::new(0);

/// The frame to send. The kernel uses its buffers again as the receiver left
/// them, so every frame is written whole.
#[btf_map]
static TEMPLATE: Array<[u16; FRAME / 2], 1> = Array::new();

/// How fast to send: nanoseconds from frame to frame, none where as fast as it
/// goes, and when the next one is due.
#[btf_map]
static PACE: Array<[u64; 2], 1> = Array::new();

/// So often is the clock looked at while a frame is not due; a slower pace than
/// this many looks is not kept.
const PATIENCE: u32 = 2000;

/// Bytes of a SYN with the options that Linux sends: a server's answer is as long.
const SYN: usize = 74;

/// The SYN for [`renew`].
#[btf_map]
static QUESTION: Array<[u16; SYN / 2], 1> = Array::new();

/// The program under test, behind [`spoof`] and [`renew`].
#[btf_map]
static UNDER_TEST: ProgramArray<1> = ProgramArray::new();

/// Sends a SYN from another source each time.
#[xdp(frags)]
pub fn send_spoofed(ctx: XdpContext) -> u32 {
    send(&ctx, |frame| {
        let source = sequence::source(sequence::next());
        let (high, low) = ((source >> 16) as u16, source as u16);
        let sum = add(high, low);
        put(frame, SOURCE, high.to_be());
        put(frame, SOURCE + 2, low.to_be());
        // The template's checksums hold for zeros here: what is added in one
        // place is taken away in another.
        put(frame, IDENTIFICATION, (!sum).to_be());
        put(frame, SEQUENCE, (!sum).to_be());
    })
}

/// Sends a SYN from the template's source, from another port each time.
#[xdp(frags)]
pub fn send_from_one(ctx: XdpContext) -> u32 {
    send(&ctx, |frame| {
        let port = 1024 | sequence::next() as u16;
        put(frame, SOURCE_PORT, port.to_be());
        put(frame, SEQUENCE, (!port).to_be());
    })
}

/// Gives the packet another IPv4 source each time and hands it to the program
/// under test, which so runs as often as BPF_PROG_TEST_RUN is told.
#[xdp(frags)]
pub fn spoof(ctx: XdpContext) -> u32 {
    call_with_another_source(&ctx)
}

/// The same for a program that turns the SYN into its answer: makes it the SYN again.
#[xdp(frags)]
pub fn renew(ctx: XdpContext) -> u32 {
    let Some(syn) = QUESTION.get_ptr_mut(0) else {
        return XDP_ABORTED;
    };
    // SAFETY: the helper copies `SYN` bytes out of an array of that size, and fails
    // where the packet is shorter.
    unsafe { bpf_xdp_store_bytes(ctx.as_ptr().cast(), 0, syn.cast(), SYN as u32) };
    call_with_another_source(&ctx)
}

#[inline(always)]
fn call_with_another_source(ctx: &XdpContext) -> u32 {
    let source = sequence::source(sequence::next());
    if let Some(field) = at::<[u16; 2]>(ctx, SOURCE) {
        let halves = [((source >> 16) as u16).to_be(), (source as u16).to_be()];
        // SAFETY: `at` has checked that it lies within the packet.
        unsafe { *field = halves };
    }
    // SAFETY: nothing here waits to be dropped.
    unsafe { UNDER_TEST.tail_call(ctx, 0) };
    XDP_ABORTED
}

#[inline(always)]
fn send(ctx: &XdpContext, fill: impl FnOnce(&mut [u16; FRAME / 2])) -> u32 {
    let Some(frame) = TEMPLATE.get_ptr_mut(0) else {
        return XDP_ABORTED;
    };
    // SAFETY: the entry lives as long as the program, and the benchmark sends
    // from one CPU.
    let frame = unsafe { &mut *frame };
    fill(frame);
    keep_pace();
    // SAFETY: the helper copies `FRAME` bytes out of an array of that size, and
    // fails where the packet is shorter.
    unsafe {
        let bytes = frame.as_mut_ptr().cast();
        bpf_xdp_store_bytes(ctx.as_ptr().cast(), 0, bytes, FRAME as u32);
        bpf_redirect(SEND_BY.load(), 0) as u32
    }
}

/// Waits here and not in user space: starting a run costs milliseconds, so a pace
/// made of short runs would be bursts.
#[inline(always)]
fn keep_pace() {
    let Some(pace) = PACE.get_ptr_mut(0) else {
        return;
    };
    // SAFETY: as for the frame.
    let [interval, due] = unsafe { &mut *pace };
    if *interval == 0 {
        return;
    }
    let mut now = clock();
    for _ in 0..PATIENCE {
        if now >= *due {
            break;
        }
        now = clock();
    }
    // Time lost is not made up for: that would be a burst.
    let next = due.wrapping_add(*interval);
    *due = if next > now { next } else { now };
}

#[inline(always)]
fn clock() -> u64 {
    // SAFETY: the helper takes nothing and only reads a clock.
    unsafe { bpf_ktime_get_ns() }
}

#[inline(always)]
fn put(frame: &mut [u16; FRAME / 2], offset: usize, word: u16) {
    if let Some(field) = frame.get_mut(offset / 2) {
        *field = word;
    }
}

/// The sum in ones' complement (RFC 1071).
#[inline(always)]
const fn add(a: u16, b: u16) -> u16 {
    let (sum, carry) = a.overflowing_add(b);
    sum.wrapping_add(carry as u16)
}
