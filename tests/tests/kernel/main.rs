//! The loaded program, one frame at a time: no network, but the real kernel.

mod differential;
mod frames;
mod lists;
mod packets;
mod settings;
mod state;
