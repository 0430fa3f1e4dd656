//! The packet as the verifier lets a program see it.

use core::arch::asm;

use aya_ebpf::programs::XdpContext;
use synguard_common::packet::{Edit, View};

/// The linear part of a received frame.
pub(crate) struct Frame {
    start: usize,
    end: usize,
    /// Some number, of which the verifier knows nothing.
    unknown: u64,
}

impl Frame {
    #[inline(always)]
    pub(crate) fn new(ctx: &XdpContext) -> Self {
        Self {
            start: ctx.data(),
            end: ctx.data_end(),
            // SAFETY: the context is valid as long as the program runs.
            unknown: u64::from(unsafe { (*ctx.ctx).rx_queue_index }),
        }
    }

    #[inline(always)]
    fn at<const N: usize>(&self, offset: usize) -> Option<*mut [u8; N]> {
        let at = self.start.wrapping_add(offset);
        if at.wrapping_add(N) > self.end {
            return None;
        }
        Some(at as *mut [u8; N])
    }
}

impl View for Frame {
    #[inline(always)]
    fn get<const N: usize>(&self, offset: usize) -> Option<&[u8; N]> {
        // SAFETY: the N bytes lie between `data` and `data_end`, which stay
        // valid for the whole run of the program; bytes have no alignment. The
        // verifier proves the same or refuses the program.
        self.at(offset).map(|at| unsafe { &*at })
    }

    #[inline(always)]
    fn blur(&self, mut value: u64) -> u64 {
        // SAFETY: arithmetic. The verifier does not see that it changes nothing.
        unsafe {
            asm!(
                "{value} ^= {unknown}",
                "{value} ^= {unknown}",
                value = inout(reg) value,
                unknown = in(reg) self.unknown,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        value
    }
}

impl Edit for Frame {
    #[inline(always)]
    fn put<const N: usize>(&mut self, offset: usize, bytes: &[u8; N]) -> Option<()> {
        // SAFETY: as for `get`, and nobody else holds this frame meanwhile.
        self.at(offset).map(|at| unsafe { *at = *bytes })
    }
}
