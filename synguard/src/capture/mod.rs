//! Packets as the packet path shows them, and how they are told to people and programs.

mod packet;
mod time;
mod wanted;
mod words;

pub use packet::{Captured, State};
pub use time::WallClock;
pub use wanted::{filter, parse_reason};
pub use words::{Scale, comment, line};
