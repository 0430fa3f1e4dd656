//! The XDP program that answers a SYN with a SYN cookie.
//!
//! Reached from the filter by a tail call, so that kernels that do not take it
//! lose nothing else. The kernel makes the cookie of a listener that it finds, and
//! remembers for that listener that it did: otherwise it would not accept it.

use core::ffi::c_void;

use aya_ebpf::EbpfContext as _;
use aya_ebpf::bindings::tcphdr;
use aya_ebpf::bindings::xdp_action::{XDP_DROP, XDP_PASS, XDP_TX};
use aya_ebpf::btf_maps::ProgramArray;
use aya_ebpf::helpers::generated::{
    bpf_ktime_get_ns, bpf_sk_release, bpf_skc_lookup_tcp, bpf_tcp_gen_syncookie,
    bpf_xdp_adjust_tail, bpf_xdp_get_buff_len,
};
use aya_ebpf::macros::xdp;
use aya_ebpf::programs::XdpContext;
use synguard_common::abi::{Listener, Settings, endpoint, hindrance};
use synguard_common::admit::may_answer;
use synguard_common::cookie::{Header, Ipv4, Ipv6, Question, Terms, network_layer};
use synguard_common::packet::View as _;
use synguard_common::verdict::{Reason, Verdict};

use crate::clock;
use crate::filter::count;
use crate::frame::Frame;
use crate::maps::{LISTENERS, NEXT, NEXT_FRAGS, SETTINGS, next};
use crate::sample::hand_back;
use crate::tables::Maps;

/// What Linux announces over Ethernet (`tcp_select_initial_window`).
const WINDOW: u32 = 64_240;
/// What Linux sends with (`IPDEFTTL`, `IPV6_DEFAULT_HOPLIMIT`).
const HOPS: u32 = 64;
const NANOS_PER_MILLI: u64 = 1_000_000;

/// For the filter of the same kind: the kernel lets no other jump here.
#[xdp(frags)]
pub fn synguard_challenge_frags(ctx: XdpContext) -> u32 {
    // SAFETY: the helper only reads the context.
    let len = unsafe { bpf_xdp_get_buff_len(ctx.ctx) };
    challenge(&ctx, len as usize, &NEXT_FRAGS)
}

/// For older kernels.
#[xdp]
pub fn synguard_challenge(ctx: XdpContext) -> u32 {
    challenge(&ctx, ctx.data_end().wrapping_sub(ctx.data()), &NEXT)
}

#[inline(always)]
fn challenge(ctx: &XdpContext, len: usize, next: &ProgramArray<{ next::COUNT }>) -> u32 {
    let Some(settings) = SETTINGS.get(0) else {
        return XDP_PASS;
    };
    let reason = match network_layer(&Frame::new(ctx)) {
        Some((Ipv4::ETHER_TYPE, at)) => answer::<Ipv4, 20, 12>(ctx, len, at, settings),
        Some((Ipv6::ETHER_TYPE, at)) => answer::<Ipv6, 40, 36>(ctx, len, at, settings),
        _ => Err(Reason::SynUnanswerable),
    };
    let reason = reason.map_or_else(|reason| reason, |()| Reason::SynAnswered);
    count(reason);
    if settings.samples_until != 0 {
        hand_back(ctx, reason, next);
    }
    match reason.verdict() {
        Verdict::Challenge => XDP_TX,
        Verdict::Drop => XDP_DROP,
        Verdict::Pass => XDP_PASS,
    }
}

/// Turns the SYN into its answer. `HEADER` is the length of the IP header at `at`,
/// and `PAIR` that of both addresses and both ports.
#[inline(always)]
fn answer<H: Header, const HEADER: usize, const PAIR: usize>(
    ctx: &XdpContext,
    len: usize,
    at: usize,
    settings: &Settings,
) -> Result<(), Reason> {
    let question = Question::<H>::read(&Frame::new(ctx), at).ok_or(Reason::SynUnanswerable)?;
    let port = question.syn.ports.destination();
    let endpoint = endpoint(question.header.server().key(), port);
    // SAFETY: as in `tables`: the entry stays readable until the program ends.
    let listener = unsafe { LISTENERS.get(endpoint) }.ok_or(Reason::SynNoListener)?;
    if listener.hindrance != hindrance::NONE {
        return Err(Reason::SynHindered);
    }
    let cookie =
        cookie::<H, HEADER, PAIR>(ctx, &question, listener).ok_or(Reason::SynNoListener)?;
    if !may_answer(
        question.header.client(),
        clock::now(),
        settings,
        &Maps::new(),
    ) {
        return Err(Reason::DroppedAnswers);
    }
    let answer = question.answer(&terms(cookie, listener));
    let longer = answer.frame_len().wrapping_sub(len);
    // SAFETY: the helper checks whether there is room; no pointer into the frame
    // from before is used after it.
    if unsafe { bpf_xdp_adjust_tail(ctx.ctx, longer as i32) } != 0 {
        return Err(Reason::SynUnanswerable);
    }
    answer
        .write(&mut Frame::new(ctx))
        .ok_or(Reason::SynUnanswerable)
}

#[inline(always)]
fn terms(cookie: u32, listener: &Listener) -> Terms {
    // SAFETY: the helper takes nothing and only reads a clock: the one by which the
    // kernel reads the timestamp.
    let now = unsafe { bpf_ktime_get_ns() };
    Terms {
        cookie,
        mss: listener.mss,
        window: WINDOW,
        shift: listener.shift,
        abilities: listener.abilities,
        hops: HOPS,
        milliseconds: now / NANOS_PER_MILLI,
    }
}

/// The cookie, if somebody listens and wants one.
#[inline(always)]
fn cookie<H: Header, const HEADER: usize, const PAIR: usize>(
    ctx: &XdpContext,
    question: &Question<H>,
    listener: &Listener,
) -> Option<u32> {
    let frame = Frame::new(ctx);
    let header = frame.get::<HEADER>(question.at)?;
    // The addresses end the IP header, and the ports follow: as `bpf_sock_tuple`.
    let ports_end = question.at.wrapping_add(HEADER).wrapping_add(4);
    let pair = frame.get::<PAIR>(ports_end.wrapping_sub(PAIR))?;
    let mut segment = question.essence();
    // SAFETY: the helpers read what they are given, of the given sizes, and the
    // socket is given back on the only way on from where it was taken.
    unsafe {
        let socket = bpf_skc_lookup_tcp(
            ctx.as_ptr(),
            pair.as_ptr().cast_mut().cast(),
            PAIR as u32,
            i64::from(listener.namespace) as u64,
            0,
        );
        if socket.is_null() {
            return None;
        }
        let socket = socket.cast::<c_void>();
        let cookie = bpf_tcp_gen_syncookie(
            socket,
            header.as_ptr().cast_mut().cast(),
            HEADER as u32,
            segment.as_mut_ptr().cast::<tcphdr>(),
            size_of_val(&segment) as u32,
        );
        bpf_sk_release(socket);
        (cookie >= 0).then_some(cookie as u32)
    }
}
