//! The packet as the verifier lets a program see it.

use aya_ebpf::programs::XdpContext;
use synguard_common::packet::View;

/// The linear part of a received frame.
pub(crate) struct Frame {
    start: usize,
    end: usize,
}

impl Frame {
    #[inline(always)]
    pub(crate) fn new(ctx: &XdpContext) -> Self {
        Self {
            start: ctx.data(),
            end: ctx.data_end(),
        }
    }
}

impl View for Frame {
    #[inline(always)]
    fn get<const N: usize>(&self, offset: usize) -> Option<&[u8; N]> {
        let at = self.start.wrapping_add(offset);
        if at.wrapping_add(N) > self.end {
            return None;
        }
        // SAFETY: the N bytes lie between `data` and `data_end`, which stay
        // valid for the whole run of the program; bytes have no alignment. The
        // verifier proves the same or refuses the program.
        Some(unsafe { &*(at as *const [u8; N]) })
    }
}
