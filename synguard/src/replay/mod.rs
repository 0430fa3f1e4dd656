//! What the filter and its controller would have done with a capture.
//!
//! The parser, the decision and the detection are those of a running filter; here are
//! the maps on the host, the capture's clock, and what only a capture can tell: which
//! handshakes were completed in it.

mod book;
mod clock;
mod closeup;
mod handshakes;
mod history;
mod kernel;
mod live;
mod outcome;
mod report;
mod run;
mod schedule;
mod segment;
mod slots;
mod tables;
mod text;
mod thresholds;

pub use book::Ban;
pub use closeup::{Closeup, Seen};
pub use kernel::Witness;
pub use outcome::Outcome;
pub use report::{FileEntry, KernelEntry, Report, SCHEMA_VERSION};
pub use run::Replay;
pub use schedule::SpoofedSpan;
pub use tables::HostTables;
pub use text::show;
