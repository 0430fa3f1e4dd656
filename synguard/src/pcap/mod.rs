//! Captures, pcap and pcapng, read packet by packet in constant memory; pcapng,
//! written ([`begin`], [`packet`]).
//!
//! A file is recognised by its magic number, never by its name. Everything up to the
//! first damage is read, and the damage is named. What a record holds is parsed by
//! the crate `pcap-parser`; how far to trust its lengths is decided here.

mod classic;
mod damage;
mod frame;
mod link;
mod magic;
mod next_generation;
mod reader;
mod stamp;
mod window;
mod write;

pub use damage::{Damage, Unreadable};
pub use frame::{Direction, Frame};
pub use link::Link;
pub use reader::{Interface, Reader};
pub use write::{Written, begin, packet};
