//! The kernel side of SynGuard.
//!
//! Thin on purpose: entry points, maps, and the only code that touches packet
//! pointers. What to decide lives in `synguard-common`, where the host runs the
//! very same functions.

#![no_std]
#![no_main]
#![cfg_attr(target_arch = "bpf", feature(asm_experimental_arch))]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod challenge;
mod clock;
mod filter;
mod frame;
mod handshake;
#[cfg(feature = "log")]
mod journal;
mod maps;
mod sample;
mod tables;

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
