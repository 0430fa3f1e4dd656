//! The loaded program, one frame at a time: no network, but the real kernel.

mod capture;
mod challenge;
mod differential;
mod frames;
mod lists;
mod packets;
mod report;
mod settings;
mod state;
