//! Where things are in the frames of the benchmark: Ethernet, IPv4 without
//! options, TCP.

use aya_ebpf::programs::XdpContext;

/// The Ethernet type.
pub(crate) const ETHER_TYPE: usize = 12;
/// The IPv4 identification, which pays for the checksum.
pub(crate) const IDENTIFICATION: usize = 18;
/// The IPv4 protocol.
pub(crate) const PROTOCOL: usize = 23;
/// The IPv4 source, in two halves: it is not aligned to four bytes.
pub(crate) const SOURCE: usize = 26;
/// The TCP source port.
pub(crate) const SOURCE_PORT: usize = 34;
/// The first half of the TCP sequence number, which pays for the checksum.
pub(crate) const SEQUENCE: usize = 38;
/// The TCP flags.
pub(crate) const FLAGS: usize = 47;

/// `T` at `offset`, if the packet is that long. Every `offset` above is a
/// multiple of `T`'s alignment in all uses, and packets begin at a multiple of
/// eight bytes.
#[inline(always)]
pub(crate) fn at<T>(ctx: &XdpContext, offset: usize) -> Option<*mut T> {
    let at = ctx.data().wrapping_add(offset);
    if at.wrapping_add(size_of::<T>()) > ctx.data_end() {
        return None;
    }
    Some(at as *mut T)
}

/// Reads a plain number.
#[inline(always)]
pub(crate) fn read<T: Copy>(ctx: &XdpContext, offset: usize) -> Option<T> {
    // SAFETY: `at` has checked that it lies within the packet.
    at::<T>(ctx, offset).map(|at| unsafe { *at })
}

/// The source address of an IPv4 packet.
#[inline(always)]
pub(crate) fn ipv4_source(ctx: &XdpContext) -> Option<u32> {
    const IPV4: u16 = 0x0800_u16.to_be();
    // The longest read first, for the verifier: what follows lies before it.
    let [low, high] = read::<[u16; 2]>(ctx, SOURCE)?;
    (read::<u16>(ctx, ETHER_TYPE)? == IPV4).then_some(u32::from(low) | u32::from(high) << 16)
}
