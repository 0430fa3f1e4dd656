//! The kernel side of the benchmark: packet senders, and programs to compare
//! SynGuard with.
//!
//! All of them accept packets in several buffers, as SynGuard's own program does
//! where the kernel has them (Linux 5.18): a program may call only such ones on
//! as do the same.

#![no_std]
#![no_main]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod headers;
mod peers;
mod senders;
mod sequence;

/// Stops the build of anything that could panic from linking; never runs.
#[cfg(not(test))]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// The kernel lends some helpers to GPL-compatible programs only.
#[unsafe(no_mangle)]
#[unsafe(link_section = "license")]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
