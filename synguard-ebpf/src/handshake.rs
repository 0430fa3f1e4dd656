//! Completed handshakes, from the kernel's own tracepoint.
//!
//! `sock:inet_sock_set_state` fires once when a passive open completes
//! (SYN_RECV to ESTABLISHED), in every network namespace of the host, so for
//! servers in containers too.

use aya_ebpf::Global;
use aya_ebpf::macros::tracepoint;
use aya_ebpf::programs::TracePointContext;
use synguard_common::admit::note_handshake;
use synguard_common::source::Address;

use crate::clock;
use crate::maps::SETTINGS;
use crate::tables::Maps;

/// `include/net/tcp_states.h`.
const TCP_ESTABLISHED: i32 = 1;
const TCP_SYN_RECV: i32 = 3;

/// Where the fields lie: read from the kernel's format file at attach.
#[unsafe(no_mangle)]
static OLD_STATE_OFFSET: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
static NEW_STATE_OFFSET: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
static PEER_OFFSET: Global<u32> = Global::new(0);

#[tracepoint]
pub fn synguard_handshake(ctx: TracePointContext) -> u32 {
    // A tracepoint program's value decides nothing.
    let _ = count(&ctx);
    0
}

#[inline(always)]
fn count(ctx: &TracePointContext) -> Result<(), i32> {
    // SAFETY: the helper copies from kernel memory and fails rather than
    // faults; the types are as wide as the format file says.
    let (old, new) = unsafe {
        (
            ctx.read_at::<i32>(OLD_STATE_OFFSET.load() as usize)?,
            ctx.read_at::<i32>(NEW_STATE_OFFSET.load() as usize)?,
        )
    };
    if old != TCP_SYN_RECV || new != TCP_ESTABLISHED {
        return Ok(());
    }
    // SAFETY: as above; `daddr_v6` is filled for IPv4 too, mapped into IPv6.
    let peer = unsafe { ctx.read_at::<[u32; 4]>(PEER_OFFSET.load() as usize)? };
    let settings = SETTINGS.get(0).ok_or(0)?;
    note_handshake(
        Address::from_key(peer),
        clock::now(),
        settings,
        &Maps::new(),
    );
    Ok(())
}
