//! What the kernel side and the user side of SynGuard agree on.
//!
//! One parser ([`packet::parse`]) and one decision function ([`decide::decide`])
//! are compiled for the kernel and for the host. Nothing here does I/O: bytes
//! come through [`packet::View`], state through [`decide::Tables`], and the time
//! is an argument.

#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

pub mod abi;
pub mod admit;
pub mod budget;
pub mod cookie;
pub mod decide;
pub mod gate;
pub mod known;
pub mod packet;
pub mod ports;
pub mod repeat;
pub mod sketch;
pub mod snap;
pub mod source;
pub mod verdict;
pub mod window;
